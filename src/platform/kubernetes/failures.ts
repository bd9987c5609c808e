import { DeadlineExceeded } from '../../lib/deadline.ts';
import { asObject, isObject, type JsonObject, parseJson } from '../../lib/json.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import { KubernetesError, KubernetesUnavailable, storageFull } from './types.ts';

/** The response is larger than the limit that the caller has set. */
export class ResponseTooLarge extends KubernetesUnavailable {
  constructor(call: string, limitBytes: number) {
    super(`${call}: the Kubernetes API sent a response of more than ${limitBytes} bytes`);
  }
}

/** Texts for error messages, by the error code of Node.js or undici. The text follows "the Kubernetes API". */
const descriptions: Record<string, string> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'broke the connection',
  EPIPE: 'broke the connection',
  UND_ERR_SOCKET: 'broke the connection',
  UND_ERR_DESTROYED: 'client was closed',
  UND_ERR_CLOSED: 'client was closed',
  UND_ERR_CONNECT_TIMEOUT: 'could not be reached in time',
  ETIMEDOUT: 'could not be reached in time',
  EHOSTUNREACH: 'could not be reached',
  ENETUNREACH: 'could not be reached',
  ENOTFOUND: 'has a host name that does not resolve',
  EAI_AGAIN: 'has a host name that does not resolve at the moment',
};

function codeOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code;
  }
  return undefined;
}

/** Returns whether the connection broke. An idle connection may break at any time, so the caller can retry a read. */
export function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error) ?? '');
}

/** Returns the error for a call without a response. The message contains no URL, header or body. */
export function unavailable(call: string, error: unknown): KubernetesUnavailable {
  if (error instanceof KubernetesUnavailable) return error;
  if (error instanceof DeadlineExceeded || (error instanceof Error && error.name === 'TimeoutError')) {
    return new KubernetesUnavailable(`${call}: the Kubernetes API did not respond in time`, { cause: error });
  }
  const code = codeOf(error);
  const what =
    (code && descriptions[code]) ??
    (code && /CERT|TLS|SSL/.test(code) ? `has a certificate that is not trusted (${code})` : undefined) ??
    (error instanceof Error && error.name === 'AbortError' ? 'call was aborted' : 'call failed');
  return new KubernetesUnavailable(`${call}: the Kubernetes API ${what}`, { cause: error });
}

/**
 * Returns the error for a response that is not 2xx. A response without a Status object comes from a proxy or a load balancer
 * and results in KubernetesUnavailable. The error contains the message of a Status object only for 403: messages of admission
 * (quota, limits, policy) and RBAC do not quote the object that was sent. Other messages may quote it, with its credentials.
 */
export function errorOfResponse(call: string, status: number, retryAfter: string | undefined, text: string): Error {
  if (status === 404 && text.trim() === '404 page not found') {
    return new KubernetesError(404, 'NoSuchApi', `${call}: the Kubernetes API does not serve this kind of resource`);
  }
  const body = asObject(parseJson(text));
  const isStatus = body?.['kind'] === 'Status';
  // An overloaded API server responds with 429 in plain text, before it reads the request.
  if (status < 400 || (!isStatus && status !== 429)) {
    return new KubernetesUnavailable(`${call}: the Kubernetes API responded with ${status} and no Status object`);
  }
  const named = isStatus && typeof body['reason'] === 'string' ? body['reason'] : '';
  const reason = isStorageFull(body) ? storageFull : named || (status === 429 ? 'TooManyRequests' : 'Unknown');
  const seconds = isStatus ? asObject(body['details'])?.['retryAfterSeconds'] : undefined;
  return new KubernetesError(
    status,
    reason,
    `${call}: the Kubernetes API responded with ${status} ${reason}${isStatus ? explanation(status, body) : ''}`,
    readRetryAfter(retryAfter) ?? (typeof seconds === 'number' ? seconds : undefined),
  );
}

function isStorageFull(body: JsonObject | undefined): boolean {
  const message = typeof body?.['message'] === 'string' ? body['message'] : '';
  return /^etcdserver: (mvcc: database space exceeded|no space)/.test(message);
}

function explanation(status: number, body: JsonObject): string {
  if (status === 403 && typeof body['message'] === 'string') return `: ${oneLine(body['message'], 500)}`;
  const causes = asObject(body['details'])?.['causes'];
  const fields = (Array.isArray(causes) ? causes : [])
    .filter(isObject)
    .slice(0, 5)
    .map(({ field, reason }) => `${String(field)}: ${String(reason)}`);
  return fields.length > 0 ? ` (${oneLine(fields.join(', '), 500)})` : '';
}

/** Returns text of another program for use in a message, with spaces for control characters, and cut at `maxLength`. */
export function oneLine(text: string, maxLength: number): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
