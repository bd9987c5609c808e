import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

export interface WorkQueue {
  /** Has `work` called for this key soon, once, however often it is asked for; again if asked while it runs. */
  add(key: string): void;
  /** Waits for what runs; starts nothing more. */
  stop(): Promise<void>;
}

interface Item {
  running: boolean;
  /** Asked for since it last began. */
  due: boolean;
  failures: number;
  wait: AbortController | undefined;
}

/**
 * Calls `work` for keys, `concurrency` at a time, never twice at once for the same key. What throws is tried again after
 * a growing delay (`firstRetryMs` to `lastRetryMs`); news about the key ends the wait.
 * @param work resolves to the milliseconds after which the key is due again by itself, or undefined.
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
    let againMs: number | undefined;
    try {
      againMs = await work(key);
      item.failures = 0;
    } catch (err) {
      item.failures += 1;
      againMs = Math.min(firstRetryMs * 2 ** (item.failures - 1), lastRetryMs);
      const level = item.failures === 1 ? 'warn' : 'debug';
      // What a stop cut short is no failure.
      if (!stopped)
        log[level]({ err, key, failures: item.failures, againMs }, 'reconciling failed and will be tried again');
    }
    item.running = false;
    if (item.due) ready.add(key);
    else if (againMs !== undefined) sleep(key, item, againMs);
    else items.delete(key);
  }

  function sleep(key: string, item: Item, ms: number): void {
    const wait = new AbortController();
    item.wait = wait;
    delay(ms, undefined, { signal: wait.signal, ref: false }).then(
      () => add(key),
      () => log.trace({ key }, 'the wait was ended by news'),
    );
  }

  function add(key: string): void {
    if (stopped) return;
    const item = items.get(key) ?? { running: false, due: false, failures: 0, wait: undefined };
    items.set(key, item);
    item.wait?.abort();
    item.wait = undefined;
    item.due = true;
    if (!item.running) ready.add(key);
    pump();
  }

  return {
    add,
    async stop() {
      stopped = true;
      ready.clear();
      for (const { wait } of items.values()) wait?.abort();
      await Promise.all(running);
    },
  };
}
