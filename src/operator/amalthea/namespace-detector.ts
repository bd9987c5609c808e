import type { Logger } from 'pino';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { sleep } from '../../lib/sleep.ts';
import type { CacheEvent } from '../../platform/kubernetes/list-watch-cache.ts';
import { isConflict, isFinalRejection } from '../../platform/kubernetes/predicates.ts';
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

/** Finds out whether Amalthea 0.24 or older runs in one namespace. */
export interface NamespaceDetector {
  readonly state: 'checking' | 'running' | 'absent';
  /** Sentences that say why this operator changes no session of the namespace; undefined if it may act. */
  readonly reason: string | undefined;
  /** Must be called after each change of a JupyterServer of the namespace. */
  observe(event: CacheEvent<JupyterServer>): void;
  /** Must be called when the result of `isElsewhere` may have changed. */
  reconsider(): void;
  /** Checks the sessions until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const checkingIn = (namespace: string): string =>
  `This operator changes no session in the namespace ${namespace} yet, because sessions have the finalizer of Amalthea, here or in another namespace: it is checking whether Amalthea runs.`;

const detected = ({ metadata: { namespace, name } }: JupyterServer): string =>
  `Amalthea runs in the namespace ${namespace}: it has added its finalizer to the session ${name}. ` +
  'Two operators must not run at the same time, so this operator changes no session in this namespace. ' +
  'Stop Amalthea, or set operator.enabled to false in the values of this chart.';

export interface DetectorOptions {
  readonly sessions: () => readonly JupyterServer[];
  /** Throws if the session has changed since it was read, or if the API server rejects the change or does not respond. */
  readonly removeFinalizer: (session: JupyterServer) => Promise<void>;
  /** Returns the session as the API server has it now. May throw. */
  readonly read: (session: JupyterServer) => Promise<JupyterServer | undefined>;
  /** Is called each time that Amalthea is detected, with the session that shows it. */
  readonly onDetected: (session: JupyterServer, reason: string) => void;
  /** Is called each time that this operator begins to act in the namespace. */
  readonly onActing: (namespace: string) => void;
  readonly now: () => Date;
  readonly log: Logger;
  readonly timing?: DetectorTiming | undefined;
  /** Resolves after `ms` milliseconds, or when the signal aborts. Tests replace it. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Sessions whose update the API server may reject, one after the other, before the check waits. */
const maxRejected = 10;

/**
 * Creates the detector of one namespace. A finalizer of Amalthea does not show whether Amalthea still runs. So the detector removes
 * the finalizer from one session: if Amalthea runs, it adds the finalizer again, and this operator does not act until Amalthea has
 * ended. Without sessions, Amalthea is detected when it adds its finalizer to the first one.
 * @param isElsewhere returns whether Amalthea runs or may run in another namespace. One Amalthea may serve several namespaces, so then
 *   this operator acts only after a session has shown that Amalthea does not run in this one.
 * @param onSuspicion is called when the finalizer of Amalthea is a reason to check whether Amalthea runs here, and when it no longer is.
 */
export function createNamespaceDetector(
  namespace: string,
  options: DetectorOptions & {
    readonly isElsewhere: () => boolean;
    readonly onSuspicion: (isSuspected: boolean) => void;
  },
): NamespaceDetector {
  const {
    sessions,
    removeFinalizer,
    read,
    onDetected,
    onActing,
    now,
    log,
    isElsewhere,
    onSuspicion,
    timing = defaultTiming,
    pause = sleep,
  } = options;
  const checking = checkingIn(namespace);
  /** Uids of sessions that the API server does not let this operator change: they prove nothing, and others may. */
  const rejected = new Set<string | undefined>();
  let state: NamespaceDetector['state'] = 'checking';
  let isSuspected = false;
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
      const withFinalizer = sessionsWithFinalizer();
      suspect(withFinalizer.length > 0 || state === 'running');
      const probe = withFinalizer.find(({ metadata }) => !rejected.has(metadata.uid));
      if (!probe && withFinalizer.length === 0 && !isProofNeeded()) return undefined;
      if (!probe || rejected.size >= maxRejected) {
        // Amalthea may run, but there is no session that shows it.
        await change(timing.retryMs, signal);
        rejected.clear();
        continue;
      }
      try {
        await removeFinalizer(probe);
        const again = await waitForFinalizer(probe, signal);
        if (again) return again;
        const live = await read(probe);
        if (live && hasAmaltheaFinalizer(live.metadata)) return live;
        // A deleted session proves nothing.
        if (live?.metadata.uid === probe.metadata.uid && known === additions) return undefined;
      } catch (err) {
        if (signal.aborted) return undefined;
        // A session that changes meanwhile is usual while Amalthea runs.
        log[isConflict(err) ? 'debug' : 'warn']({ err }, 'the check whether Amalthea runs failed and is repeated');
        if (state === 'checking')
          reason = `${checking} The last attempt failed: ${err instanceof Error ? err.message : String(err)}`;
        if (isFinalRejection(err)) rejected.add(probe.metadata.uid);
        else await change(1_000, signal);
      }
    }
    return undefined;
  }

  /** Returns the sessions with Amalthea's finalizer, the newest first, without sessions that are being deleted. */
  function sessionsWithFinalizer(): JupyterServer[] {
    const createdAt = ({ metadata }: JupyterServer) => metadata.creationTimestamp ?? '';
    return sessions()
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && hasAmaltheaFinalizer(metadata))
      .sort((a, b) => createdAt(b).localeCompare(createdAt(a)));
  }

  /** Returns whether Amalthea may run although no session has its finalizer. */
  const isProofNeeded = (): boolean => (state === 'running' || isElsewhere()) && !sessions().some(isLeftAlone);

  /** Returns the session if it gets the finalizer again; undefined after the time of the proof. */
  async function waitForFinalizer(probe: JupyterServer, signal: AbortSignal): Promise<JupyterServer | undefined> {
    const end = performance.now() + timing.proofMs;
    while (!signal.aborted) {
      const again = sessions().find(
        ({ metadata }) => metadata.uid === probe.metadata.uid && hasAmaltheaFinalizer(metadata),
      );
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

  function suspect(value: boolean): void {
    if (isSuspected === value) return;
    isSuspected = value;
    onSuspicion(value);
  }

  /** Stops to act until the next check. */
  function suspend(): void {
    if (state !== 'absent') return;
    state = 'checking';
    reason = checking;
  }

  function wake(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  return {
    get state() {
      return state;
    },
    get reason() {
      return state === 'absent' ? undefined : reason;
    },
    observe(event) {
      const before = 'previous' in event ? event.previous.metadata : undefined;
      const after = 'value' in event ? event.value.metadata : undefined;
      const hadFinalizer = before !== undefined && before.uid === after?.uid && hasAmaltheaFinalizer(before);
      const isAdded = after !== undefined && after.deletionTimestamp === undefined && hasAmaltheaFinalizer(after);
      // A change of the session may be what the API server has required.
      if (before) rejected.delete(before.uid);
      if (isAdded === hadFinalizer && event.type !== 'deleted') return;
      if (isAdded) {
        additions += 1;
        suspect(true);
        suspend();
      }
      wake();
    },
    reconsider() {
      if (isProofNeeded()) suspend();
      wake();
    },
    async run(signal) {
      while (!signal.aborted) {
        const mustCheck = sessionsWithFinalizer().length > 0 || isProofNeeded();
        if (mustCheck && state === 'checking') log.warn(checking);
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
        if (mustCheck || state === 'running')
          log.info({ namespace }, 'Amalthea does not run: this operator reconciles the sessions');
        state = 'absent';
        suspect(false);
        onActing(namespace);
        while (state === 'absent' && !signal.aborted) await change(2 ** 31 - 1, signal);
      }
    },
  };
}
