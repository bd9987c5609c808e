/**
 * The time that one run of the program may wait for the git server, for all of its steps together: a server that is unavailable at each
 * of them delays the session once.
 */
export interface Waiting {
  /** Returns the milliseconds that are left, never less than 0. */
  left(): number;
  /** Counts time, in milliseconds, in which the server was not available. */
  spend(ms: number): void;
}

export function createWaiting(totalMs: number): Waiting {
  let leftMs = totalMs;
  return {
    left: () => leftMs,
    spend(ms) {
      leftMs = Math.max(0, leftMs - ms);
    },
  };
}
