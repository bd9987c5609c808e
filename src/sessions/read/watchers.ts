import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { owns } from './ownership.ts';

/** Notifies callers of changes of the sessions in the cache. */
export interface SessionWatchers {
  /** The store calls this after each change of the cache. */
  notify(change: { readonly type: string; readonly namespace: string; readonly name: string }): void;
  /** See `SessionStore.untilGone`. */
  untilGone(session: Session, deadline: Deadline): Promise<boolean>;
  /** See `SessionStore.watch`. */
  watch(identity: Identity, session: Session, onChange: (session: Session | undefined) => void): () => void;
}

/** Creates the watchers of a cache. @param cached returns a session from the cache */
export function createSessionWatchers(
  cached: (namespace: string, name: string) => Session | undefined,
): SessionWatchers {
  /** The checks of all `untilGone` calls. */
  const checks = new Set<() => void>();
  /** The callbacks of all `watch` calls, by namespace and name. */
  const watched = new Map<string, Set<() => void>>();

  return {
    notify({ type, namespace, name }) {
      if (type === 'deleted') for (const check of checks) check();
      for (const report of watched.get(`${namespace}/${name}`) ?? []) report();
    },

    untilGone({ name, namespace, uid }, deadline) {
      const isGone = (): boolean => cached(namespace, name)?.uid !== uid;
      return new Promise((resolve) => {
        const end = (): void => {
          checks.delete(check);
          deadline.signal.removeEventListener('abort', end);
          resolve(isGone());
        };
        const check = (): void => {
          if (isGone() || deadline.expired) end();
        };
        checks.add(check);
        deadline.signal.addEventListener('abort', end, { once: true });
        check();
      });
    },

    watch(identity, { name, namespace, uid }, onChange) {
      const key = `${namespace}/${name}`;
      const report = (): void => {
        const now = cached(namespace, name);
        onChange(now?.uid === uid && owns(identity, now) ? now : undefined);
      };
      const reports = watched.get(key) ?? new Set();
      watched.set(key, reports.add(report));
      report();
      return () => {
        reports.delete(report);
        if (reports.size === 0 && watched.get(key) === reports) watched.delete(key);
      };
    },
  };
}
