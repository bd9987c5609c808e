import type { Logger } from 'pino';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { sleep } from '../../lib/sleep.ts';
import type { CacheEvent } from '../../platform/kubernetes/list-watch-cache.ts';
import { isConflict } from '../../platform/kubernetes/predicates.ts';
import { hasAmaltheaFinalizer } from './finalizer.ts';

export interface DetectorTiming {
  /**
   * Milliseconds after which a finalizer that is not added again proves that Amalthea does not run. Amalthea adds the finalizer in
   * less than a second, but it may first check the URL of the session twice, for up to 7 s each time.
   */
  readonly proofMs: number;
  /** Milliseconds between two checks whether Amalthea still runs. */
  readonly retryMs: number;
}

const defaultTiming: DetectorTiming = { proofMs: 30_000, retryMs: 60_000 };

/** Finds out whether Amalthea 0.24 or older runs in a watched namespace. Two operators must not reconcile the same sessions. */
export interface AmaltheaDetector {
  /** Whether this operator may change sessions. */
  readonly mayAct: boolean;
  /** Whether Amalthea runs. */
  readonly isRunning: boolean;
  /** Sentences that say why this operator changes no session; undefined if it may act. */
  readonly reason: string | undefined;
  /** Must be called after each change of a JupyterServer. */
  observe(event: CacheEvent<JupyterServer>): void;
  /** Checks the sessions until `signal` aborts. Must be called when the caches have synced. */
  run(signal: AbortSignal): Promise<void>;
}

const checking =
  'This operator changes no session yet, because sessions have the finalizer of Amalthea: it is checking whether Amalthea runs.';

const detected = ({ metadata: { namespace, name } }: JupyterServer): string =>
  `Amalthea runs in the namespace ${namespace}: it has added its finalizer to the session ${name}. ` +
  'Two operators must not run at the same time, so this operator changes no session. ' +
  'Stop Amalthea, or set operator.enabled to false in the values of this chart.';

/**
 * Creates the detector. A finalizer of Amalthea does not show whether Amalthea still runs. So the detector removes the finalizer
 * from one session of each namespace: if Amalthea runs, it adds the finalizer again, and this operator does not act until Amalthea
 * has ended. Without sessions, Amalthea is detected when it adds its finalizer to the first one.
 * @param removeFinalizer throws if the session has changed since it was read, or if the API server does not respond.
 * @param onDetected is called each time that Amalthea is detected, with the session that shows it.
 * @param onActing is called each time that this operator begins to act.
 */
