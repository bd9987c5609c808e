import { sleep } from './sleep.ts';

export interface BackOffOptions {
  /** The first delay in milliseconds. */
  readonly firstMs: number;
  /** The longest delay in milliseconds. */
  readonly maxMs: number;
  /** Share of each delay that is random, from 0 (none) to 1; 0.5 by default, so that clients do not retry at the same time. */
  readonly jitter?: number;
}

export interface BackOff {
  /** Returns the milliseconds to wait before the next attempt, and doubles the following delay up to `maxMs`. */
  next(): number;
  /** Starts again with the first delay: the last attempt succeeded. */
  reset(): void;
  /** Waits for the next delay, or until `signal` aborts. Never rejects. */
  pause(signal: AbortSignal): Promise<void>;
}

/** Returns an exponential back-off: delays from `firstMs`, doubled each time up to `maxMs`, shortened by the jitter. */
export function createBackOff({ firstMs, maxMs, jitter = 0.5 }: BackOffOptions): BackOff {
  let delayMs = firstMs;
  const next = (): number => {
    const current = delayMs * (1 - jitter * Math.random());
    delayMs = Math.min(delayMs * 2, maxMs);
    return current;
  };
  return {
    next,
    reset() {
      delayMs = firstMs;
    },
    pause: (signal) => sleep(next(), signal),
  };
}
