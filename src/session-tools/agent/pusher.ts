import { createBackOff } from '../../lib/back-off.ts';
import { toSaveFailure } from '../saves/failure.ts';

/** Pushes the saves that are on the volume. */
export interface Pusher {
  /** Starts the push, unless that is in progress. */
  start(): void;
  /** Aborts the push, and waits for its end. */
  end(): Promise<void>;
}

/** Returns the pusher, which has not started. */
export function createPusher(push: (signal: AbortSignal) => Promise<void>, log: (line: string) => void): Pusher {
  let stop = new AbortController();
  let pushed = Promise.resolve();
  let isPushing = false;
  return {
    start() {
      if (isPushing && !stop.signal.aborted) return;
      isPushing = true;
      stop = new AbortController();
      const { signal } = stop;
      // Two pushes at the same time would change the same files.
      pushed = pushed
        .then(() => pushAgain(() => push(signal), log, signal))
        .then(() => {
          if (stop.signal === signal) isPushing = false;
        });
    },
    async end() {
      stop.abort();
      await pushed;
    },
  };
}

/** Calls `push` again while the git server cannot be reached, until `stop` aborts. Never rejects. */
async function pushAgain(push: () => Promise<void>, log: (line: string) => void, stop: AbortSignal): Promise<void> {
  // The git proxy starts beside the agent.
  const backOff = createBackOff({ firstMs: 1_000, maxMs: 300_000 });
  while (!stop.aborted) {
    try {
      return await push();
    } catch (error) {
      if (stop.aborted) return;
      const { reason, message } = toSaveFailure(error);
      log(`The saves on the volume could not be pushed: ${message}`);
      if (reason !== 'unreachable') return;
      await backOff.pause(stop);
    }
  }
}