export function createAmaltheaDetector(options: {
  sessions: () => readonly JupyterServer[];
  removeFinalizer: (session: JupyterServer) => Promise<void>;
  /** Returns the session as the API server has it now. May throw. */
  read: (session: JupyterServer) => Promise<JupyterServer | undefined>;
  onDetected: (session: JupyterServer, reason: string) => void;
  onActing: () => void;
  now: () => Date;
  log: Logger;
  timing?: DetectorTiming | undefined;
  /** Resolves after `ms` milliseconds, or when the signal aborts. Tests replace it. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}): AmaltheaDetector {
  const {
    sessions,
    removeFinalizer,
    read,
    onDetected,
    onActing,
    now,
    log,
    timing = defaultTiming,
    pause = sleep,
  } = options;
  let state: 'checking' | 'running' | 'absent' = 'checking';
  let reason = checking;
  let changed = Promise.withResolvers<void>();
  /** How often a session has got the finalizer. */
  let additions = 0;

  /** Resolves at the next change of a finalizer, after `ms`, or when the signal aborts. */
  async function change(ms: number, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    await Promise.race([changed.promise, pause(ms, AbortSignal.any([signal, done.signal]))]);
    done.abort();
  }

  /** Returns the session to which Amalthea has added its finalizer; undefined if Amalthea does not run. */
  async function check(signal: AbortSignal): Promise<JupyterServer | undefined> {
    while (!signal.aborted) {
      const known = additions;
      const probes = newestWithFinalizer(sessions());
      if (probes.length === 0 && (state !== 'running' || sessions().some(isLeftAlone))) return undefined;
      if (probes.length === 0) {
        // Amalthea may run, but there is no session that shows it.
        await change(timing.retryMs, signal);
        continue;
      }
      try {
        for (const session of probes) await removeFinalizer(session);
        const again = await waitForFinalizer(probes, signal);
        if (again) return again;
        const live = await Promise.all(probes.map(read));
        const found = live.find((each) => each && hasAmaltheaFinalizer(each.metadata));
        if (found) return found;
        // A deleted session proves nothing. Another session that got the finalizer meanwhile may be in a namespace without a probe.
        const isProof = live.every((each, index) => each?.metadata.uid === probes[index]?.metadata.uid);
        if (isProof && known === additions) return undefined;
      } catch (err) {
        if (signal.aborted) return undefined;
        // A session that changes meanwhile is usual while Amalthea runs.
        log[isConflict(err) ? 'debug' : 'warn']({ err }, 'the check whether Amalthea runs failed and is repeated');
        if (state === 'checking')
          reason = `${checking} The last attempt failed: ${err instanceof Error ? err.message : String(err)}`;
        await change(1_000, signal);
      }
    }
    return undefined;
  }

  /** Returns the first of the sessions that has the finalizer again; undefined after the time of the proof. */
  async function waitForFinalizer(
    probes: readonly JupyterServer[],
    signal: AbortSignal,
  ): Promise<JupyterServer | undefined> {
    const uids = new Set(probes.map(({ metadata }) => metadata.uid));
    const end = performance.now() + timing.proofMs;
    while (!signal.aborted) {
      const again = sessions().find(({ metadata }) => uids.has(metadata.uid) && hasAmaltheaFinalizer(metadata));
      const leftMs = end - performance.now();
      if (again || leftMs <= 0) return again;
      await change(leftMs, signal);
    }
    return undefined;
  }

  /** Returns whether Amalthea would have added its finalizer, or removed it from a session that is being deleted, long ago. */
  function isLeftAlone({ metadata }: JupyterServer): boolean {
    const { creationTimestamp = '', deletionTimestamp } = metadata;
    if (deletionTimestamp !== undefined && !hasAmaltheaFinalizer(metadata)) return false;
    return now().getTime() - Date.parse(deletionTimestamp ?? creationTimestamp) > timing.proofMs;
  }

  return {
    get mayAct() {
      return state === 'absent';
    },
    get isRunning() {
      return state === 'running';
    },
    get reason() {
      return state === 'absent' ? undefined : reason;
    },
    observe(event) {
      const before = 'previous' in event ? event.previous.metadata : undefined;
      const after = 'value' in event ? event.value.metadata : undefined;
      const hadFinalizer = before !== undefined && before.uid === after?.uid && hasAmaltheaFinalizer(before);
      const isAdded = after !== undefined && after.deletionTimestamp === undefined && hasAmaltheaFinalizer(after);
      if (isAdded === hadFinalizer && event.type !== 'deleted') return;
      if (isAdded) additions += 1;
      if (isAdded && state === 'absent') {
        state = 'checking';
        reason = checking;
      }
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async run(signal) {
      while (!signal.aborted) {
        const isSuspected = newestWithFinalizer(sessions()).length > 0;
        if (isSuspected && state === 'checking') log.warn(checking);
        const session = await check(signal);
        if (signal.aborted) return;
        if (session) {
          state = 'running';
          reason = detected(session);
          log.error(reason);
          onDetected(session, reason);
          await pause(timing.retryMs, signal);
          continue;
        }
        if (isSuspected || state === 'running')
          log.info('Amalthea does not run: this operator reconciles the sessions');
        state = 'absent';
        onActing();
        while (state === 'absent' && !signal.aborted) await change(2 ** 31 - 1, signal);
      }
    },
  };
}

/** Returns the newest session with Amalthea's finalizer of each namespace, without sessions that are being deleted. */
function newestWithFinalizer(sessions: readonly JupyterServer[]): JupyterServer[] {
  const newest = new Map<string, JupyterServer>();
  for (const session of sessions) {
    const { namespace = '', creationTimestamp = '', deletionTimestamp } = session.metadata;
    if (deletionTimestamp !== undefined || !hasAmaltheaFinalizer(session.metadata)) continue;
    const known = newest.get(namespace)?.metadata.creationTimestamp ?? '';
    if (creationTimestamp >= known) newest.set(namespace, session);
  }
  return [...newest.values()];
}
