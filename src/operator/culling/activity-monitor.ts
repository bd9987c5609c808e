import type { Logger } from 'pino';
import { Deadline } from '../../lib/deadline.ts';
import type { Activity } from './activity.ts';
import { ActivityUnknown, type JupyterAddress } from './jupyter.ts';

/** The last attempt to read the activity of a session. */
export interface Observation {
  readonly podUid: string;
  /** Time of the attempt, in milliseconds since the epoch. */
  readonly at: number;
  /** undefined if the activity is unknown. */
  readonly activity: Activity | undefined;
  /** Why the activity is unknown. */
  readonly failure: string | undefined;
}

/**
 * Reads the activity of sessions in the background, so that a Jupyter server that does not respond delays no reconcile, and
 * keeps the last result of each session.
 */
export interface ActivityMonitor {
  /** Starts to read the activity, unless a read for this session is waiting or running. */
  request(session: string, podUid: string, address: JupyterAddress): void;
  /** Returns the last result for this pod of the session. */
  get(session: string, podUid: string): Observation | undefined;
  forget(session: string): void;
  /** Aborts all reads. Resolves when they have ended. */
  stop(): Promise<void>;
}

/** Reads at the same time, each with three requests. */
const concurrency = 16;
const timeoutMs = 5_000;

/** @param onObserved is called after each attempt. `isNewFailure` is true for the first attempt that fails for this reason. */
export function createActivityMonitor(options: {
  read: (address: JupyterAddress, deadline: Deadline) => Promise<Activity>;
  onObserved: (session: string, observation: Observation, isNewFailure: boolean) => void;
  now: () => number;
  log: Logger;
}): ActivityMonitor {
  const { read, onObserved, now, log } = options;
  const observations = new Map<string, Observation>();
  const waiting = new Map<string, { podUid: string; address: JupyterAddress }>();
  const running = new Map<string, Promise<void>>();
  const stopping = new AbortController();

  function pump(): void {
    for (const [session, { podUid, address }] of waiting) {
      if (stopping.signal.aborted || running.size >= concurrency) return;
      waiting.delete(session);
      const run = observe(session, podUid, address).finally(() => {
        running.delete(session);
        pump();
      });
      running.set(session, run);
    }
  }

  async function observe(session: string, podUid: string, address: JupyterAddress): Promise<void> {
    let result: Pick<Observation, 'activity' | 'failure'>;
    try {
      const activity = await read(address, Deadline.after(timeoutMs, stopping.signal));
      result = { activity, failure: undefined };
    } catch (err) {
      if (!(err instanceof ActivityUnknown)) log.error({ err, session }, 'reading the activity of a session failed');
      result = { activity: undefined, failure: err instanceof Error ? err.message : String(err) };
    }
    if (stopping.signal.aborted) return;
    const observation = { podUid, at: now(), ...result };
    const isNewFailure = result.failure !== undefined && observations.get(session)?.failure !== result.failure;
    observations.set(session, observation);
    onObserved(session, observation, isNewFailure);
  }

  return {
    request(session, podUid, address) {
      if (running.has(session) || waiting.has(session)) return;
      waiting.set(session, { podUid, address });
      pump();
    },
    get(session, podUid) {
      const known = observations.get(session);
      return known?.podUid === podUid ? known : undefined;
    },
    forget(session) {
      observations.delete(session);
      waiting.delete(session);
    },
    async stop() {
      stopping.abort();
      await Promise.all(running.values());
    },
  };
}
