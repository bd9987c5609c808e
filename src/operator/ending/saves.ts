import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Operation, SaveRequest, SaveResult, Work } from '../../generated/agent-api.ts';
import { type SaveProgress, saveIdOf } from '../../jupyter-server/stop-request.ts';
import { Deadline } from '../../lib/deadline.ts';
import { AgentFailure, type AgentTarget, isTemporary, type SessionAgents } from '../../platform/session-agent/types.ts';

/** The save of a session before its end, as far as this process knows. */
export type SaveState =
  | { readonly is: 'running'; readonly progress: SaveProgress }
  | { readonly is: 'saved'; readonly result: SaveResult; readonly work: Work | undefined }
  | { readonly is: 'failed'; readonly reason: string; readonly message: string; readonly work: Work | undefined };

/**
 * Saves the work of sessions in the background, so that a save that takes minutes delays no reconcile. The id of a save is in the
 * session's object, and the agent knows the saves that it has begun: another operator that requests the same save continues it.
 */
export interface Saves {
  /** Starts the save, unless it is in progress or has ended, and `get` returns it. */
  request(session: string, id: string, target: AgentTarget, reason: SaveRequest['reason']): void;
  /** Returns the save with this id in this pod of the session; undefined if it was so long ago that files may have changed since. */
  get(session: string, id: string, podUid: string): SaveState | undefined;
  /** Ends the work for this session. With `cancel`, the agent cancels the save. */
  forget(session: string, cancel?: boolean): void;
  /** Stops following all saves, which the agents continue. Resolves when that is done. */
  stop(): Promise<void>;
}

export interface SavesOptions {
  readonly agents: SessionAgents;
  /** Whether the session ends after the save, so that the agent ends kernels and terminals first. */
  readonly isFinal: boolean;
  /** Is called after each change of a save. */
  readonly onChange: (session: string) => void;
  readonly log: Logger;
  /** Shorter times for tests. */
  readonly timing?: Partial<SaveTiming>;
}

export interface SaveTiming {
  /** Time after which an agent that does not respond, or responds with errors, makes the save fail. */
  readonly unreachableMs: number;
  readonly retryMs: number;
  /** Time after which a save has failed. */
  readonly longestMs: number;
  /** Time during which a save that has ended permits the end of the session: afterwards, its user may have changed files. */
  readonly validMs: number;
}

const defaultTiming: SaveTiming = { unreachableMs: 60_000, retryMs: 2_000, longestMs: 3_600_000, validMs: 30_000 };
/** Maximum number of saves without a break. */
const maxRounds = 3;
const callMs = 15_000;
/** Seconds that the agent waits for a change of the save, and the time limit of such a request. */
const waitSeconds = 20;
const waitMs = 35_000;

interface Running {
  readonly id: string;
  readonly target: AgentTarget;
  readonly ended: AbortController;
  readonly run: Promise<void>;
  state: SaveState;
  /** Number of the save that the agent makes now. The id of the save depends on it. */
  round: number;
  /** When the last save has ended, in milliseconds of `performance.now()`. */
  endedAt: number | undefined;
}

