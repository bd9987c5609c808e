import type { PresentationConfig } from '../../config/types.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { presentSession } from './present.ts';

export interface Presenter {
  /** Returns the response for a session. Callers must not change the object, because it is shared. */
  (session: Session): NotebookResponse;
  /** Returns the response as JSON. */
  json(session: Session): string;
  /** Returns the response as JSON in UTF-8. The buffer is shared. */
  bytes(session: Session): Buffer;
  /** Returns the response for the beginning of the current minute. */
  byMinute(session: Session): NotebookResponse;
  /**
   * Returns the response as a member of a JSON object, in UTF-8: the session's name, a colon, and the JSON. The buffer is
   * shared, too.
   */
  member(session: Session): Buffer;
}

interface Presented {
  readonly period: number;
  readonly response: NotebookResponse;
  json?: string;
  member?: { readonly bytes: Buffer; readonly nameLength: number };
}

/**
 * Returns `presentSession` with a cache. The session store returns the same object until the session changes, and warnings
 * count whole seconds, so the response does not change within a second. The bytes for a list of sessions are therefore
 * copied from the cache.
 */
export function createPresenter(config: PresentationConfig, clock: () => number = Date.now): Presenter {
  const present = cached(1_000, (session) => presentSession(session, config, clock()));
  const byMinute = cached(60_000, (session, startMs) => presentSession(session, config, startMs));

  /** Caches the result for one session and period. The periods start at whole multiples of their length. */
  function cached(periodMs: number, make: (session: Session, startMs: number) => NotebookResponse) {
    const known = new WeakMap<Session, Presented>();
    return (session: Session): Presented => {
      const period = Math.floor(clock() / periodMs);
      const before = known.get(session);
      if (before?.period === period) return before;
      const presented: Presented = { period, response: make(session, period * periodMs) };
      known.set(session, presented);
      return presented;
    };
  }

  function json(session: Session): string {
    const current = present(session);
    current.json ??= JSON.stringify(current.response);
    return current.json;
  }

  function member(session: Session): { readonly bytes: Buffer; readonly nameLength: number } {
    const current = present(session);
    if (current.member === undefined) {
      const name = `${JSON.stringify(current.response.name)}:`;
      current.member = { bytes: Buffer.from(name + json(session)), nameLength: Buffer.byteLength(name) };
    }
    return current.member;
  }

  return Object.assign((session: Session) => present(session).response, {
    json,
    byMinute: (session: Session) => byMinute(session).response,
    bytes(session: Session): Buffer {
      const { bytes, nameLength } = member(session);
      return bytes.subarray(nameLength);
    },
    member: (session: Session) => member(session).bytes,
  });
}
