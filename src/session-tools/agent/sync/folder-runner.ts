import { closeSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createBackOff } from '../../../lib/back-off.ts';
import { hasCode } from '../../../lib/error-code.ts';
import { sleep } from '../../../lib/sleep.ts';
import { createClockCheck, evenClockMs } from './clock.ts';
import type { Deletions } from './decide.ts';
import { messageOf, SyncFailure, toSyncFailure } from './failure.ts';
import { type FolderHandle, NotAFolder, openFolder, openTrusted } from './folder-handle.ts';
import { addCounters, type FolderState, noCounters } from './folder-state.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import { listed } from './listed.ts';
import { signatureAt } from './local-tree.ts';
import { NotResolvable, resolveLocally } from './resolve.ts';
import { type RoundOptions, type RoundResult, runRound } from './round.ts';
import { remoteStampOf, stampOf } from './storage.ts';
import type {
  ConflictResolution,
  Remotes,
  SkippedEntry,
  SyncError,
  SyncFolderSettings,
  SyncFolderState,
  SyncRound,
} from './sync-folder.ts';
import { createSyncOperations, type SyncOperation, type SyncOperations } from './sync-operations.ts';
import { createWatch } from './watch.ts';

export interface RunnerOptions {
  readonly settings: SyncFolderSettings;
  readonly state: FolderState;
  /** The work tree. */
  readonly directory: string;
  readonly podUid: string;
  readonly remotes: Pick<Remotes, 'open'>;
  readonly now: () => number;
  /** Milliseconds that no change of the clock affects; by default `performance.now`. */
  readonly elapsed?: () => number;
  readonly log: (line: string) => void;
}

/** The rounds of one folder: one at a time, after the interval, after hints, and on request. */
export interface FolderRunner {
  readonly settings: SyncFolderSettings;
  readonly operations: Pick<SyncOperations, 'list' | 'find' | 'wait'>;
  status(): SyncFolderState;
  /** Starts a round when the present one has ended. `deletions`: the number that the owner confirms. */
  start(deletions?: number): SyncOperation;
  cancel(id: string): void;
  /** Throws NotResolvable. */
  resolve(conflict: string, resolution: ConflictResolution): Promise<boolean>;
  /**
   * Returns a function that returns whether the remote has the present version of a file, by the path in the work tree; undefined if
   * the last round has not ended without an error.
   */
  syncedFiles(): ((path: string) => boolean) | undefined;
  /** Ends the present round; another one starts only after `resume`. */
  pause(): Promise<void>;
  resume(): void;
  /** Ends the rounds, and closes the state. */
  stop(): Promise<void>;
}

/** Milliseconds without a hint before a round, and those after the first hint. */
const quietMs = 500;
const maxHintMs = 2_000;
/** Files and folders of one side at most: the comparison needs about a kilobyte of memory for each. */
const maxEntries = 500_000;
/** Milliseconds between two searches for old backups at the remote. */
const tidyMs = 3_600_000;
/** Milliseconds in which an aborted round ends. */
const maxEndMs = 10_000;

