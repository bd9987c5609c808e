import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type BackOff, createBackOff } from '../lib/back-off.ts';
import { FairQueue } from './fair-queue.ts';

export interface WorkQueue {
  /**
   * Adds a key. A key that is already waiting is processed once. A key that is being processed is processed again.
   */
  add(key: string): void;
  /** Number of keys that wait for a worker. Keys that wait for the end of a delay are not counted. */
  readonly depth: number;
  /** Whether slow work waits for a worker. */
  readonly hasSlowWork: boolean;
  /** Starts no other work. Resolves when the running work has ended. */
  stop(): Promise<void>;
}

/**
 * `quick` work goes first. `slow` work takes long. `deferred` work can wait until no slow work waits, but not longer than
 * `maxDeferMs`; then it is quick work.
 */
export type WorkKind = 'quick' | 'slow' | 'deferred';

/** The place of a key in the queue. */
export interface WorkClass {
  /** The queue is fair between owners. */
  readonly owner: string;
  readonly kind: WorkKind;
}

interface Item {
  running: boolean;
  /** Whether the key was added after its last processing began. */
  due: boolean;
  failures: number;
  /** Set after the first failure. */
  backOff: BackOff | undefined;
  wait: NodeJS.Timeout | undefined;
}

/** Number of quick keys after which one slow key is processed, so that slow work always advances. */
const quickInARow = 4;
/** Maximum time for which deferred work waits while slow work waits, in milliseconds. */
const maxDeferMs = 15_000;
/** Longest delay of a timer of Node.js. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * Returns a queue that calls `work` for each added key: at most `concurrency` calls at a time, and at most one call at a time
 * for the same key. Of the waiting keys, the queue takes quick ones before slow ones, and one key of each owner in turn. A
 * quarter of the workers does no slow work, so that quick work does not wait for the end of slow work. Deferred keys come last.
 *
 * If `work` throws, the key is retried after a delay that doubles from `firstRetryMs` to `lastRetryMs`. A key that is added
 * during a delay is processed immediately.
 * @param work resolves to the milliseconds after which to requeue the key, or to undefined. Up to a tenth more is added, so that
 *   sessions that were created together are not looked at together for ever. `log` adds the id of this call to each line.
 */
export function createWorkQueue(options: {
  work: (key: string, log: Logger) => Promise<number | undefined>;
  classOf?: (key: string) => WorkClass;
  concurrency: number;
  firstRetryMs: number;
  lastRetryMs: number;
  random?: () => number;
  /** Milliseconds since the epoch. */
  now?: () => number;
  log: Logger;
}): WorkQueue {
  const { work, concurrency, firstRetryMs, lastRetryMs, log, random = Math.random } = options;
  const { now = Date.now, classOf = (): WorkClass => ({ owner: '', kind: 'quick' }) } = options;
  const slowConcurrency = Math.max(1, concurrency - Math.ceil(concurrency / 4));
  const items = new Map<string, Item>();
  const waiting = { quick: new FairQueue(), slow: new FairQueue(), deferred: new FairQueue() };
  /** When each deferred key began to wait, the first one first. */
  const deferredSince = new Map<string, number>();
  const running = new Set<Promise<void>>();
  let runningSlow = 0;
  let quickSinceSlow = 0;
  let stopped = false;

  function enqueue(key: string): void {
    const { owner, kind } = classOf(key);
    for (const [each, queue] of Object.entries(waiting)) if (each !== kind) queue.delete(key);
    waiting[kind].add(key, owner);
    if (kind !== 'deferred') deferredSince.delete(key);
    else if (!deferredSince.has(key)) deferredSince.set(key, now());
  }

  /** Returns whether deferred work is as urgent as quick work. */
  function isDeferredDue(): boolean {
    const [since] = deferredSince.values();
    return since !== undefined && (waiting.slow.size === 0 || now() - since >= maxDeferMs);
  }

  function take(): { key: string; isSlow: boolean } | undefined {
    const maySlow = waiting.slow.size > 0 && runningSlow < slowConcurrency;
    const isDeferred = waiting.quick.size === 0 && isDeferredDue();
    const isSlow = maySlow && ((waiting.quick.size === 0 && !isDeferred) || quickSinceSlow >= quickInARow);
    const key = waiting[isSlow ? 'slow' : isDeferred ? 'deferred' : 'quick'].take();
    if (key === undefined) return undefined;
    deferredSince.delete(key);
    quickSinceSlow = isSlow ? 0 : quickSinceSlow + 1;
    return { key, isSlow };
  }

  function pump(): void {
    while (!stopped && running.size < concurrency) {
      const next = take();
      if (!next) return;
      const item = items.get(next.key);
      if (!item) continue;
      if (next.isSlow) runningSlow += 1;
      const run = runOne(next.key, item).finally(() => {
        running.delete(run);
        if (next.isSlow) runningSlow -= 1;
        pump();
      });
      running.add(run);
    }
  }

  async function runOne(key: string, item: Item): Promise<void> {
    item.running = true;
    item.due = false;
    let requeueMs: number | undefined;
    const attemptLog = log.child({ session: key, reconcileId: randomUUID() });
    try {
      const wanted = await work(key, attemptLog);
      requeueMs = wanted === undefined ? undefined : wanted * (1 + random() / 10);
      item.failures = 0;
      item.backOff = undefined;
    } catch (err) {
      item.failures += 1;
      item.backOff ??= createBackOff({ firstMs: firstRetryMs, maxMs: lastRetryMs });
      requeueMs = item.backOff.next();
      const level = item.failures === 1 ? 'warn' : 'debug';
      // An error after `stop` is expected, because `stop` aborts the work.
      if (!stopped)
        attemptLog[level]({ err, failures: item.failures, requeueMs }, 'reconciling failed and will be retried');
    }
    item.running = false;
    if (item.due) enqueue(key);
    else if (requeueMs !== undefined) sleep(key, item, requeueMs);
    else items.delete(key);
  }

  function sleep(key: string, item: Item, ms: number): void {
    if (stopped) return;
    item.wait = setTimeout(() => add(key), Math.min(ms, maxDelayMs)).unref();
  }

  function add(key: string): void {
    if (stopped) return;
    let item = items.get(key);
    if (!item) {
      item = { running: false, due: false, failures: 0, backOff: undefined, wait: undefined };
      items.set(key, item);
    }
    clearTimeout(item.wait);
    item.wait = undefined;
    item.due = true;
    if (!item.running) enqueue(key);
    pump();
  }

  return {
    add,
    get depth() {
      return waiting.quick.size + waiting.slow.size + waiting.deferred.size;
    },
    get hasSlowWork() {
      return waiting.slow.size > 0;
    },
    async stop() {
      stopped = true;
      for (const queue of Object.values(waiting)) queue.clear();
      deferredSince.clear();
      for (const { wait } of items.values()) clearTimeout(wait);
      await Promise.all(running);
    },
  };
}