export function createSaves({ agents, isFinal, onChange, log, timing = {} }: SavesOptions): Saves {
  const { unreachableMs, retryMs, longestMs, validMs } = { ...defaultTiming, ...timing };
  const saves = new Map<string, Running>();

  const isValid = ({ state, endedAt }: Running): boolean =>
    state.is !== 'saved' || endedAt === undefined || performance.now() - endedAt <= validMs;

  /**
   * Returns the operation when it has ended, and whether it had ended before it was requested: for an operator that ended, perhaps long
   * ago. Throws AgentFailure if the agent does not respond for too long.
   */
  async function completed(
    {
      target,
      id,
      reason,
      signal,
    }: { target: AgentTarget; id: string; reason: SaveRequest['reason']; signal: AbortSignal },
    onProgress: (operation: Operation) => void,
  ): Promise<{ operation: Operation; wasKnown: boolean }> {
    let operation: Operation | undefined;
    let wasKnown = true;
    let failingSince: number | undefined;
    for (;;) {
      try {
        operation = operation
          ? await agents.operation(
              target,
              id,
              { seconds: waitSeconds, version: operation.version },
              Deadline.after(waitMs, signal),
            )
          : await agents.save(target, { id, reason, isFinal }, Deadline.after(callMs, signal));
        failingSince = undefined;
        if (operation.finishedAt !== null) return { operation, wasKnown };
        wasKnown = false;
        onProgress(operation);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof AgentFailure)) throw error;
        // The agent was restarted, and does not know the save any more.
        if (error.reason === 'not-found' && operation) operation = undefined;
        else if (!isTemporary(error)) throw error;
        failingSince ??= performance.now();
        if (performance.now() - failingSince >= unreachableMs) throw error;
        await sleep(retryMs, undefined, { signal });
      }
    }
  }

  async function save(session: string, running: Running, reason: SaveRequest['reason']): Promise<void> {
    const { id, target, ended } = running;
    const tooLate = AbortSignal.timeout(longestMs);
    const signal = AbortSignal.any([ended.signal, tooLate]);
    const report = (state: SaveState) => {
      if (ended.signal.aborted || saves.get(session) !== running) return;
      running.state = state;
      onChange(session);
    };
    try {
      for (let left = maxRounds; ; running.round += 1) {
        left -= 1;
        const request = { target, id: saveIdOf(id, running.round), reason, signal };
        const { operation, wasKnown } = await completed(request, ({ progress }) =>
          report({ is: 'running', progress: { id, ...progress } }),
        );
        const work = await workAfter(target, ended.signal);
        running.endedAt = performance.now();
        const { result, error } = operation;
        const isSaved = operation.state === 'succeeded' && result !== null;
        const hasChanged = work ? !work.isClean : wasKnown;
        const isOld = isSaved && result.isVerified && hasChanged;
        if (left > 0 && (isOld || error?.reason === 'interrupted')) continue;
        if (isSaved) return report({ is: 'saved', result: isOld ? { ...result, isVerified: false } : result, work });
        return report({
          ...{ is: 'failed', work, reason: error?.reason ?? operation.state },
          message: error?.message ?? 'The agent of the session did not complete the save.',
        });
      }
    } catch (err) {
      if (ended.signal.aborted) return;
      if (tooLate.aborted) {
        await cancelled(target, saveIdOf(id, running.round), ended.signal);
        report({ is: 'failed', reason: 'timeout', message: 'The save took too long.', work: undefined });
      } else if (err instanceof AgentFailure) {
        report({ is: 'failed', reason: err.reason, message: err.message, work: undefined });
      } else {
        log.error({ err, session }, 'saving the work of a session failed');
        report({ is: 'failed', reason: 'internal', message: 'The operator could not save the work.', work: undefined });
      }
    }
  }

  /** Returns the state of the repository after the save; undefined if the agent does not return it. */
  async function workAfter(target: AgentTarget, signal: AbortSignal): Promise<Work | undefined> {
    try {
      return await agents.work(target, Deadline.after(callMs, signal));
    } catch (err) {
      if (!(err instanceof AgentFailure)) throw err;
      log.warn({ err, session: target.sessionUid }, 'the state of the repository after a save is unknown');
      return undefined;
    }
  }

  async function cancelled(target: AgentTarget, id: string, signal?: AbortSignal): Promise<void> {
    try {
      await agents.cancel(target, id, Deadline.after(callMs, signal));
    } catch (err) {
      log.warn({ err, save: id }, 'a save could not be cancelled');
    }
  }

  return {
    request(session, id, target, reason) {
      const known = saves.get(session);
      const isSame = known?.id === id && known.target.podUid === target.podUid;
      if (isSame && isValid(known)) return;
      known?.ended.abort();
      const progress = { id, step: 'waiting', done: 0, total: null };
      const running: Running = {
        ...{ id, target, ended: new AbortController(), state: { is: 'running', progress }, endedAt: undefined },
        // The agent answers a repeated id with the former save.
        round: isSame ? known.round + 1 : 1,
        // Begins after this save is in the map.
        run: Promise.resolve().then(() => save(session, running, reason)),
      };
      saves.set(session, running);
    },
    get(session, id, podUid) {
      const known = saves.get(session);
      return known?.id === id && known.target.podUid === podUid && isValid(known) ? known.state : undefined;
    },
    forget(session, cancel = false) {
      const known = saves.get(session);
      if (!known) return;
      saves.delete(session);
      known.ended.abort();
      if (cancel && known.state.is === 'running') void cancelled(known.target, saveIdOf(known.id, known.round));
    },
    async stop() {
      const runs = [...saves.values()];
      for (const { ended } of runs) ended.abort();
      await Promise.all(runs.map(({ run }) => run));
    },
  };
}
