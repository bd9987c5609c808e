import type { Config } from '../config/types.ts';
import type { SyncOperation as AgentOperation } from '../generated/agent-api.ts';
import type { SyncFolder, SyncFolderReport, SyncFolderRequest, SyncOperation } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { isReachable } from '../jupyter-server/agent.ts';
import type { Deadline } from '../lib/deadline.ts';
import { askAgent, createOwnAgents, followOperation, type OwnAgentsParts } from '../own-agents.ts';
import type { AgentTarget, SessionAgents, SyncResolution } from '../platform/session-agent/types.ts';

export interface SyncFoldersParts extends OwnAgentsParts {
  readonly agents: SessionAgents;
  readonly config: { readonly sessions: Pick<Config['sessions'], 'agent_secrets' | 'sync'> };
}

/** The synchronized folders of a session. All methods throw ApiError. */
export interface SyncFolders {
  list(identity: Identity, name: string, deadline: Deadline): Promise<SyncFolderReport>;
  get(identity: Identity, name: string, id: string, deadline: Deadline): Promise<SyncFolder>;
  put(identity: Identity, name: string, id: string, body: SyncFolderRequest, deadline: Deadline): Promise<SyncFolder>;
  remove(identity: Identity, name: string, id: string, deadline: Deadline): Promise<void>;
  /** @param deletions the number of deletions that the owner confirms; undefined: none */
  start(
    identity: Identity,
    name: string,
    id: string,
    deletions: number | undefined,
    deadline: Deadline,
  ): Promise<SyncOperation>;
  operations(identity: Identity, name: string, id: string, deadline: Deadline): Promise<SyncOperation[]>;
  operation(identity: Identity, name: string, which: OperationOfFolder, deadline: Deadline): Promise<SyncOperation>;
  /** Returns the operation now and after each change, until it has ended or `signal` aborts. */
  follow(identity: Identity, name: string, which: OperationOfFolder, signal: AbortSignal): AsyncIterable<SyncOperation>;
  cancel(identity: Identity, name: string, which: OperationOfFolder, deadline: Deadline): Promise<SyncOperation>;
  resolve(
    identity: Identity,
    name: string,
    which: { readonly folder: string; readonly conflict: string },
    resolution: SyncResolution,
    deadline: Deadline,
  ): Promise<SyncFolder>;
}

interface OperationOfFolder {
  readonly folder: string;
  readonly operation: string;
}

export function createSyncFolders(parts: SyncFoldersParts): SyncFolders {
  const { agents } = parts;
  const remoteTypes = [...parts.config.sessions.sync.remotes];
  const own = createOwnAgents(parts);

  const ask = <T>(identity: Identity, name: string, deadline: Deadline, call: (target: AgentTarget) => Promise<T>) =>
    own.call(identity, name, messagesFor(name), deadline, call);

  return {
    async list(identity, name, deadline) {
      const access = await own.find(identity, name, deadline);
      if (!isReachable(access)) return { unavailable: access, folders: [], unusable: [], remoteTypes };
      const message = `The agent of the session ${name} did not report.`;
      const found = await askAgent(message, () => agents.syncFolders(access, deadline));
      return { ...found, unavailable: null, remoteTypes };
    },
    get: (identity, name, id, deadline) =>
      ask(identity, name, deadline, (target) => agents.syncFolder(target, id, deadline)),
    put: (identity, name, id, body, deadline) =>
      ask(identity, name, deadline, (target) => agents.putSyncFolder(target, id, body, deadline)),
    remove: (identity, name, id, deadline) =>
      ask(identity, name, deadline, (target) => agents.deleteSyncFolder(target, id, deadline)),
    start: async (identity, name, id, deletions, deadline) =>
      present(await ask(identity, name, deadline, (target) => agents.startSync(target, id, deletions, deadline))),
    operation: async (identity, name, { folder, operation }, deadline) =>
      present(
        await ask(identity, name, deadline, (target) =>
          agents.syncOperation(target, folder, operation, undefined, deadline),
        ),
      ),
    operations: async (identity, name, id, deadline) =>
      (await ask(identity, name, deadline, (target) => agents.syncOperations(target, id, deadline))).map(present),
    async *follow(identity, name, { folder, operation }, signal) {
      const operations = followOperation(async (wait, deadline) => {
        const target = await own.require(identity, name, messagesFor(name).cannot, deadline);
        return await agents.syncOperation(target, folder, operation, wait, deadline);
      }, signal);
      for await (const each of operations) yield present(each);
    },
    cancel: async (identity, name, { folder, operation }, deadline) =>
      present(await ask(identity, name, deadline, (target) => agents.cancelSync(target, folder, operation, deadline))),
    resolve: (identity, name, { folder, conflict }, resolution, deadline) =>
      ask(identity, name, deadline, (target) =>
        agents.resolveSyncConflict(target, folder, conflict, resolution, deadline),
      ),
  };
}

const messagesFor = (name: string) => ({
  cannot: `The folders of the session ${name} cannot be synchronized.`,
  failed: `The agent of the session ${name} did not do what was requested.`,
});

/** Returns the operation without the members that only the programs of the platform need. */
const present = ({ id, folder, state, createdAt, finishedAt, result, error }: AgentOperation): SyncOperation => ({
  ...{ id, folder, state, createdAt, finishedAt, result, error },
});
