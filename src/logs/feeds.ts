import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { LogFeed } from './feed.ts';
import type { ReadLog } from './source.ts';

export interface SharedFeed {
  readonly feed: LogFeed;
  /** Ends the use of the feed. The feed stops when its last reader leaves. */
  leave(): void;
}

/** The feeds of all containers that are followed: one per container, shared by its readers. */
export interface LogFeeds {
  /** Returns the feed of a container. `onChange` is called after each change of the feed. */
  join(session: Session, container: string, onChange: () => void): SharedFeed;
}

export function createLogFeeds({ read, log }: { read: ReadLog; log: Logger }): LogFeeds {
  const feeds = new Map<string, { feed: LogFeed; listeners: Set<() => void> }>();

  function start(key: string, session: Session, container: string) {
    const listeners = new Set<() => void>();
    const onChange = (): void => {
      for (const listener of listeners) listener();
    };
    const feed = new LogFeed({ session, container, read, log, onChange });
    feed.run().catch((err: unknown) => log.error({ err }, 'a log feed has failed'));
    const entry = { feed, listeners };
    feeds.set(key, entry);
    return entry;
  }

  return {
    join(session, container, onChange) {
      // By uid: another session may later have the same name.
      const key = `${session.uid}/${container}`;
      const { feed, listeners } = feeds.get(key) ?? start(key, session, container);
      // A new function, so that the same `onChange` can join twice.
      const listener = (): void => onChange();
      listeners.add(listener);
      return {
        feed,
        leave() {
          if (!listeners.delete(listener) || listeners.size > 0) return;
          feed.stop();
          if (feeds.get(key)?.feed === feed) feeds.delete(key);
        },
      };
    },
  };
}
