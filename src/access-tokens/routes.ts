import type { Router } from 'express';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { AccessTokens } from './access-tokens.ts';

/** Returns the routes at `/servers/{name}/tokens`. */
export function accessTokenRoutes({ tokens }: { tokens: AccessTokens }): Router {
  const routes = createRoutes();

  routes.get('/servers/{server_name}/tokens', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json({ tokens: await tokens.list(identity, req.params.server_name, deadline) });
  });

  routes.post('/servers/{server_name}/tokens', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const { isNew, response } = await tokens.create(identity, req.params.server_name, req.body, deadline);
    res.status(isNew ? 201 : 200).json(response);
  });

  routes.delete('/servers/{server_name}/tokens/{token_id}', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await tokens.revoke(identity, req.params.server_name, req.params.token_id, deadline);
    res.status(204).end();
  });

  return routes.router;
}
