import type { Router } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import { ApiError, errorBody, errorKind } from '../errors.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { ImageChecker } from './types.ts';

/**
 * Returns the route `GET /images?image_url=`, which answers 200 with the image or 404 with the reason why it cannot be
 * used. A caller that does not accept JSON gets the status without a body.
 */
export function imagesRoutes({ checker, limit }: { checker: ImageChecker; limit: CallerLimit }): Router {
  const routes = createRoutes();
  routes.get('/images', async (req, res) => {
    const { id, identity, deadline } = contextOf(res);
    const check = await limit.run(identity, () => checker.check(req.query.image_url, identity, deadline));
    res.vary('Accept');
    if (req.accepts('application/json') === false) {
      res.status(check.exists ? 200 : 404).end();
      return;
    }
    if (check.exists) {
      const { jupyter: _jupyter, runsArguments: _runsArguments, platforms, ...shown } = check;
      res.json({ ...shown, platforms: [...platforms] });
      return;
    }
    const { reason, message, remedy } = check;
    const error = new ApiError(errorKind.missing, message, { detail: remedy });
    res.status(404).json({ exists: false, reason, ...errorBody(error, id) });
  });
  return routes.router;
}
