import type { Router } from 'express';
import { ApiError, errorBody, errorKind } from '../errors.ts';
import { ownerKey } from '../identity/owner.ts';
import type { Identity } from '../identity/types.ts';
import { createConcurrencyLimit, LimitReached } from '../lib/concurrency-limit.ts';
import { createRoutes } from '../pipeline/route.ts';
import { contextOf } from '../request-context.ts';
import type { ImageChecker } from './types.ts';

/** Checks of one user at the same time, on one replica. */
const checksAtOnce = 10;
/** Checks of all anonymous users together: an id of one is free of charge. */
const anonymousChecksAtOnce = 4 * checksAtOnce;

/**
 * `GET /images?image_url=`: 200 or 404 with what was found, or why nothing was. A caller that does not accept JSON gets
 * the status without a body.
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
      res.json({ ...check, platforms: [...check.platforms] });
      return;
    }
    const { reason, message, remedy } = check;
    const error = new ApiError(errorKind.missing, message, { detail: remedy });
    res.status(404).json({ exists: false, reason, ...errorBody(error, id) });
  });
  return routes.router;
}

/** Runs a check with a permit of its caller. Throws ApiError 1429 when there are too many. */
function createCheckLimit(): <Result>(identity: Identity, check: () => Promise<Result>) => Promise<Result> {
  const ofOwner = createConcurrencyLimit({ perOwner: checksAtOnce });
  const ofAnonymous = createConcurrencyLimit({ perOwner: anonymousChecksAtOnce });
  return async (identity, check) => {
    const own = () => ofOwner.run(ownerKey(identity), check);
    try {
      return await (identity.kind === 'anonymous' ? ofAnonymous.run('anonymous', own) : own());
    } catch (cause) {
      if (!(cause instanceof LimitReached)) throw cause;
      throw new ApiError(errorKind.tooManyRequests, `${cause.running} images are being checked for you already.`, {
        cause,
      });
    }
  };
}
