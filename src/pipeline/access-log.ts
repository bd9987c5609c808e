import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { readTraceparent } from '../lib/trace-context.ts';
import type { CountRequest } from './request-metrics.ts';

/** The form of request ids that a caller may choose. Request ids are in logs and responses. */
const acceptableId = /^[A-Za-z0-9][-A-Za-z0-9._]{7,63}$/;
const maxPathLength = 500;
const probes: ReadonlySet<string> = new Set(['/health', '/ready']);

/**
 * Sets an id for every request (the caller's X-Request-Id if that is acceptable, see `requestIdOf`), and logs one line when
 * the response is closed; `count` counts the request then. Of the headers, only a valid `traceparent` is logged, and queries
 * are never logged, because they may contain credentials.
 */
export function accessLog(log: Logger, count: CountRequest): RequestHandler {
  // The line is not redacted: its fields have no credentials, and redaction would take longer than writing the line.
  const lines = log.child({}, { redact: [] });
  return (req, res, next) => {
    const given = req.headers['x-request-id'];
    const requestId = typeof given === 'string' && acceptableId.test(given) ? given : randomUUID();
    res.locals['requestId'] = requestId;
    res.setHeader('X-Request-Id', requestId);
    const { method, url } = req;
    const startedAt = performance.now();
    if (!probes.has(url)) {
      res.once('close', () => {
        const { statusCode: status } = res;
        const ms = performance.now() - startedAt;
        count(res, ms);
        const traceparent = readTraceparent(req.headers.traceparent);
        const fields = {
          ...{ requestId, method, path: pathOf(url), status, ms: Math.round(ms) },
          ...(traceparent !== undefined && { traceparent }),
          ...(!res.writableFinished && { aborted: true }),
        };
        if (status >= 500) lines.error(fields, 'request');
        else lines.info(fields, 'request');
      });
    }
    next();
  };
}

/** Returns the id of the request that `accessLog` has set. */
export function requestIdOf(res: Response): string {
  return String(res.locals['requestId'] ?? '');
}

/** Returns what is logged of the request line. An address with a host may have a password, as in http://user:password@host/. */
function pathOf(url: string): string {
  if (!url.startsWith('/')) return url === '*' ? url : '(not a path)';
  const queryAt = url.indexOf('?');
  return url.slice(0, Math.min(queryAt < 0 ? url.length : queryAt, maxPathLength));
}
