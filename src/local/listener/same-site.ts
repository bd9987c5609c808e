import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerProblem, type Problem } from './answers.ts';
import { foreignOrigin } from './browser-checks.ts';
import { hostOf } from './request-target.ts';
import { misdirected } from './virtual-hosts.ts';

export function refusalOf(reason: string): Problem {
  return {
    status: 403,
    message: `Refused: ${reason}.`,
    detail: 'Only pages of this site, and programs that are no browser, may do this.',
  };
}

/** A handler for requests to `ownOrigin` alone, and to it only from its own pages and from no page at all. */
export function sameSiteOnly<Result>(
  ownOrigin: string,
  handler: (req: IncomingMessage, res: ServerResponse) => Promise<Result>,
): (req: IncomingMessage, res: ServerResponse) => Promise<Result | undefined> {
  const { host } = new URL(ownOrigin);
  return async (req, res) => {
    const foreign = foreignOrigin(req, ownOrigin);
    if (hostOf(req) !== host) answerProblem(req, res, misdirected([host]));
    else if (foreign !== undefined) answerProblem(req, res, refusalOf(foreign));
    else return handler(req, res);
    return undefined;
  };
}