export function createFolderRunner(options: RunnerOptions): FolderRunner {
  const { settings, state, now, log, elapsed = () => performance.now() } = options;
  const operations = createSyncOperations(options.podUid, settings.id, now);
  const backOff = createBackOff({ firstMs: 5_000, maxMs: 10 * 60_000 });
  const isClockEven = createClockCheck(now, elapsed);
  const stopped = new AbortController();
  const requests = new Map<string, number>();
  let pauses = 0;
  let round: { readonly controller: AbortController; readonly ended: Promise<void> } | undefined;
  let running: string[] = [];
  let lastRound: SyncRound | null = null;
  let error: SyncError | null = null;
  let skipped: readonly SkippedEntry[] = [];
  /** Milliseconds (`performance.now`) at which the next round starts. */
  let dueAt = 0;
  /** When a round looks for old backups at the remote, `elapsed`. */
  let tidyAt = 0;
  let firstHintAt: number | undefined;
  let waiting = new AbortController();
  const wake = () => waiting.abort();

  const setDue = (at: number) => {
    dueAt = at;
    wake();
  };
  const watch = createWatch(() => {
    const at = performance.now();
    firstHintAt ??= at;
    // A folder in an error waits for its next attempt.
    if (!error) setDue(Math.min(dueAt, Math.min(at + quietMs, firstHintAt + maxHintMs)));
  }, log);

  const runOnce = async (signal: AbortSignal): Promise<void> => {
    firstHintAt = undefined;
    running = [...requests.keys()];
    // The owner confirms what the suspension says: files of the other side that are missing by now are another question.
    const confirmedSide = state.suspension?.side;
    const confirmedDeletions = confirmedSide ? Math.max(0, ...requests.values()) : 0;
    const startedAt = new Date(now()).toISOString();
    const begun = performance.now();
    const setRound = (changes: Partial<SyncRound>) => {
      lastRound = { startedAt, finishedAt: null, counters: noCounters, ...lastRound, ...changes };
      for (const id of running) operations.change(id, { state: 'running', result: lastRound });
    };
    lastRound = null;
    setRound({});
    try {
      const begunAt = elapsed();
      const tidiesRemote = begunAt >= tidyAt;
      const mayExpire = isClockEven();
      const nextTidyAt = tidiesRemote ? begunAt + (mayExpire ? tidyMs : evenClockMs) : tidyAt;
      // A round that fails can leave incomplete transfers at the remote.
      tidyAt = 0;
      const request = { confirmedDeletions, confirmedSide, tidiesRemote, mayExpire };
      const result = await runWith(options, request, signal, watch.update, (changes) => {
        state.counters = addCounters(state.counters, changes);
        setRound({ counters: addCounters(lastRound?.counters ?? noCounters, changes) });
      });
      tidyAt = nextTidyAt;
      skipped = result.skipped;
      error = null;
      backOff.reset();
      setRound({ finishedAt: new Date(now()).toISOString() });
      state.suspension = result.suspended ? suspensionOf(state, result.suspended, startedAt) : null;
      if (!result.suspended) state.lastSuccessAt = startedAt;
      const suspended: SyncError | null = state.suspension && {
        ...{ reason: 'suspended', message: state.suspension.message, retryAt: null },
      };
      finishAll(suspended ? 'failed' : 'succeeded', suspended);
      // Rounds take at most half of the time.
      const lasted = performance.now() - begun;
      setDue(
        performance.now() + (firstHintAt === undefined ? settings.intervalSeconds * 1000 : Math.max(quietMs, lasted)),
      );
    } catch (cause) {
      setRound({ finishedAt: new Date(now()).toISOString() });
      // Paused or stopped: the requests wait for the next round.
      if (pauses > 0 || stopped.signal.aborted) {
        for (const id of running) operations.change(id, { state: 'waiting' });
        setDue(performance.now());
        return;
      }
      if (signal.aborted) {
        finishAll('cancelled', null);
        setDue(performance.now() + settings.intervalSeconds * 1000);
        return;
      }
      const failure = toSyncFailure(cause);
      log(`The folder ${settings.id} was not synchronized: ${failure.message}`);
      const delayMs = backOff.next();
      const { reason, message } = failure;
      error = { reason, message, retryAt: new Date(now() + delayMs).toISOString() };
      finishAll('failed', error);
      setDue(performance.now() + delayMs);
    } finally {
      state.store();
    }
  };
  const finishAll = (result: 'succeeded' | 'failed' | 'cancelled', reason: SyncError | null) => {
    for (const id of running) {
      requests.delete(id);
      operations.finish(id, result, reason);
    }
  };

  const loop = async () => {
    while (!stopped.signal.aborted) {
      const isPaused = pauses > 0 || settings.paused;
      const waitMs = isPaused ? 2 ** 31 - 1 : requests.size > 0 ? 0 : dueAt - performance.now();
      if (isPaused || waitMs > 0) {
        waiting = new AbortController();
        await sleep(Math.min(waitMs, 2 ** 31 - 1), waiting.signal);
        continue;
      }
      const controller = new AbortController();
      const { promise, resolve } = Promise.withResolvers<void>();
      round = { controller, ended: promise };
      try {
        await runOnce(controller.signal);
      } catch (cause) {
        log(`The state of the folder ${settings.id} could not be stored: ${messageOf(cause)}`);
      } finally {
        round = undefined;
        resolve();
      }
    }
  };
  const looping = loop();

  const pause = async () => {
    pauses += 1;
    round?.controller.abort(new DOMException('The round is paused.', 'AbortError'));
    await untilEnded(round?.ended);
  };
  const resume = () => {
    pauses -= 1;
    wake();
  };
  return {
    settings,
    operations,
    status() {
      const conflicts = state.base.conflicts();
      return {
        state: settings.paused
          ? 'paused'
          : round
            ? 'syncing'
            : state.suspension
              ? 'suspended'
              : error
                ? 'error'
                : 'idle',
        ...{ lastRound, lastSuccessAt: state.lastSuccessAt, counters: state.counters, error },
        ...{ conflicts: listed(conflicts), conflictCount: conflicts.length },
        suspension: state.suspension,
        ...{ skipped: listed(skipped), skippedCount: skipped.length },
      };
    },
    start(deletions = 0) {
      const operation = operations.add();
      requests.set(operation.id, deletions);
      wake();
      return operation;
    },
    cancel(id) {
      if (round && running.includes(id))
        round.controller.abort(new DOMException('The round is cancelled.', 'AbortError'));
      else if (requests.delete(id)) operations.finish(id, 'cancelled', null);
    },
    async resolve(id, resolution) {
      await pause();
      try {
        const conflict = state.base.conflicts().find((each) => each.id === id);
        if (!conflict) return false;
        const root = openLocal(options, false);
        try {
          resolveLocally(
            { root, storage: state.storage, stamp: stampOf(state.storage.roundTime(now())) },
            conflict,
            resolution,
          );
        } finally {
          closeSync(root);
        }
        state.base.deleteConflict(id);
        setDue(performance.now());
        return true;
      } catch (cause) {
        if (cause instanceof NotResolvable) throw cause;
        throw new NotResolvable(toSyncFailure(cause).message, { cause });
      } finally {
        resume();
      }
    },
    syncedFiles() {
      if (settings.paused || state.lastSuccessAt === null || error || state.suspension) return undefined;
      const prefix = `${settings.path}/`;
      return (path) => {
        if (!path.startsWith(prefix)) return false;
        const signature = state.base.signatureOf(path.slice(prefix.length));
        return signature !== undefined && signature === signatureAt(join(options.directory, path));
      };
    },
    pause,
    resume,
    async stop() {
      stopped.abort();
      round?.controller.abort(new DOMException('The agent ends.', 'AbortError'));
      wake();
      await untilEnded(looping);
      watch.close();
      for (const id of requests.keys()) operations.finish(id, 'cancelled', null);
      state.close();
    },
  };
}

