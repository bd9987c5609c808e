/**
 * Resolves with what `promise` resolves with; rejects after `limitMs` milliseconds with an error that names what the
 * test waited for, because a test that times out says nothing. `seen`: what there was instead.
 */
export async function waitFor<Value>(
  promise: Promise<Value>,
  what: string,
  { limitMs = 20_000, seen }: { limitMs?: number; seen?: () => unknown } = {},
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
