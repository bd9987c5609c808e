import type { Router } from 'express';
import { ApiError, errorBody, errorKind } from '../errors.ts';
import { ownerKey } from '../identity/owner.ts';
import type { Identity } from '../identity/types.ts';
import { createConcurrencyLimit, LimitReached } from '../lib/concurrency-limit.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { ImageChecker } from './types.ts';

/** Maximum number of concurrent checks of one user, on one replica. */
const checksAtOnce = 10;
/** Maximum number of concurrent checks of all anonymous users together: a caller can get many anonymous ids. */
const anonymousChecksAtOnce = 4 * checksAtOnce;

/**
 * Returns the route `GET /images?image_url=`, which answers 200 with the image or 404 with the reason why it cannot be
 * used. A caller that does not accept JSON gets the status without a body.
 */
export function imagesRoutes(options: { checker: ImageChecker }): Router {
  const limited = createCheckLimit();
  const routes = createRoutes();
  routes.get('/images', async (req, res) => {
    const { id, identity, deadline } = contextOf(res);
    const check = await limited(identity, () => options.checker.check(req.query.image_url, identity, deadline));
    res.vary('Accept');
    if (req.accepts('application/json') === false) {
      res.status(check.exists ? 200 : 404).end();
      return;
    }
    if (check.exists) {
      const { jupyter: _jupyter, platforms, ...shown } = check;
      res.json({ ...shown, platforms: [...platforms] });
      return;
    }
    const { reason, message, remedy } = check;
    const error = new ApiError(errorKind.missing, message, { detail: remedy });
    res.status(404).json({ exists: false, reason, ...errorBody(error, id) });
  });
  return routes.router;
}

/** Returns a function that runs a check with a permit of its caller; it throws ApiError 1429 for too many checks. */
function createCheckLimit(): <Result>(identity: Identity, check: () => Promise<Result>) => Promise<Result> {
  const ofOwner = createConcurrencyLimit({ perOwner: checksAtOnce });
  const ofAnonymous = createConcurrencyLimit({ perOwner: anonymousChecksAtOnce });
  return async (identity, check) => {
    const own = () => ofOwner.run(ownerKey(identity), check);
    try {
      return await (identity.kind === 'anonymous' ? ofAnonymous.run('anonymous', own) : own());
    } catch (cause) {
      if (!(cause instanceof LimitReached)) throw cause;
      throw new ApiError(errorKind.tooManyRequests, `You have ${cause.running} image checks in progress already.`, {
        cause,
      });
    }
  };
}
