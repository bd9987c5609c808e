import type { Logger } from 'pino';
import { type CacheEvent, keyOf, ObjectStore } from './object-store.ts';
import type { KubernetesObject } from './objects.ts';
import { createReflector, defaultTiming, type ReflectorTiming, type WatchEnd } from './reflector.ts';
import type { KubernetesConnection, ListOptions, ResourceType } from './types.ts';

export type { CacheEvent } from './object-store.ts';
export type { WatchEnd } from './reflector.ts';

export interface ListWatchCache<T> {
  /** Starts to list and watch. Resolves when every namespace has been listed once, or at `stop`. */
  start(): Promise<void>;
  /** Whether every namespace has been listed once. Until then, reads may be incomplete. */
  readonly synced: boolean;
  /**
   * Time of the API server's last response, error responses included, in milliseconds since the epoch: the earliest of the
   * times of all namespaces. undefined until every namespace has received a response.
   */
  readonly lastContactAt: number | undefined;
  /** As `lastContactAt`, without error responses: the last time at which the cache was known to be current. */
  readonly lastCurrentAt: number | undefined;
  /** Number of objects. */
  readonly size: number;
  get(namespace: string, name: string): T | undefined;
  /** Throws for an index that is not in `indexes`. */
  byIndex(index: string, value: string): T[];
  values(): T[];
  /** Adds an object from a response, unless the cache has a newer version. A read after a write then returns the object. */
  observe(raw: KubernetesObject): void;
  /** Removes an object that a call has not found. A newer object with the same name and another uid remains. */
  forget(namespace: string, name: string, uid: string): void;
  stop(): Promise<void>;
}

export interface ListWatchCacheOptions<T> {
  client: KubernetesConnection;
  type: ResourceType;
  /** [''] means all namespaces. */
  namespaces: readonly string[];
  selectors?: ListOptions;
  /** Returns the value to store for an object; undefined to store none. Throws for a malformed object, which is skipped. */
  project: (raw: KubernetesObject) => T | undefined;
  indexes?: Record<string, (value: T) => string | undefined>;
  /** Is called after each change of the cache, in order. Its errors are logged. */
  onChange?: (event: CacheEvent<T>) => void | Promise<void>;
  log: Logger;
  /** Is called when a watch has ended, before the next list or watch. */
  onWatchEnd?: ((plural: string, end: WatchEnd) => void) | undefined;
  timing?: Partial<ReflectorTiming>;
}

/**
 * Creates a cache of all objects of one kind, so that reads need no calls. After a failure of the API server or the network,
 * the cache lists and watches again (reflector.ts). Until then, reads return the last known objects. client-node's informer is
 * not used: after an error other than 410 it never restarts, it stores whole objects, and an exception of a listener ends the
 * process.
 */
export function createListWatchCache<T>(options: ListWatchCacheOptions<T>): ListWatchCache<T> {
  const { client, type, namespaces, project, indexes = {}, onChange, log } = options;
  if (namespaces.length === 0) throw new Error('a list-watch cache needs at least one namespace');
  const timing = { ...defaultTiming, ...options.timing };
  const stopping = new AbortController();
  const firstSync = Promise.withResolvers<void>();
  const unsynced = new Set(namespaces);
  let running: Promise<unknown> | undefined;

  async function notify(event: CacheEvent<T>): Promise<void> {
    try {
      await onChange?.(event);
    } catch (err) {
      log.error({ err, object: `${event.namespace}/${event.name}` }, 'a listener of the cache failed');
    }
  }

  const store = new ObjectStore<T>({ project, indexes }, log, (event) => void notify(event));
  const reflectors = [...unsynced].map((namespace) =>
    createReflector({
      client,
      type,
      namespace,
      selectors: options.selectors ?? {},
      store,
      timing,
      log,
      onWatchEnd: (end) => options.onWatchEnd?.(type.plural, end),
      onSynced() {
        unsynced.delete(namespace);
        if (unsynced.size === 0) firstSync.resolve();
      },
    }),
  );

  return {
    start() {
      running ??= Promise.all(reflectors.map((reflector) => reflector.run(stopping.signal)));
      return firstSync.promise;
    },
    get synced() {
      return unsynced.size === 0;
    },
    get lastContactAt() {
      return earliest(reflectors.map(({ lastContactAt }) => lastContactAt));
    },
    get lastCurrentAt() {
      return earliest(reflectors.map(({ lastCurrentAt }) => lastCurrentAt));
    },
    get size() {
      return store.size;
    },
    get: (namespace, name) => store.get(namespace, name),
    byIndex: (index, value) => store.byIndex(index, value),
    values: () => store.values(),
    observe(raw) {
      const entry = store.entry(raw);
      if (entry) store.put(entry, true);
    },
    forget(namespace, name, uid) {
      store.remove(keyOf(namespace, name), uid);
    },
    async stop() {
      stopping.abort();
      firstSync.resolve();
      await running;
    },
  };
}

/** Returns the earliest time; undefined if one of the times is undefined. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((a, b) => (a === undefined || b === undefined ? undefined : Math.min(a, b)));
}
