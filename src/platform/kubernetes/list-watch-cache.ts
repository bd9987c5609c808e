import type { Logger } from 'pino';
import { type CacheEvent, keyOf, ObjectStore } from './object-store.ts';
import type { KubernetesObject } from './objects.ts';
import { createReflector, defaultTiming, type ReflectorTiming } from './reflector.ts';
import type { KubernetesConnection, ListOptions, ResourceType } from './types.ts';

export type { CacheEvent } from './object-store.ts';

export interface ListWatchCache<T> {
  /** Begins. Resolves when every namespace was listed once (it waits for an API server that is down), or at `stop`. */
  start(): Promise<void>;
  /** Every namespace was listed once. Reads before that are incomplete; from then on they always answer. */
  readonly synced: boolean;
  /** Milliseconds since the epoch of the last answer of the API server, the quietest namespace's; undefined before. */
  readonly lastContactAt: number | undefined;
  /** The same without errors: when all of this was last known to be current. */
  readonly lastCurrentAt: number | undefined;
  get(namespace: string, name: string): T | undefined;
  /** Throws for an index that was not declared. */
  byIndex(index: string, value: string): T[];
  values(): T[];
  /** Tells of an object that a call of ours brought, so that a read right after a write sees it. The newer version wins. */
  observe(raw: KubernetesObject): void;
  /** Tells that a call of ours showed this object to be gone. An object of the same name that was made since stays. */
  forget(namespace: string, name: string, uid: string): void;
  stop(): Promise<void>;
}

export interface ListWatchCacheOptions<T> {
  client: KubernetesConnection;
  type: ResourceType;
  /** [''] for all namespaces. */
  namespaces: readonly string[];
  selectors?: ListOptions;
  /** What is kept of each object; undefined: nothing. May throw for a malformed one, which is logged and skipped. */
  project: (raw: KubernetesObject) => T | undefined;
  indexes?: Record<string, (value: T) => string | undefined>;
  /** Called in order of arrival, after the cache has changed. What it throws is logged. */
  onChange?: (event: CacheEvent<T>) => void | Promise<void>;
  log: Logger;
  timing?: Partial<ReflectorTiming>;
}

/**
 * A copy of all objects of one kind that answers without a call, and stays true for ever: whatever the API server or the
 * network does, it lists and watches again (reflector.ts says how), and meanwhile goes on answering with what it has.
 * client-node's informer is not used: it stops for good at any error but 410, keeps whole objects, and its listeners'
 * exceptions end the process.
 */
export function createListWatchCache<T>(options: ListWatchCacheOptions<T>): ListWatchCache<T> {
  const { client, type, namespaces, project, indexes = {}, onChange, log } = options;
  if (namespaces.length === 0) throw new Error('a list-watch cache needs at least one namespace');
  const timing = { ...defaultTiming, ...options.timing };
  const stopping = new AbortController();
  const firstSync = Promise.withResolvers<void>();
  const unsynced = new Set(namespaces);
  let running: Promise<unknown> | undefined;

  async function tell(event: CacheEvent<T>): Promise<void> {
    try {
      await onChange?.(event);
    } catch (err) {
      log.error({ err, object: `${event.namespace}/${event.name}` }, 'a listener of the cache failed');
    }
  }

  const store = new ObjectStore<T>({ project, indexes }, log, (event) => void tell(event));
  const reflectors = [...unsynced].map((namespace) =>
    createReflector({
      client,
      type,
      namespace,
      selectors: options.selectors ?? {},
      store,
      timing,
      log,
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

/** undefined where one of them is. */
function earliest(times: readonly (number | undefined)[]): number | undefined {
  return times.reduce((a, b) => (a === undefined || b === undefined ? undefined : Math.min(a, b)));
}
