import type { Router } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import { toApiError } from '../error-translation.ts';
import type { EventStreamTiming, ServerSentEvent } from '../lib/server-sent-events.ts';
import { createEventStreams, endMessages, endOf, type StreamEnding } from '../pipeline/event-stream.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { Work } from './work.ts';

const eventStream = 'text/event-stream';

export interface WorkRouteParts {
  readonly work: Work;
  readonly limit: CallerLimit;
  /** Aborts when the service stops; streams then end with a `shutdown` event. */
  readonly stopping: AbortSignal;
  /** For tests. */
  readonly timing?: Partial<EventStreamTiming>;
}

/** Returns the routes at `/servers/{name}/work`, `save` and `operations`. */
export function workRoutes({ work, limit, stopping, timing = {} }: WorkRouteParts): Router {
  const routes = createRoutes();
  const streams = createEventStreams({ limit, stopping, timing });

  routes.get('/servers/{server_name}/work', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await work.read(identity, req.params.server_name, deadline));
  });

  routes.post('/servers/{server_name}/save', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.status(202).json(await work.save(identity, req.params.server_name, deadline));
  });

  routes.get('/servers/{server_name}/operations', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json({ operations: await work.operations(identity, req.params.server_name, deadline) });
  });

  routes.get('/servers/{server_name}/operations/{operation_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { server_name: name, operation_id: id } = req.params;
    const operation = await work.operation(identity, name, id, deadline);
    const isFollowed = req.headers.accept?.includes(eventStream) && req.accepts(['application/json', eventStream]);
    if (isFollowed !== eventStream) return void res.json(operation);
    await streams.send(res, (ending) => ({
      events: (gone) =>
        events(AbortSignal.any([gone, ending.signal]), ending, (signal) => work.follow(identity, name, id, signal)),
    }));
  });

  routes.delete('/servers/{server_name}/operations/{operation_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await work.cancel(identity, req.params.server_name, req.params.operation_id, deadline));
  });

  return routes.router;
}

async function* events(
  signal: AbortSignal,
  ending: StreamEnding,
  follow: (signal: AbortSignal) => AsyncIterable<object>,
): AsyncIterable<readonly ServerSentEvent[]> {
  try {
    for await (const operation of follow(signal)) yield [{ event: 'operation', data: JSON.stringify(operation) }];
  } catch (error) {
    yield [endOf('failed', toApiError(error).message)];
    return;
  }
  if (!ending.signal.aborted) yield [endOf('finished', 'The operation has ended.')];
  else yield [endOf(ending.reason, endMessages[ending.reason])];
}
