import type { Store } from './store.ts';

/** Events are removed one hour after their last change, as in a cluster. */
export const EVENT_LIFETIME_MS = 3_600_000;
const CHECK_INTERVAL_MS = 60_000;

/** Removes expired Events once. */
export function removeExpiredEvents({ kinds, objects, now }: Pick<Store, 'kinds' | 'objects' | 'now'>): void {
  const oldest = now() - EVENT_LIFETIME_MS;
  for (const entry of [...objects.entries(kinds.events).values()]) {
    if (entry.writtenAt < oldest) objects.remove(kinds.events, entry);
  }
}

/** Removes expired Events now and every minute. Returns a function that stops this. */
export function expireEvents(store: Store): () => void {
  removeExpiredEvents(store);
  const timer = setInterval(() => {
    try {
      removeExpiredEvents(store);
    } catch (error) {
      store.log.error({ err: error }, 'expired events could not be removed');
    }
  }, CHECK_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
