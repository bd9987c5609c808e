import type { ServerResponse } from 'node:http';
import type { StatusError } from '../../cluster.ts';
import { member } from '../json.ts';

/** The Status object that says what went wrong. */
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

/** Sends a whole body; JSON unless it says otherwise. */
export function send(res: ServerResponse, code: number, body: string | Buffer, contentType = 'application/json'): void {
  res.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-cache, private',
  });
  res.end(body);
}

/** Ends the response with a Status; a response that has begun can only be cut off. */
export function sendFailure(res: ServerResponse, error: StatusError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const retryAfter = member(error.details, 'retryAfterSeconds');
  if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter));
  if (error.code === 401) res.setHeader('www-authenticate', 'Bearer');
  send(res, error.code, JSON.stringify(statusOf(error)));
}

/** `Warning` headers, one text per warning, as kubectl prints them. */
export function addWarnings(res: ServerResponse, texts: readonly string[]): void {
  if (texts.length === 0) return;
  // A header holds neither line breaks nor characters outside latin-1, and names of fields are the sender's.
  const quoted = texts.slice(0, 50).map((text) => `299 - ${JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, '?'))}`);
  res.setHeader('warning', quoted.join(', ').slice(0, 4096));
}
