import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type AgentAccess, agentAccess, canSave, isReachable } from '../jupyter-server/agent.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import { fromJupyterServer } from '../jupyter-server/session.ts';
import { Deadline } from '../lib/deadline.ts';
import { AgentFailure, type SessionAgents } from '../platform/session-agent/types.ts';
import type { Cluster } from './cluster.ts';
import type { Terminal } from './machine/terminal.ts';

export interface LastSavesOptions {
  readonly cluster: Pick<Cluster, 'list'>;
  readonly namespace: string;
  readonly agents: SessionAgents;
  readonly agentSecret: string;
  readonly terminal: Terminal;
  readonly log: Logger;
}

type Operation = Awaited<ReturnType<SessionAgents['save']>>;

/** Time limit of all saves. */
const totalMs = 9_000;
/** Seconds after which the agents push no longer, and store the saves on the volumes. */
const pushSeconds = 6;
/** Seconds of one request that waits for a change. */
const waitSeconds = 5;

const steps: Partial<Record<Operation['progress']['step'], string>> = {
  waiting: 'waits for an earlier save',
  'stopping-kernels': 'ends kernels and terminals',
  scanning: 'looks for changes',
  collecting: 'collects the changes',
  pushing: 'pushes the save',
  verifying: 'verifies the save',
  done: 'done',
};

/**
 * Saves the work of all running sessions before they are stopped with the platform, within 9 s, and reports each at the terminal. The
 * volumes of sessions survive, so no failure loses work. Returns the uids of the pods whose agents have nothing more to do.
 */
export async function saveSessions(options: LastSavesOptions, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { cluster, namespace, agentSecret, terminal, log } = options;
  const sessions = cluster.list(jupyterServers, { namespace }).flatMap((object) => {
    const session = fromJupyterServer(object);
    const access = agentAccess(session, [agentSecret]);
    return canSave(session, [agentSecret]) && isReachable(access) ? [{ name: session.name, access }] : [];
  });
  const ended = new Set<string>();
  if (sessions.length === 0) return ended;
  const count = sessions.length === 1 ? '1 session' : `${sessions.length} sessions`;
  terminal.step(`saving the work of ${count} (Ctrl-C again: stop without saving)`);
  const deadline = Deadline.after(totalMs, signal);
  await Promise.all(
    sessions.map(async ({ name, access }) => {
      try {
        const operation = await saved(options.agents, access, deadline, ({ progress }) =>
          terminal.progress(`${name} ${steps[progress.step] ?? progress.step}`),
        );
        ended.add(access.podUid);
        terminal.detail(`${name}: ${describeSave(operation)}`);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof AgentFailure) && !deadline.expired)
          log.error({ err: error, session: name }, 'a save failed');
        const why = deadline.expired ? 'The save did not end in time.' : reasonOf(error);
        terminal.detail(`${name}: not saved in the repository. ${why} ${filesRemain}`);
      }
    }),
  );
  return ended;
}

const filesRemain = 'All files are kept, and the next start continues with them.';

async function saved(
  agents: SessionAgents,
  access: AgentAccess,
  deadline: Deadline,
  onProgress: (operation: Operation) => void,
): Promise<Operation> {
  const request = { id: randomUUID(), reason: 'pre-stop', isFinal: true, pushSeconds } as const;
  let operation = await agents.save(access, request, deadline);
  while (operation.finishedAt === null) {
    onProgress(operation);
    const wait = { seconds: waitSeconds, version: operation.version };
    operation = await agents.operation(access, operation.id, wait, deadline);
  }
  return operation;
}

/** Returns what was saved, and where, in a sentence for the user. Pure. */
export function describeSave({ state, result, error }: Pick<Operation, 'state' | 'result' | 'error'>): string {
  if (result?.location === 'volume')
    return `saved on the volume, and the next start pushes the save. ${error?.message ?? ''}`.trimEnd();
  if (state !== 'succeeded' || !result)
    return `not saved in the repository. ${error?.message ?? 'The save was cancelled.'} ${filesRemain}`;
  const left = result.notSaved.length + result.changedMeanwhile.length;
  const rest = left === 0 ? '' : `, without ${left === 1 ? '1 file' : `${left} files`}. ${filesRemain}`;
  if (result.location === 'none') return left === 0 ? 'no unsaved work' : `nothing to save${rest}`;
  return `saved in the branch ${result.branch}${rest}`;
}

const reasonOf = (error: unknown): string =>
  error instanceof AgentFailure ? error.message : 'The log of the platform has the reason.';
