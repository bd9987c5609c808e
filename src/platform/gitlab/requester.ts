import { createRequesterFn, type RequesterType, type ResourceOptions } from '@gitbeaker/requester-utils';
import type { Logger } from 'pino';
import type { Deadline } from '../../lib/deadline.ts';
import { asObject } from '../../lib/json.ts';
import { sleep } from '../../lib/sleep.ts';
import { OutboundFailure, type OutboundHttp, type OutboundResponse } from '../outbound-http/types.ts';
import { minimumAttemptMs, type RateLimiter } from './rate-limiter.ts';
import { bodyOf, isTemporary, temporaryError } from './responses.ts';
import { GitLabUnavailable } from './types.ts';

export interface RequesterOptions {
  readonly http: OutboundHttp;
  readonly log: Logger;
  /** Milliseconds for one attempt, inside the caller's deadline. */
  readonly requestTimeoutMs: number;
  /** A larger response is an error. */
  readonly maxResponseBytes: number;
  readonly limiter: RateLimiter;
}

/** The user on whose behalf requests are sent. */
export interface Caller {
  readonly token: string | null;
  /** Identifies the token in the rate limiter. */
  readonly key: string;
}

/** One request to GitLab, all attempts included. */
interface GitLabRequest {
  readonly method: 'GET' | 'DELETE';
  readonly url: URL;
  /** The address of the API; redirects to any other address are refused, because the token would go there. */
  readonly apiUrl: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: Caller;
  readonly deadline: Deadline;
}

/** GitLab redirects the API path of a renamed project once; more than a few redirects are a loop. */
const maxRedirects = 3;
/** Milliseconds before the second attempt, if the response does not name a time; doubled for each further attempt. */
const firstRetryMs = 200;
/** Maximum number of attempts after a 429, which means that GitLab has not processed the request. */
const maxLimitedAttempts = 8;
/** Maximum number of attempts after any other temporary failure: GitLab may have processed the request. */
const maxTemporaryAttempts = 2;

/**
 * Returns the function that sends all requests of a gitbeaker resource, through the rate limiter and `http`. Replaces
 * the requester of gitbeaker, which retries ten times within 266 ms, follows redirects to any host, ignores deadlines
 * and reads bodies of any size. Throws GitLabNotFound, GitLabUnauthorized, GitLabUnavailable or GitLabRefused.
 */
export function createRequester(
  options: RequesterOptions,
  caller: Caller,
  deadline: Deadline,
): (resource: ResourceOptions) => RequesterType {
  return createRequesterFn(
    (_resource, request) => Promise.resolve(request),
    async (endpoint, { prefixUrl, searchParams, method, headers } = {}) => {
      const apiUrl = new URL(`${String(prefixUrl).replace(/\/+$/, '')}/`);
      const url = new URL(endpoint, apiUrl);
      url.search = typeof searchParams === 'string' ? searchParams : '';
      const request: GitLabRequest = {
        method: method === 'DELETE' ? method : 'GET',
        url,
        apiUrl,
        headers: { ...stringMembers(headers), accept: 'application/json' },
        caller,
        deadline,
      };
      const response = await sendWithRetries(options, request);
      const isRead = request.method === 'GET';
      return {
        body: bodyOf(response, { host: url.host, token: caller.token, isRead }),
        headers: { ...response.headers },
        status: response.status,
      };
    },
  );
}

function stringMembers(headers: unknown): Record<string, string> {
  const members = Object.entries(asObject(headers) ?? {});
  return Object.fromEntries(members.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}

/** Sends a request, and sends a read again after a temporary failure if the deadline allows the wait. */
async function sendWithRetries(options: RequesterOptions, request: GitLabRequest): Promise<OutboundResponse> {
  const { method, url, deadline } = request;
  for (let attempt = 1; ; attempt++) {
    const result = await sendOnce(options, request);
    if (!(result instanceof AttemptFailure)) return result;
    const { error, maxAttempts } = result;
    options.log.warn({ err: error, host: url.host, attempt }, 'a request to GitLab failed');
    const namedMs = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1000;
    const waitMs = namedMs ?? firstRetryMs * 2 ** (attempt - 1);
    const mayRetry = method === 'GET' && attempt < maxAttempts && !deadline.expired;
    if (!mayRetry || deadline.remaining() < waitMs + minimumAttemptMs) throw error;
    // The rate limiter waits for a time that GitLab names, because other requests must wait for it, too.
    if (namedMs === undefined) await sleep(waitMs, deadline.signal);
    if (deadline.expired) throw error;
  }
}

class AttemptFailure {
  readonly error: GitLabUnavailable;
  /** Maximum number of attempts of a read, the first one included. */
  readonly maxAttempts: number;
  constructor(error: GitLabUnavailable, maxAttempts = 1) {
    this.error = error;
    this.maxAttempts = maxAttempts;
  }
}

async function sendOnce(options: RequesterOptions, request: GitLabRequest): Promise<OutboundResponse | AttemptFailure> {
  const { method, url, caller, deadline } = request;
  const permit = await options.limiter.acquire(url.host, caller.key, deadline);
  const startedAt = performance.now();
  const result = await exchange(options, request);
  if (result instanceof AttemptFailure) {
    permit.release();
    return result;
  }
  permit.release(result);
  const { status } = result;
  if (isTemporary(status)) {
    return new AttemptFailure(
      temporaryError(result, url.host, caller.token),
      status === 429 ? maxLimitedAttempts : maxTemporaryAttempts,
    );
  }
  if (method !== 'GET' && status >= 300 && status < 400) {
    return new AttemptFailure(
      new GitLabUnavailable(`GitLab at ${url.host} redirects a request that changes something`),
    );
  }
  const ms = Math.round(performance.now() - startedAt);
  options.log.debug({ method, host: url.host, status, ms }, 'GitLab responded');
  return result;
}

/** Never rejects. */
async function exchange(options: RequesterOptions, request: GitLabRequest): Promise<OutboundResponse | AttemptFailure> {
  const { method, url, apiUrl, headers, deadline } = request;
  const attempt = deadline.within(options.requestTimeoutMs);
  try {
    return await options.http.request(url, {
      target: 'gitlab',
      method,
      headers,
      deadline: attempt,
      maxBytes: options.maxResponseBytes,
      redirects: method === 'GET' ? maxRedirects : 0,
      redirectsWithin: apiUrl,
    });
  } catch (cause) {
    if (attempt.expired) {
      return new AttemptFailure(new GitLabUnavailable(`GitLab at ${url.host} did not respond in time`, { cause }));
    }
    return failureOf(cause, url);
  }
}

function failureOf(cause: unknown, { host }: URL): AttemptFailure {
  const what = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof OutboundFailure && cause.reason === 'unreachable') {
    return new AttemptFailure(
      new GitLabUnavailable(`GitLab cannot be reached: ${what}`, { cause }),
      maxTemporaryAttempts,
    );
  }
  const isRedirect = cause instanceof OutboundFailure && cause.reason === 'redirect-refused';
  const hint = isRedirect ? ': is its address correct, or does a sign-in page stand before it?' : '';
  return new AttemptFailure(new GitLabUnavailable(`GitLab at ${host} is not usable: ${what}${hint}`, { cause }));
}
