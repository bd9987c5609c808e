import { expect, test } from 'vitest';
import { createBackOff } from './back-off.ts';

test('doubles the delay up to the maximum, and starts again after a reset', () => {
  const backOff = createBackOff({ firstMs: 100, maxMs: 350, jitter: 0 });
  expect([backOff.next(), backOff.next(), backOff.next(), backOff.next()]).toEqual([100, 200, 350, 350]);
  backOff.reset();
  expect(backOff.next()).toBe(100);
});

test('shortens each delay by a random amount, at most by the share `jitter`', () => {
  const delays = Array.from({ length: 100 }, () => createBackOff({ firstMs: 100, maxMs: 100 }).next());
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(50);
  expect(Math.max(...delays)).toBeLessThanOrEqual(100);
  expect(new Set(delays).size).toBeGreaterThan(1);
});

test('a pause lasts for the delay, and ends early when the signal aborts', async () => {
  const short = createBackOff({ firstMs: 20, maxMs: 1000, jitter: 0 });
  const startedAt = performance.now();
  await short.pause(new AbortController().signal);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(19);
  const abort = new AbortController();
  const pause = createBackOff({ firstMs: 600_000, maxMs: 600_000 }).pause(abort.signal);
  abort.abort();
  await pause;
  await createBackOff({ firstMs: 600_000, maxMs: 600_000 }).pause(abort.signal);
});
