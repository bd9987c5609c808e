import type { Logger } from 'pino';
import { Database } from './database.ts';
import { expireEvents } from './event-expiry.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { makeKinds } from './kinds/kinds.ts';
import { Store } from './store.ts';
import { DEFAULT_HISTORY, type HistoryLimits, VersionedObjects } from './versioned-objects.ts';

export interface ClusterOptions {
  /** The database file, or ':memory:'. */
  path: string;
  log: Logger;
  /** The node that new pods are bound to; default `local`. */
  nodeName?: string;
  /** The history for watches and paged lists; default DEFAULT_HISTORY. */
  history?: HistoryLimits;
  /** Returns milliseconds since the epoch. Only tests pass this. */
  now?: () => number;
}

/**
 * Opens the database and starts garbage collection and the expiry of Events; `close` of the store ends both.
 * Objects that the store returns are shared and frozen: copy an object before changing it. Throws `UnusableStore`.
 */
export function openCluster(options: ClusterOptions): Store {
  const { path, log, nodeName = 'local', history = DEFAULT_HISTORY, now = Date.now } = options;
  const kinds = makeKinds(nodeName);
  const database = Database.open(path);
  try {
    const objects = new VersionedObjects(database, kinds.all, { log, history, now });
    const store = new Store({ kinds, objects, log, now });
    const collector = new GarbageCollector(store);
    store.beforeClose(() => collector.close());
    store.beforeClose(expireEvents(store));
    return store;
  } catch (error) {
    database.close();
    throw error;
  }
}
