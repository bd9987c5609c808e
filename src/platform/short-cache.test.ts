import { expect, it } from 'vitest';
import { Deadline } from '../deadline.ts';
import { createShortCache } from './short-cache.ts';

const soon = () => Deadline.after(10_000);
const options = { operation: 'looking', ttlMs: 60_000, loadMs: 10_000, maxEntries: 2 };

it('holds no more than it may, and the oldest go first', async () => {
  const loads: string[] = [];
  const cache = createShortCache<string>(options);
  const get = (key: string) =>
    cache.get(
      key,
      async () => {
        loads.push(key);
        return key.toUpperCase();
      },
      soon(),
    );
  for (const key of ['a', 'b', 'a', 'c', 'a', 'c']) expect(await get(key)).toBe(key.toUpperCase());
  expect(loads.join('')).toBe('abca');
});

it('gives a load its own time, not that of who asked first', async () => {
  const cache = createShortCache<string>(options);
  const answer = Promise.withResolvers<string>();
  const limits: number[] = [];
  const load = (deadline: Deadline) => {
    limits.push(deadline.remaining());
    return answer.promise;
  };
  const hasty = cache.get('a', load, Deadline.after(50));
  const patient = cache.get('a', load, soon());
  await expect(hasty).rejects.toThrow('looking did not finish within 50 ms');
  answer.resolve('here');
  expect(await patient).toBe('here');
  expect(limits).toHaveLength(1);
  expect(limits[0]).toBeGreaterThan(9_000);
});

it('lets nobody wait for a load that hangs since long', async () => {
  const cache = createShortCache<string>(options);
  const hanging = cache.get('a', () => new Promise<string>(() => undefined), soon());
  hanging.catch(() => undefined);
  await expect
    .poll(() => cache.get('a', async () => 'here', Deadline.after(50)).catch(() => 'waiting'), {
      timeout: 5_000,
      interval: 100,
    })
    .toBe('here');
  expect(await cache.get('a', async () => 'not asked', soon())).toBe('here');
});
