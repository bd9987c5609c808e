import type { ServerResponse } from 'node:http';
import type { StatusError } from '../../cluster.ts';
import { at } from '../json.ts';

/** Returns the Status object for an error. */
export function statusOf(error: StatusError): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.code,
  };
}

/** Sends a complete response. `contentType` is JSON by default. */
export function send(res: ServerResponse, code: number, body: string | Buffer, contentType = 'application/json'): void {
  res.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, private',
  });
  res.end(body);
}

/** Sends a Status. A response whose headers were sent cannot carry a Status: its connection is closed. */
export function sendFailure(res: ServerResponse, error: StatusError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const retryAfter = at(error.details, 'retryAfterSeconds');
  if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter));
  if (error.code === 401) res.setHeader('www-authenticate', 'Bearer');
  send(res, error.code, JSON.stringify(statusOf(error)));
}
