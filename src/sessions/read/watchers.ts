import type { Identity } from '../../identity/types.ts';
import { isEnding } from '../../jupyter-server/agent.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { CacheEvent } from '../../platform/kubernetes/list-watch-cache.ts';
import { ownersOf, owns } from './ownership.ts';

/** Notifies callers of changes of the sessions in the cache. */
export interface SessionWatchers {
  /** The store calls this after each change of the cache. */
  notify(change: CacheEvent<Session>): void;
  /** See `SessionStore.untilGone`. */
  untilGone(session: Session, deadline: Deadline): Promise<Session | undefined>;
  /** See `SessionStore.watch`. */
  watch(identity: Identity, session: Session, onChange: (session: Session | undefined) => void): () => void;
  /** See `SessionStore.watchOwn`. */
  watchOwn(identity: Identity, onChange: (name: string) => void): () => void;
}

/** Creates the watchers of a cache. @param cached returns a session from the cache */
export function createSessionWatchers(
  cached: (namespace: string, name: string) => Session | undefined,
): SessionWatchers {
  /** The callbacks of all `watch` and `untilGone` calls, by namespace and name. */
  const watched = new Map<string, Set<() => void>>();
  /** The callbacks of all `watchOwn` calls, by owner. */
  const owners = new Map<string, Set<(name: string) => void>>();

  return {
    notify(change) {
      const { namespace, name } = change;
      for (const report of watched.get(`${namespace}/${name}`) ?? []) report();
      for (const owner of ownersIn(change)) for (const report of owners.get(owner) ?? []) report(name);
    },

    untilGone({ name, namespace, uid }, deadline) {
      const current = (): Session | undefined => {
        const now = cached(namespace, name);
        return now?.uid === uid && isEnding(now) ? now : undefined;
      };
      return new Promise((resolve) => {
        const end = (): void => {
          leave();
          deadline.signal.removeEventListener('abort', end);
          resolve(current());
        };
        const check = (): void => {
          if (!current() || deadline.expired) end();
        };
        const leave = join(watched, `${namespace}/${name}`, check);
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
      const leave = join(watched, key, report);
      report();
      return leave;
    },
    watchOwn(identity, onChange) {
      const report = (name: string): void => onChange(name);
      const leaves = ownersOf(identity).map((owner) => join(owners, owner, report));
      return () => {
        for (const leave of leaves) leave();
      };
    },
  };
}

/** Returns the owners of the session before and after the change. */
function ownersIn(change: CacheEvent<Session>): Set<string> {
  const owners = [
    change.type === 'added' ? undefined : change.previous.owner,
    change.type === 'deleted' ? undefined : change.value.owner,
  ];
  return new Set(owners.filter((owner) => owner !== undefined));
}

/** Adds a callback to those of a key. Returns a function that removes it. */
function join<Callback>(callbacks: Map<string, Set<Callback>>, key: string, callback: Callback): () => void {
  const joined = callbacks.get(key) ?? new Set();
  callbacks.set(key, joined.add(callback));
  return () => {
    joined.delete(callback);
    if (joined.size === 0 && callbacks.get(key) === joined) callbacks.delete(key);
  };
}
