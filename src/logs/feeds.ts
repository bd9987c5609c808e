import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { LogFeed } from './feed.ts';
import type { ReadLog } from './source.ts';

export interface SharedFeed {
  readonly feed: LogFeed;
  /** The last one to leave ends the connection to the API server. */
  leave(): void;
}

/** One feed per container, however many follow it. */
export interface LogFeeds {
  /** @param onChange called after each change of the feed */
  join(session: Session, container: string, onChange: () => void): SharedFeed;
}

export function createLogFeeds({ read, log }: { read: ReadLog; log: Logger }): LogFeeds {
  const feeds = new Map<string, { feed: LogFeed; listeners: Set<() => void> }>();

  function begin(key: string, session: Session, container: string) {
    const listeners = new Set<() => void>();
    const tell = (): void => {
      for (const listener of listeners) listener();
    };
    const feed = new LogFeed({ session, container, read, log, tell });
    feed.run().catch((err: unknown) => log.error({ err }, 'a log can no longer be followed'));
    const entry = { feed, listeners };
    feeds.set(key, entry);
    return entry;
  }

  return {
    join(session, container, onChange) {
      // The uid: the next session of this name has logs of its own.
      const key = `${session.uid}/${container}`;
      const { feed, listeners } = feeds.get(key) ?? begin(key, session, container);
      // A function of its own, so that the same one may join twice.
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
