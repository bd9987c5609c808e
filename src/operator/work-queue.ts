import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type BackOff, createBackOff } from '../lib/back-off.ts';

export interface WorkQueue {
  /**
   * Adds a key. A key that is already waiting is processed once. A key that is being processed is processed again.
   */
  add(key: string): void;
  /** Number of keys that wait for a worker. Keys that wait for the end of a delay are not counted. */
  readonly depth: number;
  /** Starts no other work. Resolves when the running work has ended. */
  stop(): Promise<void>;
}

interface Item {
  running: boolean;
  /** Whether the key was added after its last processing began. */
  due: boolean;
  failures: number;
  readonly backOff: BackOff;
  wait: AbortController | undefined;
}

/**
 * Returns a queue that calls `work` for each added key: at most `concurrency` calls at a time, and at most one call at a time
 * for the same key. If `work` throws, the key is retried after a delay that doubles from `firstRetryMs` to `lastRetryMs`. A key
 * that is added during this delay is retried immediately.
 * @param work resolves to the milliseconds after which to requeue the key, or to undefined.
 */
export function createWorkQueue(options: {
  work: (key: string) => Promise<number | undefined>;
  concurrency: number;
  firstRetryMs: number;
  lastRetryMs: number;
  log: Logger;
}): WorkQueue {
  const { work, concurrency, firstRetryMs, lastRetryMs, log } = options;
  const items = new Map<string, Item>();
  const ready = new Set<string>();
  const running = new Set<Promise<void>>();
  let stopped = false;

  const newItem = (): Item => ({
    running: false,
    due: false,
    failures: 0,
    backOff: createBackOff({ firstMs: firstRetryMs, maxMs: lastRetryMs }),
    wait: undefined,
  });

  function pump(): void {
    for (const key of ready) {
      if (stopped || running.size >= concurrency) return;
      ready.delete(key);
      const item = items.get(key);
      if (!item) continue;
      const run = runOne(key, item).finally(() => {
        running.delete(run);
        pump();
      });
      running.add(run);
    }
  }

  async function runOne(key: string, item: Item): Promise<void> {
    item.running = true;
    item.due = false;
    let requeueMs: number | undefined;
    try {
      requeueMs = await work(key);
      item.failures = 0;
      item.backOff.reset();
    } catch (err) {
      item.failures += 1;
      requeueMs = item.backOff.next();
      const level = item.failures === 1 ? 'warn' : 'debug';
      // An error after `stop` is expected, because `stop` aborts the work.
      if (!stopped)
        log[level]({ err, key, failures: item.failures, requeueMs }, 'reconciling failed and will be retried');
    }
    item.running = false;
    if (item.due) ready.add(key);
    else if (requeueMs !== undefined) sleep(key, item, requeueMs);
    else items.delete(key);
  }

  function sleep(key: string, item: Item, ms: number): void {
    const wait = new AbortController();
    item.wait = wait;
    delay(ms, undefined, { signal: wait.signal, ref: false }).then(
      () => add(key),
      () => log.trace({ key }, 'the delay ended early'),
    );
  }

  function add(key: string): void {
    if (stopped) return;
    const item = items.get(key) ?? newItem();
    items.set(key, item);
    item.wait?.abort();
    item.wait = undefined;
    item.due = true;
    if (!item.running) ready.add(key);
    pump();
  }

  return {
    add,
    get depth() {
      return ready.size;
    },
    async stop() {
      stopped = true;
      ready.clear();
      for (const { wait } of items.values()) wait?.abort();
      await Promise.all(running);
    },
  };
}
