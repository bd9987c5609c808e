import type { ServerResponse } from 'node:http';
import type { StatusError } from '../../cluster.ts';
import { sendBody } from '../../http/responses.ts';
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

/** Sends an object, as JSON text. */
export function sendObject(res: ServerResponse, code: number, json: string): void {
  sendBody(res, code, json, { 'Content-Type': 'application/json' });
}

/** Sends a Status. If the headers of the response were already sent, closes the connection instead. */
export function sendFailure(res: ServerResponse, error: StatusError): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const retryAfter = at(error.details, 'retryAfterSeconds');
  if (retryAfter !== undefined) res.setHeader('retry-after', String(retryAfter));
  if (error.code === 401) res.setHeader('www-authenticate', 'Bearer');
  sendObject(res, error.code, JSON.stringify(statusOf(error)));
}
