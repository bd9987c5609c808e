import type { Response, Router } from 'express';
import type { Logger } from 'pino';
import type { CallerLimit } from '../caller-limit.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { operations } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Session } from '../jupyter-server/session.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { EventStreamTiming } from '../lib/server-sent-events.ts';
import { createEventStreams, requireAccepted, type StreamEnding, type StreamSource } from '../pipeline/event-stream.ts';
import { createRoutes } from '../pipeline/route.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { contextOf } from '../request-context.ts';
import { chosenContainers } from './containers.ts';
import { createLogFeeds } from './feeds.ts';
import { LogFollower } from './follower.ts';
import { previousLines } from './history.ts';
import { type Instant, parseSince } from './instant.ts';
import { decodePositions } from './position.ts';
import { type LogQuery, readLogs } from './read-logs.ts';
import { createLogSource, type SourceParts } from './source.ts';

/** The methods of the session store that the logs need. */
export interface SessionsForLogs {
  /** Returns the caller's session of this name. Throws ApiError 1404. */
  get(identity: Identity, name: string, deadline: Deadline): Promise<Session>;
  /**
   * Calls `onChange` after each change of the session; with undefined if it is deleted or replaced, or belongs to another
   * user. Returns a function that ends the calls.
   */
  watch(identity: Identity, session: Session, onChange: (session: Session | undefined) => void): () => void;
  /** Returns whether the session still exists, by a live read. */
  isCurrent(session: Session, deadline: Deadline): Promise<boolean>;
}

export interface LogRouteParts {
  readonly client: KubernetesConnection;
  readonly sessions: SessionsForLogs;
  readonly log: Logger;
  /** Aborts when the service stops; streams then end with a `shutdown` event. */
  readonly stopping: AbortSignal;
  /** Of streams. */
  readonly limit: CallerLimit;
  /** For tests. */
  readonly timing?: Partial<EventStreamTiming> & Pick<SourceParts, 'maxSilenceMs'>;
}

/** The default of `max_lines` in openapi.yaml. */
const defaultLines = 250;

/** `/logs`. */
export function logRoutes(parts: LogRouteParts): Router {
  const { client, sessions, log, limit, stopping, timing = {} } = parts;
  const { maxSilenceMs, ...streamTiming } = timing;
  const read = createLogSource({
    client,
    isCurrent: (session, deadline) => sessions.isCurrent(session, deadline),
    ...(maxSilenceMs !== undefined && { maxSilenceMs }),
  });
  const feeds = createLogFeeds({ read, log });
  const streams = createEventStreams({ limit, stopping, timing: streamTiming });

  const open =
    (res: Response, session: Session, query: LogQuery, lastEventId = '') =>
    (ending: StreamEnding): StreamSource => {
      const { identity, log: requestLog } = contextOf(res);
      const readers = { read, log: requestLog, feeds };
      if (query.previous) {
        const containers = chosenContainers(session, query.container);
        const request = { session, containers, start: { tail: query.maxLines, since: query.since } };
        return { events: (gone) => previousLines(readers, request, gone, ending) };
      }
      const follower = new LogFollower(session, { ...query, resume: decodePositions(lastEventId) }, readers);
      const unwatch = sessions.watch(identity, session, (now) => follower.observe(now));
      return {
        events: (gone) => follower.events(gone, ending),
        close() {
          unwatch();
          follower.leave();
        },
      };
    };

  const routes = createRoutes();
  routes.get('/logs/{server_name}', async (req, res) => {
    const { identity, deadline, log: requestLog } = contextOf(res);
    const session = await sessions.get(identity, req.params.server_name, deadline);
    const query = logQuery(req.query);
    const isFollowed = req.query.follow === true;
    const available = 'Available: text/event-stream with follow=true, otherwise application/json.';
    requireAccepted(req, isFollowed ? 'text/event-stream' : 'application/json', available);
    if (isFollowed) return await streams.send(res, open(res, session, query, req.get('Last-Event-ID')));
    res.json(await readLogs(client, session, query, deadline, requestLog));
  });
  return routes.router;
}

type LogParameters = NonNullable<operations['getLogs']['parameters']['query']>;

function logQuery({ max_lines: maxLines = defaultLines, container, previous = false, since }: LogParameters): LogQuery {
  return { maxLines, container, previous, since: since === undefined ? undefined : sinceOf(since) };
}

function sinceOf(text: string): Instant {
  const since = parseSince(text, Date.now());
  if (since !== undefined) return since;
  const message = 'must be a time such as 2026-11-20T10:00:00Z, or a number of seconds';
  throw new ApiError(errorKind.validation, 'A field of the request is not valid.', {
    detail: `query.since ${message}.`,
    fields: [{ path: 'query.since', message }],
  });
}
