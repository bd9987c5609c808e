/** Milliseconds that the clock can differ from the elapsed time: more is a jump. */
const maxDriftMs = 60_000;
/** Milliseconds for which the clock must have run evenly. */
export const evenClockMs = 10 * 60_000;

/**
 * Returns a function that returns whether the clock has run evenly for ten minutes, since the call of this function or its last jump:
 * backups must not be deleted because a clock is wrong for a moment.
 * @param elapsed milliseconds that no change of the clock affects
 */
export function createClockCheck(now: () => number, elapsed: () => number): () => boolean {
  let since = { now: now(), elapsed: elapsed() };
  return () => {
    const present = { now: now(), elapsed: elapsed() };
    const drift = present.now - since.now - (present.elapsed - since.elapsed);
    if (Math.abs(drift) > maxDriftMs) since = present;
    return present.elapsed - since.elapsed >= evenClockMs;
  };
}
