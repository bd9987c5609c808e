import type { Router } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import type { EventStreamTiming } from '../lib/server-sent-events.ts';
import { createEventStreams } from '../pipeline/event-stream.ts';
import { isStreamAccepted, operationEvents } from '../pipeline/operation-stream.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { Work } from './work.ts';

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
    if (!isStreamAccepted(req)) return void res.json(operation);
    await streams.send(
      res,
      operationEvents((signal) => work.follow(identity, name, id, signal)),
    );
  });

  routes.delete('/servers/{server_name}/operations/{operation_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json(await work.cancel(identity, req.params.server_name, req.params.operation_id, deadline));
  });

  return routes.router;
}
