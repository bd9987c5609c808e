/** Options of `vi.waitFor`, whose own limit of one second is too short for a busy machine. */
export const patience = { timeout: 100_000, interval: 20 };

/**
 * Resolves like `promise`. Rejects after `limitMs` milliseconds with an error that says what the test waited for, which
 * the timeout of a test does not say.
 * @param seen returns what there was instead, for the error.
 */
export async function waitFor<Value>(
  promise: Promise<Value>,
  what: string,
  { limitMs = 60_000, seen }: { limitMs?: number; seen?: () => unknown } = {},
): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const instead = seen === undefined ? '' : `; seen: ${JSON.stringify(seen())}`;
    reject(new Error(`waited ${limitMs} ms for ${what}${instead}`));
  }, limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