/** Resolves when aborted work has ended, or after a time: a call that hangs must not keep a save or the end of the agent waiting. */
async function untilEnded(work: Promise<void> | undefined): Promise<void> {
  const done = new AbortController();
  await Promise.race([work, sleep(maxEndMs, done.signal)]);
  done.abort();
}

/** Connects to the remote, and runs a round. */
async function runWith(
  options: RunnerOptions,
  request: Pick<RoundOptions, 'confirmedDeletions' | 'confirmedSide' | 'tidiesRemote' | 'mayExpire'>,
  signal: AbortSignal,
  watch: (root: FolderHandle, folders: readonly string[]) => void,
  count: Parameters<typeof runRound>[0]['count'],
): Promise<RoundResult> {
  const { settings, state, remotes, now } = options;
  const { base, storage, instance } = state;
  const isFirst = state.lastSuccessAt === null;
  const root = openLocal(options, isFirst);
  try {
    const remote = await remotes.open(settings, signal);
    try {
      const { bytesPerSecond, maxFileBytes, backupSeconds } = settings;
      const isIgnored = createIgnoreRules(settings.ignore);
      const time = storage.roundTime(now());
      const stamps = { stamp: stampOf(time), remoteStamp: remoteStampOf(time, backupSeconds) };
      const result = await runRound(
        { root, remote, base, storage, ...stamps, instance, bytesPerSecond, signal, now, count },
        { isIgnored, maxFileBytes, backupSeconds, isFirst, maxEntries, ...request },
      );
      watch(root, result.folders);
      return result;
    } finally {
      await remote.close();
    }
  } finally {
    closeSync(root);
  }
}

/** Opens the local folder. The caller closes the handle. Throws SyncFailure. */
function openLocal({ directory, settings: { path } }: RunnerOptions, create: boolean): FolderHandle {
  const workTree = openTrusted(realpathSync(directory));
  try {
    return openFolder(workTree, path, create);
  } catch (error) {
    if (error instanceof NotAFolder)
      throw new SyncFailure('local', `A file or a link is at the path "${path}". Only a folder can be synchronized.`);
    if (!hasCode(error, 'ENOENT')) throw error;
    const message = `The folder "${path}" does not exist any more, and nothing was deleted at the remote. Create the folder again, or end its synchronization.`;
    throw new SyncFailure('local', message);
  } finally {
    closeSync(workTree);
  }
}

function suspensionOf(state: FolderState, { side, deletions, known, present }: Deletions, since: string) {
  const [here, there] = side === 'local' ? ['the session', 'the remote'] : ['the remote', 'the session'];
  const missing = present === 0 ? 'All' : `${deletions} of ${known}`;
  const message = `${missing} files that were synchronized are missing in ${here}. Nothing was deleted in ${there}. If the files were deleted on purpose, confirm the deletion; else restore them.`;
  const before = state.suspension;
  const isSame = before?.side === side && before.deletions === deletions;
  return { message, side, deletions, known, since: isSame ? before.since : since };
}
