import type { Store } from './store.ts';

/** core/v1 Events are kept for an hour after their last change, as a cluster keeps them. */
export const EVENT_LIFETIME_MS = 3_600_000;
const CHECK_EVERY_MS = 60_000;

/** Removes Events that are too old, now and every minute. Returns what ends it. */
export function expireEvents(store: Store): () => void {
  const sweep = (): void => {
    const { events } = store.kinds;
    const oldest = store.now() - EVENT_LIFETIME_MS;
    for (const entry of [...store.objects.entries(events).values()]) {
      if (entry.writtenAt < oldest) store.objects.remove(events, entry);
    }
  };
  sweep();
  const timer = setInterval(() => {
    try {
      sweep();
    } catch (error) {
      store.log.error({ err: error }, 'old events could not be removed');
    }
  }, CHECK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
