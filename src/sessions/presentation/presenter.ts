import type { PresentationConfig } from '../../config/types.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { presentSession } from './present.ts';

export interface Presenter {
  /** Returns the response for a session. Callers must not change the object, because it is shared. */
  (session: Session): NotebookResponse;
  /**
   * Returns the response as a member of a JSON object, in UTF-8: the session's name, a colon, and the JSON. The buffer is
   * shared, too.
   */
  member(session: Session): Buffer;
}

interface Presented {
  readonly second: number;
  readonly response: NotebookResponse;
  member?: Buffer;
}

/**
 * Returns `presentSession` with a cache. The session store returns the same object until the session changes, and warnings
 * count whole seconds, so the response does not change within a second. The bytes for a list of sessions are therefore
 * copied from the cache.
 */
export function createPresenter(config: PresentationConfig, clock: () => number = Date.now): Presenter {
  const known = new WeakMap<Session, Presented>();

  function present(session: Session): Presented {
    const now = clock();
    const second = Math.floor(now / 1000);
    const before = known.get(session);
    if (before?.second === second) return before;
    const presented: Presented = { second, response: presentSession(session, config, now) };
    known.set(session, presented);
    return presented;
  }

  return Object.assign((session: Session) => present(session).response, {
    member(session: Session): Buffer {
      const current = present(session);
      current.member ??= Buffer.from(`${JSON.stringify(current.response.name)}:${JSON.stringify(current.response)}`);
      return current.member;
    },
  });
}
