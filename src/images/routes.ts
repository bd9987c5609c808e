import { Router } from 'express';
import { ApiError, errorBody, errorKind } from '../errors.ts';
import type { ImageMissingResponse, ImageResponse } from '../generated/openapi.ts';
import { contextOf } from '../request-context.ts';
import type { ImageChecker } from './types.ts';

/** `GET /images?image_url=`: 200 or 404 without a body; who asks for JSON is told what was found, or why not. */
export function imagesRoutes(options: { checker: ImageChecker }): Router {
  const router = Router();
  router.get('/images', async (req, res) => {
    const { id, identity, deadline } = contextOf(res);
    const reference = req.query['image_url'];
    if (typeof reference !== 'string' || reference === '') {
      const fields = [{ path: 'query.image_url', message: 'must name one image' }];
      throw new ApiError(errorKind.validation, 'The request has an invalid parameter.', { fields });
    }
    const check = await options.checker.check(reference, identity, deadline);
    // Whoever accepts anything gets what 1.18.1 gave.
    const wantsJson = /\bapplication\/json\b/i.test(req.get('accept') ?? '');
    res.vary('Accept');
    if (!wantsJson) {
      res.status(check.exists ? 200 : 404).end();
      return;
    }
    if (check.exists) {
      res.json({ ...check, platforms: [...check.platforms] } satisfies ImageResponse);
      return;
    }
    const { reason, message, remedy } = check;
    const error = new ApiError(errorKind.missing, message, { detail: remedy });
    res.status(404).json({ exists: false, reason, ...errorBody(error, id) } satisfies ImageMissingResponse);
  });
  return router;
}
