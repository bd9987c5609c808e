import type { IncomingMessage, ServerResponse } from 'node:http';
import { crossOriginReason } from '../http/browser-requests.ts';
import { bearerToken } from '../http/credentials.ts';
import { type ErrorResponse, sendError } from '../http/errors.ts';
import { type Addresses, misdirected, type Origins } from './origins.ts';

export function crossOriginError(reason: string): ErrorResponse {
  return {
    status: 403,
    message: `Rejected: ${reason}.`,
    detail: 'Only pages of this origin, and programs other than browsers, may do this.',
  };
}

/**
 * Returns a handler that accepts only requests to the origin of the pages, and of those only requests from its own pages or
 * from programs. A request with a Bearer token passes from any page: a browser does not send one by itself, and a page of
 * another origin cannot add one without CORS, which is not enabled here.
 */
export function sameOriginOnly<Result>(
  addresses: Addresses,
  handler: (req: IncomingMessage, res: ServerResponse, origins: Origins) => Promise<Result>,
): (req: IncomingMessage, res: ServerResponse) => Promise<Result | undefined> {
  return async (req, res) => {
    const host = addresses.resolve(req);
    if (host?.name !== 'pages') {
      sendError(req, res, misdirected(addresses));
      return undefined;
    }
    const reason = bearerToken(req) === undefined ? crossOriginReason(req, host.origins.pages) : undefined;
    if (reason === undefined) return handler(req, res, host.origins);
    sendError(req, res, crossOriginError(reason));
    return undefined;
  };
}
