import { Router } from 'express';
import type { CreateAccessTokenRequest } from '../generated/openapi.ts';
import { contextOf } from '../request-context.ts';
import type { AccessTokens } from './access-tokens.ts';

/** `/servers/{name}/tokens`. The OpenAPI document has decided about the shape of the request before a handler runs. */
export function accessTokenRoutes({ tokens }: { tokens: AccessTokens }): Router {
  const router = Router();

  router.get('/servers/:server_name/tokens', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    res.json({ tokens: await tokens.list(identity, req.params.server_name, deadline) });
  });

  router.post('/servers/:server_name/tokens', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    const request = req.body as CreateAccessTokenRequest;
    const { isNew, response } = await tokens.create(identity, req.params.server_name, request, deadline);
    res.status(isNew ? 201 : 200).json(response);
  });

  router.delete('/servers/:server_name/tokens/:token_id', async (req, res) => {
    const { identity, deadline } = contextOf(res);
    await tokens.revoke(identity, req.params.server_name, req.params.token_id, deadline);
    res.status(204).end();
  });

  return router;
}
