import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerProblem, type Problem } from './answers.ts';
import { bearerToken, foreignOrigin } from './browser-checks.ts';
import { type Addresses, misdirected, type Origins } from './virtual-hosts.ts';

export function refusalOf(reason: string): Problem {
  return {
    status: 403,
    message: `Refused: ${reason}.`,
    detail: 'Only pages of this site, and programs that are no browser, may do this.',
  };
}

/**
 * A handler for requests to the pages' site alone, and to it only from its own pages and from no page at all. A request
 * with a Bearer token passes from anywhere: a browser sends none by itself, and lets no page add one to a request to
 * another origin without a permission that is never given here.
 */
export function sameSiteOnly<Result>(
  addresses: Addresses,
  handler: (req: IncomingMessage, res: ServerResponse, origins: Origins) => Promise<Result>,
): (req: IncomingMessage, res: ServerResponse) => Promise<Result | undefined> {
  return async (req, res) => {
    const place = addresses.placeOf(req);
    if (place?.site !== 'pages') {
      answerProblem(req, res, misdirected(addresses));
      return undefined;
    }
    const foreign = bearerToken(req) === undefined ? foreignOrigin(req, place.origins.pages) : undefined;
    if (foreign === undefined) return handler(req, res, place.origins);
    answerProblem(req, res, refusalOf(foreign));
    return undefined;
  };
}
