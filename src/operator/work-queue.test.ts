import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../tests/support/wait-for.ts';
import { createWorkQueue } from './work-queue.ts';

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
});
