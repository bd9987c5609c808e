import type { Store } from './store.ts';

/** core/v1 Events are kept for an hour after their last change, as a cluster keeps them. */
export const EVENT_LIFETIME_MS = 3_600_000;
const CHECK_EVERY_MS = 60_000;

/** Removes Events that are too old. */
export function removeOldEvents({ kinds, objects, now }: Pick<Store, 'kinds' | 'objects' | 'now'>): void {
  const oldest = now() - EVENT_LIFETIME_MS;
  for (const entry of [...objects.entries(kinds.events).values()]) {
    if (entry.writtenAt < oldest) objects.remove(kinds.events, entry);
  }
}

/** Does so now and every minute. Returns what ends it. */
export function expireEvents(store: Store): () => void {
  removeOldEvents(store);
  const timer = setInterval(() => {
    try {
      removeOldEvents(store);
    } catch (error) {
      store.log.error({ err: error }, 'old events could not be removed');
    }
  }, CHECK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
