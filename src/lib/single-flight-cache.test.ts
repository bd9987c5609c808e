import { expect, test } from 'vitest';
import { Deadline } from './deadline.ts';
import { createSingleFlightCache } from './single-flight-cache.ts';

let time = 0;
const newCache = () => createSingleFlightCache<string>({ ttlMs: 1000, maxSize: 2, now: () => time });
const always = () => true;
const inTime = (owner?: AbortSignal) => Deadline.after(10_000, owner);

test('caches a value for its time to live if the caller can use it, and evicts the least recently used value', async () => {
  const cache = newCache();
  let loads = 0;
  const get = (key: string, isUsable = always) =>
    cache.get(key, {
      deadline: inTime(),
      isUsable,
      load: async () => {
        loads += 1;
        return `${key}${loads}`;
      },
    });
  expect([await get('a'), await get('a')]).toEqual(['a1', 'a1']);
  expect(await get('a', () => false)).toBe('a2');
  time += 999;
  expect(await get('a')).toBe('a2');
  time += 1;
  expect(await get('a')).toBe('a3');
  await get('b');
  await get('c');
  expect([await get('c'), await get('b'), await get('a')]).toEqual(['c5', 'b4', 'a6']);
});

test('concurrent callers share one load and its error, and an error is not cached', async () => {
  const cache = newCache();
  let loads = 0;
  const load = async () => {
    loads += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (loads === 1) throw new Error('failed');
    return 'loaded';
  };
  const get = () => cache.get('a', { deadline: inTime(), isUsable: always, load });
  const first = await Promise.allSettled([get(), get(), get()]);
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await Promise.all([get(), get()])).toEqual(['loaded', 'loaded']);
  expect(loads).toBe(2);
});

test('aborts a load when its last caller is aborted, and not before', async () => {
  const cache = newCache();
  let loading: AbortSignal | undefined;
  const load = ({ signal }: Deadline) => {
    loading = signal;
    return new Promise<string>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };
  const callers = [new AbortController(), new AbortController()] as const;
  const waits = callers.map(({ signal }) => cache.get('a', { deadline: inTime(signal), isUsable: always, load }));
  const [first, second] = waits.map((wait) => wait.catch((error: Error) => error.message));
  callers[0].abort(new Error('first aborted'));
  expect(await first).toBe('first aborted');
  expect(loading?.aborted).toBe(false);
  callers[1].abort(new Error('second aborted'));
  expect(await second).toBe('second aborted');
  expect(loading?.aborted).toBe(true);
  // A new caller does not join the aborted load.
  expect(await cache.get('a', { deadline: inTime(), isUsable: always, load: async () => 'new' })).toBe('new');
});

test('retries a shared load when the deadline of the caller that started it expires', async () => {
  const cache = newCache();
  let loads = 0;
  const load = (deadline: Deadline) => {
    loads += 1;
    if (loads === 2) return Promise.resolve('second');
    return new Promise<string>((_resolve, reject) => {
      deadline.signal.addEventListener('abort', () => reject(new Error('the server is not available')));
    });
  };
  const short = cache.get('a', { deadline: Deadline.after(50), isUsable: always, load });
  const long = cache.get('a', { deadline: inTime(), isUsable: always, load });
  await expect(short).rejects.toThrow(/not available|did not finish/);
  expect(await long).toBe('second');
});
