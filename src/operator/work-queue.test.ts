import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { createWorkQueue, type WorkKind } from './work-queue.ts';

const log = pino({ level: 'silent' });
const timing = { firstRetryMs: 1, lastRetryMs: 4, log };

describe('the work queue', () => {
  it('processes a key at most once at a time, and at most `concurrency` keys at a time', async () => {
    const running = new Set<string>();
    const gate = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    let most = 0;
    let done = 0;
    const queue = createWorkQueue({
      ...timing,
      concurrency: 3,
      async work(key) {
        expect(running.has(key)).toBe(false);
        running.add(key);
        most = Math.max(most, running.size);
        await gate.promise;
        running.delete(key);
        done += 1;
        if (done === 13) finished.resolve();
        return undefined;
      },
    });
    // Each key is added twice. The three keys that are already being processed are processed again. The seven waiting keys
    // are processed once.
    for (let i = 0; i < 20; i += 1) queue.add(`k${i % 10}`);
    gate.resolve();
    await finished.promise;
    await new Promise(setImmediate);
    expect(most).toBe(3);
    expect(done).toBe(13);
    await queue.stop();
  });

  it('processes a key again if the key was added during its processing', async () => {
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const queue = createWorkQueue({
      ...timing,
      concurrency: 2,
      async work() {
        runs += 1;
        if (runs === 1) await gate.promise;
        if (runs === 2) second.resolve();
        return undefined;
      },
    });
    queue.add('k');
    for (let i = 0; i < 5; i += 1) queue.add('k');
    gate.resolve();
    await second.promise;
    await queue.stop();
    expect(runs).toBe(2);
  });

  it('retries a failed key, and requeues a key after the delay that `work` returns', async () => {
    let runs = 0;
    const finished = Promise.withResolvers<void>();
    const queue = createWorkQueue({
      ...timing,
      concurrency: 1,
      async work() {
        runs += 1;
        if (runs < 4) throw new Error('not yet');
        if (runs === 4) return 1;
        finished.resolve();
        return undefined;
      },
    });
    queue.add('k');
    await waitFor(finished.promise, 'the fifth run', { seen: () => runs });
    expect(runs).toBe(5);
    await queue.stop();
  });

  it('retries a failed key immediately if the key is added again', async () => {
    let runs = 0;
    const second = Promise.withResolvers<void>();
    const first = Promise.withResolvers<void>();
    const queue = createWorkQueue({
      concurrency: 1,
      firstRetryMs: 600_000,
      lastRetryMs: 600_000,
      log,
      async work() {
        runs += 1;
        if (runs === 2) second.resolve();
        first.resolve();
        throw new Error('no');
      },
    });
    queue.add('k');
    await waitFor(first.promise, 'the first run');
    await new Promise(setImmediate);
    queue.add('k');
    await waitFor(second.promise, 'the second run', { seen: () => runs });
    expect(runs).toBe(2);
    await queue.stop();
  });

  it('waits at `stop` for the running work, and starts no other work', async () => {
    const gate = Promise.withResolvers<void>();
    const worked: string[] = [];
    const queue = createWorkQueue({
      ...timing,
      concurrency: 1,
      async work(key) {
        await gate.promise;
        worked.push(key);
        return 1;
      },
    });
    queue.add('a');
    queue.add('b');
    const stopped = queue.stop();
    gate.resolve();
    await stopped;
    queue.add('c');
    expect(worked).toEqual(['a']);
  });

  describe('with keys of several owners', () => {
    const kinds: Readonly<Record<string, WorkKind>> = { '!': 'slow', '?': 'deferred' };
    let time = 0;
    /** Returns the order in which one worker processes the keys, which are all added while the worker is busy. */
    async function order(keys: readonly string[], msPerKey = 0): Promise<string[]> {
      const gate = Promise.withResolvers<void>();
      const finished = Promise.withResolvers<void>();
      const processed: string[] = [];
      const queue = createWorkQueue({
        ...timing,
        concurrency: 1,
        classOf: (key) => ({ owner: key.charAt(0), kind: kinds[key.at(-1) ?? ''] ?? 'quick' }),
        now: () => time,
        async work(key) {
          if (key === 'first') await gate.promise;
          else processed.push(key);
          time += msPerKey;
          if (processed.length === keys.length) finished.resolve();
          return undefined;
        },
      });
      queue.add('first');
      for (const key of keys) queue.add(key);
      expect(queue.depth).toBe(keys.length);
      gate.resolve();
      await waitFor(finished.promise, 'all keys', { seen: () => processed });
      await queue.stop();
      return processed;
    }

    it('serves the owners in turn', async () => {
      expect(await order(['a1', 'a2', 'a3', 'b1', 'b2', 'c1'])).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    });

    it('takes quick keys first, and one slow key after four quick ones', async () => {
      const processed = await order(['a1!', 'a2!', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9']);
      expect(processed.indexOf('a1!')).toBeGreaterThan(1);
      expect(processed.indexOf('a1!')).toBeLessThan(5);
      expect(processed.at(-1)).toBe('a2!');
    });

    it('takes deferred keys when no slow key waits, the owners in turn', async () => {
      const keys = ['a1?', 'a2?', 'b3?', 'a4!', 'a5!', 'b6!', 'a7'];
      expect(await order(keys)).toEqual(['a7', 'a4!', 'b6!', 'a5!', 'a1?', 'b3?', 'a2?']);
    });

    it('takes deferred keys like quick ones after fifteen seconds', async () => {
      const keys = ['a1?', 'a2!', 'a3!', 'a4!', 'a5!', 'a6!', 'a7?'];
      expect(await order(keys, 6_000)).toEqual(['a2!', 'a3!', 'a1?', 'a7?', 'a4!', 'a5!', 'a6!']);
    });
  });

  it('keeps workers free of slow keys', async () => {
    const gate = Promise.withResolvers<void>();
    const quickDone = Promise.withResolvers<void>();
    const started: string[] = [];
    const queue = createWorkQueue({
      ...timing,
      concurrency: 4,
      classOf: (key) => ({ owner: '', kind: key.startsWith('slow') ? 'slow' : 'quick' }),
      async work(key) {
        started.push(key);
        if (key === 'quick') quickDone.resolve();
        else await gate.promise;
        return undefined;
      },
    });
    for (let i = 0; i < 10; i += 1) queue.add(`slow${i}`);
    expect(started).toEqual(['slow0', 'slow1', 'slow2']);
    queue.add('quick');
    await waitFor(quickDone.promise, 'the quick key', { seen: () => started });
    gate.resolve();
    await queue.stop();
  });

  it('adds up to a tenth to the delay of a requeue', async () => {
    const delays: number[] = [];
    const finished = Promise.withResolvers<void>();
    let addedAt = 0;
    const queue = createWorkQueue({
      ...timing,
      concurrency: 1,
      random: () => 1,
      async work() {
        if (addedAt > 0) {
          delays.push(performance.now() - addedAt);
          finished.resolve();
          return undefined;
        }
        addedAt = performance.now();
        return 100;
      },
    });
    queue.add('k');
    // The timers of the queue do not keep the process alive.
    await waitFor(finished.promise, 'the requeue');
    // A timer may fire a millisecond early.
    expect(delays[0]).toBeGreaterThan(108);
    await queue.stop();
  });
});
