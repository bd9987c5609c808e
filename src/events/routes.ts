import type { Router } from 'express';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { SessionEvents, SessionsForEvents } from './session-events.ts';

/** `/servers/{name}/events`. The stream of all sessions is at `/servers`, see `sessions/routes.ts`. */
export function eventRoutes(parts: { sessions: Pick<SessionsForEvents, 'get'>; events: SessionEvents }): Router {
  const { sessions, events } = parts;
  const routes = createRoutes();
  routes.get('/servers/{server_name}/events', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const session = await sessions.get(identity, req.params.server_name, deadline);
    await events.one(res, session, req.get('Last-Event-ID'));
  });
  return routes.router;
}
