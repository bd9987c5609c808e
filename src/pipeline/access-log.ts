import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';

/** What another program may choose as the id of a request: it goes into logs and answers. */
const acceptableId = /^[A-Za-z0-9][-A-Za-z0-9._]{7,63}$/;
const maxPathLength = 500;
const probes: ReadonlySet<string> = new Set(['/health', '/ready']);

/**
 * Gives every request an id (the caller's X-Request-Id if it is a sane one; `requestIdOf`) and logs one line when its
 * answer is over. Headers and queries are never logged: credentials are in the former, a token may be in the latter.
 */
export function accessLog(log: Logger): RequestHandler {
  // Six fields of known content: looking for credentials among them would cost more than the line itself.
  const lines = log.child({}, { redact: [] });
  return (req, res, next) => {
    const given = req.headers['x-request-id'];
    const requestId = typeof given === 'string' && acceptableId.test(given) ? given : randomUUID();
    res.locals['requestId'] = requestId;
    res.setHeader('X-Request-Id', requestId);
    const { method, url } = req;
    const begun = performance.now();
    if (!probes.has(url)) {
      res.once('close', () => {
        const { statusCode: status } = res;
        const ms = Math.round(performance.now() - begun);
        const line = { requestId, method, path: pathOf(url), status, ms };
        const whole = res.writableFinished ? line : { ...line, aborted: true };
        if (status >= 500) lines.error(whole, 'request');
        else lines.info(whole, 'request');
      });
    }
    next();
  };
}

export function requestIdOf(res: Response): string {
  return String(res.locals['requestId'] ?? '');
}

function pathOf(url: string): string {
  const mark = url.indexOf('?');
  return url.slice(0, Math.min(mark < 0 ? url.length : mark, maxPathLength));
}
