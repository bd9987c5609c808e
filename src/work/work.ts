import { randomUUID } from 'node:crypto';
import { ApiError, errorKind } from '../errors.ts';
import type { Operation as AgentOperation } from '../generated/agent-api.ts';
import type { Operation, SessionWork } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { agentAccess, isReachable } from '../jupyter-server/agent.ts';
import { whyNotSavedOnStop } from '../jupyter-server/save-on-stop.ts';
import { isPending, isSaveOf } from '../jupyter-server/stop-request.ts';
import type { Deadline } from '../lib/deadline.ts';
import { agentError, askAgent, createOwnAgents, followOperation, type OwnAgentsParts } from '../own-agents.ts';
import { AgentFailure, type SessionAgents } from '../platform/session-agent/types.ts';
import { present } from './present.ts';

export interface WorkParts extends OwnAgentsParts {
  readonly agents: SessionAgents;
}

/** The work in sessions, and the operations that save it. All methods throw ApiError. */
export interface Work {
  read(identity: Identity, name: string, deadline: Deadline): Promise<SessionWork>;
  save(identity: Identity, name: string, deadline: Deadline): Promise<Operation>;
  operations(identity: Identity, name: string, deadline: Deadline): Promise<Operation[]>;
  operation(identity: Identity, name: string, id: string, deadline: Deadline): Promise<Operation>;
  cancel(identity: Identity, name: string, id: string, deadline: Deadline): Promise<Operation>;
  /** Returns the operation now and after each change, until it has ended or `signal` aborts. */
  follow(identity: Identity, name: string, id: string, signal: AbortSignal): AsyncIterable<Operation>;
}

export function createWork(parts: WorkParts): Work {
  const { sessions, agents, config } = parts;
  const own = createOwnAgents(parts);
  const secrets = config.sessions.agent_secrets;

  const ask = <T>(name: string, call: () => Promise<T>): Promise<T> => askAgent(notDone(name), call);

  /** Calls the agent for one operation. Throws ApiError. */
  async function askFor(name: string, id: string, call: () => Promise<AgentOperation>): Promise<Operation> {
    try {
      return present(await call());
    } catch (error) {
      if (!(error instanceof AgentFailure && error.reason === 'not-found')) throw agentError(notDone(name), error);
      throw new ApiError(errorKind.missing, `The session ${name} has no operation ${id}.`, {
        detail:
          'The agent of a session knows its last 20 saves, 20 snapshots and 10 restores. Without a volume, they end with the pod of the session.',
      });
    }
  }

  const ofOperations = (name: string): string => `The operations of the session ${name} are not available.`;

  return {
    async read(identity, name, deadline) {
      const session = await sessions.get(identity, name, deadline);
      const context = { secrets, isAnonymous: identity.kind === 'anonymous', now: Date.now() };
      const whyNotSaved = whyNotSavedOnStop(session, context) ?? null;
      const onStop = { savesOnStop: whyNotSaved === null, whyNotSaved };
      const access = agentAccess(session, secrets);
      if (!isReachable(access)) return { ...onStop, unavailable: access, work: null };
      return { ...onStop, unavailable: null, work: await ask(name, () => agents.work(access, deadline)) };
    },

    async save(identity, name, deadline) {
      const target = await own.require(identity, name, `The work of the session ${name} cannot be saved.`, deadline);
      const request = { id: randomUUID(), reason: 'user' as const, isFinal: false };
      return present(await ask(name, () => agents.save(target, request, deadline)));
    },

    async operations(identity, name, deadline) {
      const access = await own.find(identity, name, deadline);
      if (!isReachable(access)) return [];
      return (await ask(name, () => agents.operations(access, deadline))).map(present);
    },

    async operation(identity, name, id, deadline) {
      const target = await own.require(identity, name, ofOperations(name), deadline);
      return await askFor(name, id, () => agents.findOperation(target, id, undefined, deadline));
    },

    async cancel(identity, name, id, deadline) {
      const session = await sessions.get(identity, name, deadline);
      if (isPending(session.stopRequest) && isSaveOf(session.stopRequest, id)) {
        throw new ApiError(errorKind.conflict, `The session ${name} ends after this save.`, {
          detail: 'A stop cannot be cancelled. A hibernation ends if you resume the session.',
        });
      }
      const target = await own.require(identity, name, ofOperations(name), deadline);
      return await askFor(name, id, () => agents.cancel(target, id, deadline));
    },

    async *follow(identity, name, id, signal) {
      const operations = followOperation(async (wait, deadline) => {
        const target = await own.require(identity, name, ofOperations(name), deadline);
        return await agents.findOperation(target, id, wait, deadline);
      }, signal);
      for await (const operation of operations) yield present(operation);
    },
  };
}

const notDone = (name: string): string => `The agent of the session ${name} did not do what was requested.`;
