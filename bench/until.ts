import { setTimeout as wait } from 'node:timers/promises';

/**
 * Calls `look` until it returns a value other than undefined, and returns that value. Throws an Error with `what`, as in
 * "the cache to be complete", after `withinMs` milliseconds, so that a broken measurement ends with its reason.
 */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | Promise<Value | undefined>,
  { withinMs, everyMs = 50 }: { withinMs: number; everyMs?: number },
): Promise<Value> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited ${withinMs / 1000} s for ${what}`);
    await wait(everyMs);
  }
}
