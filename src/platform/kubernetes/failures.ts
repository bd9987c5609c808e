import { DeadlineExceeded } from '../../lib/deadline.ts';
import { KubernetesError, KubernetesUnavailable, storageFull } from './types.ts';

/** More bytes than the caller allowed; a list is asked again in smaller pages. */
export class AnswerTooLarge extends KubernetesUnavailable {
  constructor(call: string, limitBytes: number) {
    super(`${call}: the Kubernetes API answered with more than ${limitBytes} bytes`);
  }
}

const words: Record<string, string> = {
  ECONNREFUSED: 'refused the connection',
  ECONNRESET: 'broke the connection',
  EPIPE: 'broke the connection',
  UND_ERR_SOCKET: 'broke the connection',
  UND_ERR_DESTROYED: 'connection was closed by this program',
  UND_ERR_CLOSED: 'connection was closed by this program',
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

/** The connection broke under a request that may simply be sent again if it changes nothing (a stale keep-alive). */
export function isBrokenConnection(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error) ?? '');
}

/** What went wrong below HTTP, in words that hold no address, header or body. */
export function unavailable(call: string, error: unknown): KubernetesUnavailable {
  if (error instanceof KubernetesUnavailable) return error;
  if (error instanceof DeadlineExceeded || (error instanceof Error && error.name === 'TimeoutError')) {
    return new KubernetesUnavailable(`${call}: the Kubernetes API did not answer in time`, { cause: error });
  }
  const code = codeOf(error);
  const what =
    (code && words[code]) ??
    (code && /CERT|TLS|SSL/.test(code) ? `has a certificate that is not trusted (${code})` : undefined) ??
    (error instanceof Error && error.name === 'AbortError' ? 'call was given up' : 'call failed');
  return new KubernetesUnavailable(`${call}: the Kubernetes API ${what}`, { cause: error });
}

interface Status {
  kind?: unknown;
  reason?: unknown;
  message?: unknown;
  details?: { retryAfterSeconds?: unknown; causes?: { field?: unknown; reason?: unknown }[] };
}

/**
 * An answer that is not 2xx. Only a Status object counts as the API server's word; anything else comes from something
 * in between. Status messages are not passed on, because they may quote what was sent (a token, say), except for 403:
 * there admission (quota, limits, policy) and RBAC explain themselves without quoting the object.
 */
export function refusal(call: string, status: number, retryAfter: string | undefined, text: string): Error {
  if (status === 404 && text.trim() === '404 page not found') {
    return new KubernetesError(404, 'NoSuchApi', `${call}: the Kubernetes API does not serve this kind of resource`);
  }
  const body = parsed(text);
  const isStatus = body?.kind === 'Status';
  // An API server that has too much to do says so in plain text, before it knows what is asked.
  if (status < 400 || (!isStatus && status !== 429)) {
    return new KubernetesUnavailable(`${call}: the Kubernetes API answered ${status} without saying why`);
  }
  const named = isStatus && typeof body.reason === 'string' ? body.reason : '';
  const reason = isStorageFull(body) ? storageFull : named || (status === 429 ? 'TooManyRequests' : 'Unknown');
  const seconds = Number(retryAfter ?? (isStatus ? body.details?.retryAfterSeconds : undefined));
  return new KubernetesError(
    status,
    reason,
    `${call}: the Kubernetes API answered ${status} ${reason}${isStatus ? explanation(status, body) : ''}`,
    Number.isFinite(seconds) ? seconds : undefined,
  );
}

function isStorageFull(body: Status | undefined): boolean {
  const message = typeof body?.message === 'string' ? body.message : '';
  return /^etcdserver: (mvcc: database space exceeded|no space)/.test(message);
}

function explanation(status: number, body: Status): string {
  if (status === 403 && typeof body.message === 'string') return `: ${oneLine(body.message, 500)}`;
  const causes = Array.isArray(body.details?.causes) ? body.details.causes : [];
  const fields = causes.slice(0, 5).map(({ field, reason }) => `${String(field)}: ${String(reason)}`);
  return fields.length > 0 ? ` (${oneLine(fields.join(', '), 500)})` : '';
}

/** Text of somebody else's for a message: control characters become spaces, and it is cut. */
export function oneLine(text: string, maxLength: number): string {
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}

function parsed(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? (value as Status) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
