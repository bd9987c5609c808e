import type { Response } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import type { Identity } from '../identity/types.ts';
import type { Session } from '../jupyter-server/session.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { EventStreamTiming } from '../lib/server-sent-events.ts';
import { createEventStreams } from '../pipeline/event-stream.ts';
import { contextOf } from '../request-context.ts';
import { type FollowedSessions, SessionFollower } from './follower.ts';
import { createStates, type SessionResponses } from './known-sessions.ts';

/** The methods of the session store that the events need. */
export interface SessionsForEvents {
  /** Whether the cache has all sessions. */
  readonly synced: boolean;
  /** Returns the caller's session of this name. Throws ApiError 1404. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<Session>;
  /** Returns the caller's session of this name from the cache. */
  cached(identity: Identity, name: string): Session | undefined;
  /** Returns the caller's sessions from the cache, by name. */
  allCached(identity: Identity): Session[];
  /** Reads the caller's sessions from the API server, and updates the cache. Throws ApiError. */
  refreshOwn(identity: Identity, deadline: Deadline): Promise<void>;
  /** Calls `onChange` after each change of the caller's sessions. Returns a function that ends the calls. */
  watchOwn(identity: Identity, onChange: (name: string) => void): () => void;
}

export interface SessionEventsParts {
  readonly sessions: SessionsForEvents;
  readonly responses: SessionResponses;
  /** Aborts when the service stops; streams then end with a `shutdown` event. */
  readonly stopping: AbortSignal;
  readonly limit: CallerLimit;
  /** For tests. */
  readonly timing?: Partial<EventStreamTiming>;
}

export interface SessionEvents {
  /** Sends the events of the caller's sessions for which `isWanted` returns true. Throws ApiError. */
  all(res: Response, isWanted: (session: Session) => boolean, lastEventId: string | undefined): Promise<void>;
  /** Sends the events of one session of the caller, until it is deleted. Throws ApiError. */
  one(res: Response, session: Session, lastEventId: string | undefined): Promise<void>;
}

/** Creates the streams of session events. All streams are computed from the cache and need no calls of their own. */
export function createSessionEvents(parts: SessionEventsParts): SessionEvents {
  const { sessions, responses, limit, stopping, timing = {} } = parts;
  const followerParts = { json: responses.json, stateOf: createStates(responses) };
  const streams = createEventStreams({ limit, stopping, timing });

  function follow(res: Response, followed: FollowedSessions, lastEventId = ''): Promise<void> {
    const { identity, deadline } = contextOf(res);
    return streams.send(res, async (ending) => {
      const follower = new SessionFollower(followed, followerParts);
      const close = sessions.watchOwn(identity, follower.changed);
      try {
        if (!follower.resume(lastEventId) || !sessions.synced) {
          await sessions.refreshOwn(identity, deadline);
          follower.resume(lastEventId);
        }
      } catch (error) {
        close();
        throw error;
      }
      return { events: (gone) => follower.events(gone, ending), close };
    });
  }

  return {
    all(res, isWanted, lastEventId) {
      const { identity } = contextOf(res);
      const followed = {
        all: () => sessions.allCached(identity).filter(isWanted),
        get: (name: string) => [sessions.cached(identity, name)].find((session) => session && isWanted(session)),
      };
      return follow(res, followed, lastEventId);
    },
    one(res, { name, uid }, lastEventId) {
      const { identity } = contextOf(res);
      const isWanted = (session: Session | undefined): session is Session => session?.uid === uid;
      const followed = {
        all: () => [sessions.cached(identity, name)].filter(isWanted),
        get: (changed: string) => [sessions.cached(identity, changed)].find(isWanted),
        only: name,
      };
      return follow(res, followed, lastEventId);
    },
  };
}
