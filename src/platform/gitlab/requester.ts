import { setTimeout as delay } from 'node:timers/promises';
import { createRequesterFn, type RequesterType, type ResourceOptions } from '@gitbeaker/requester-utils';
import type { Logger } from 'pino';
import type { Deadline } from '../../lib/deadline.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import { toldReason } from '../told-reason.ts';
import type { Pace } from './pace.ts';
import { GitLabRefused, GitLabUnauthorized, GitLabUnavailable } from './types.ts';

/**
 * GitLab says, with its own JSON, that something is not there (404), or for a read also that it is not for this caller
 * (403 without a reason) or can have no such name (400).
 */
export class GitLabNotFound extends Error {
  override readonly name = 'GitLabNotFound';
}

export interface RequesterOptions {
  readonly log: Logger;
  /** Milliseconds for one attempt, inside the caller's deadline. */
  readonly requestTimeoutMs: number;
  /** An answer larger than this is refused. */
  readonly maxResponseBytes: number;
  readonly pace: Pace;
}

/** Whose requests these are. */
export interface Caller {
  readonly token: string | null;
  /** Of the token, for taking turns. */
  readonly key: string;
}

/** GitLab redirects the API path of a renamed project once; more than a few hops is a loop. */
const maxRedirects = 3;
/** Wait before the second attempt when the answer does not name a time; it doubles from there. */
const defaultRetryMs = 200;
/** A wait is only worth it when this much of the deadline is left for the attempt after it. */
const minimumAttemptMs = 500;
/** A request that met a limit (429) was not worked on: it is sent again, this often, as long as the deadline allows. */
const limitedAttempts = 8;
/** One second attempt at most where nobody knows what GitLab has made of the first. */
const troubledAttempts = 2;
const passingStatuses = new Set([429, 502, 503, 504]);

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Replaces gitbeaker's own way to send requests, which retries 429 and 502 ten times within 266 ms, follows redirects
 * to anywhere, ignores deadlines and reads bodies of any size. Throws GitLabNotFound, GitLabUnauthorized,
 * GitLabUnavailable or GitLabRefused, never anything else.
 */
export function createRequester(
  options: RequesterOptions,
  caller: Caller,
  deadline: Deadline,
): (resource: ResourceOptions) => RequesterType {
  return createRequesterFn(
    (_resource, request) => Promise.resolve(request),
    async (endpoint, request = {}) => {
      const base = new URL(`${String(request['prefixUrl']).replace(/\/+$/, '')}/`);
      const url = new URL(endpoint, base);
      url.search = typeof request['searchParams'] === 'string' ? request['searchParams'] : '';
      const method = typeof request['method'] === 'string' ? request['method'] : 'GET';
      const headers = { ...(request['headers'] as Record<string, string> | undefined), accept: 'application/json' };
      const init: RequestInit = {
        method,
        headers,
        redirect: 'manual',
        ...(typeof request['body'] === 'string' && method !== 'GET' ? { body: request['body'] } : {}),
      };
      const answer = await sendPatiently(options, caller, base, url, init, deadline);
      return {
        body: interpret(answer, url, caller.token, method === 'GET'),
        headers: Object.fromEntries(answer.headers.entries()),
        status: answer.status,
      };
    },
  );
}

/**
 * Sends when GitLab takes it (`pace`), and again after what passes: reads only, after the time GitLab asks for, if the
 * deadline allows it.
 */
async function sendPatiently(
  options: RequesterOptions,
  caller: Caller,
  base: URL,
  url: URL,
  init: RequestInit,
  deadline: Deadline,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const sent = await sendInTurn(options, caller, base, url, init, deadline);
    if (!(sent instanceof GitLabUnavailable)) return sent;
    options.log.warn({ err: sent, host: url.host, attempt }, 'a request to GitLab failed');
    const attempts = sent.cause instanceof Limited ? limitedAttempts : troubledAttempts;
    const again = attempt < attempts && init.method === 'GET' && !(sent.cause instanceof FinalAnswer);
    const named = sent.retryAfterSeconds === undefined ? undefined : sent.retryAfterSeconds * 1000;
    const waitMs = named ?? defaultRetryMs * 2 ** (attempt - 1);
    if (!again || deadline.remaining() < waitMs + minimumAttemptMs || deadline.expired) throw sent;
    try {
      // Waits for a named time are the next turn's, which keeps others back, too.
      if (named === undefined) await delay(waitMs, undefined, { signal: deadline.signal });
    } catch {
      // The caller's deadline or the caller itself ended during the wait: the first failure is the one to tell.
      throw sent;
    }
  }
}

/** One attempt: an answer to be interpreted, or the failure that may pass. Throws what another attempt cannot mend. */
async function sendInTurn(
  options: RequesterOptions,
  caller: Caller,
  base: URL,
  url: URL,
  init: RequestInit,
  deadline: Deadline,
): Promise<Answer | GitLabUnavailable> {
  const turn = await options.pace.turn(url.host, caller.key, deadline);
  const started = performance.now();
  let answer: Answer | undefined;
  try {
    answer = await follow(options, base, url, init, deadline);
  } catch (error) {
    if (error instanceof GitLabUnavailable) return error;
    throw error;
  } finally {
    turn.end(answer && { ...answer, retryAfterSeconds: readRetryAfter(answer.headers.get('retry-after')) });
  }
  if (passingStatuses.has(answer.status)) return notNow(answer, url, caller.token);
  options.log.debug(
    { method: init.method, host: url.host, status: answer.status, ms: Math.round(performance.now() - started) },
    'GitLab answered',
  );
  return answer;
}

function notNow({ status, headers, text }: Answer, url: URL, token: string | null): GitLabUnavailable {
  const retryAfterSeconds = readRetryAfter(headers.get('retry-after'));
  const reason = toldReason(parseJson(text), status, token);
  if (status !== 429) {
    return new GitLabUnavailable(`GitLab at ${url.host} is not available (${status})`, { retryAfterSeconds, reason });
  }
  const message = `GitLab at ${url.host} refuses more requests for now (429)`;
  return new GitLabUnavailable(message, { retryAfterSeconds, reason, cause: new Limited(message) });
}

/** Marks a GitLabUnavailable of a request that was refused unseen. */
class Limited extends Error {
  override readonly name = 'Limited';
}

/** Marks a GitLabUnavailable that a second attempt would not change: a wrong address, a time-out, an answer too large. */
class FinalAnswer extends Error {
  override readonly name = 'FinalAnswer';
}

function final(message: string): GitLabUnavailable {
  return new GitLabUnavailable(message, { cause: new FinalAnswer(message) });
}

/** Sends one request and follows redirects, but only inside the same API: elsewhere would take the token along. */
async function follow(
  options: RequesterOptions,
  base: URL,
  start: URL,
  init: RequestInit,
  deadline: Deadline,
): Promise<Answer> {
  let url = start;
  for (let hops = 0; hops <= maxRedirects; hops++) {
    const answer = await send(options, url, init, deadline);
    if (answer.status < 300 || answer.status >= 400 || answer.status === 304) return answer;
    // GitLab redirects reads only, and what a change would do at another address is anybody's guess.
    if (init.method !== 'GET') throw final(`GitLab at ${url.host} redirects a request that changes something`);
    const location = answer.headers.get('location');
    const next = location ? URL.parse(location, url.href) : null;
    if (!next || next.origin !== base.origin || !next.pathname.startsWith(base.pathname)) {
      throw final(
        `GitLab at ${url.host} redirects to ${next ? `${next.origin}${next.pathname}` : 'nowhere'}, which is not its API: ` +
          'the configured address is wrong, or a sign-in page stands before it',
      );
    }
    url = next;
  }
  throw final(`GitLab at ${start.host} redirects in a circle`);
}

async function send(options: RequesterOptions, url: URL, init: RequestInit, deadline: Deadline): Promise<Answer> {
  const attempt = deadline.within(options.requestTimeoutMs);
  try {
    const response = await fetch(url.href, { ...init, signal: attempt.signal });
    const text = await readLimited(response, options.maxResponseBytes, url);
    return { status: response.status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof GitLabUnavailable) throw error;
    if (attempt.expired) throw final(`GitLab at ${url.host} did not answer in time`);
    const { cause } = error as { cause?: unknown };
    throw new GitLabUnavailable(`GitLab at ${url.host} cannot be reached${reason(cause)}`, { cause: error });
  }
}

/** The system's error code (ECONNREFUSED, ENOTFOUND, UND_ERR_SOCKET): it says what to look at and holds no secret. */
function reason(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? ` (${code})` : '';
}

async function readLimited(response: Response, limit: number, url: URL): Promise<string> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body, which closes the connection.
    if (size > limit) throw final(`GitLab at ${url.host} answered with more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The parsed body of a success; every other status becomes one of the four errors. */
function interpret(
  answer: Answer,
  url: URL,
  token: string | null,
  isRead: boolean,
): Record<string, unknown> | Record<string, unknown>[] | null {
  const { status } = answer;
  if (status === 204) return null;
  const body = parseJson(answer.text);
  if (status >= 200 && status < 300) {
    if (body === undefined) {
      throw new GitLabUnavailable(
        `${url.host} answered ${status} with something that is not JSON: is it the address of a GitLab?`,
      );
    }
    return body;
  }
  const reason = toldReason(body, status, token);
  if (status === 401 || isScopeError(body)) {
    if (token !== null) throw new GitLabUnauthorized(`GitLab at ${url.host} refuses the access token`, reason);
    // Without a token a 401 only means that the public may not see it.
    throw new GitLabNotFound(`GitLab at ${url.host} shows this to signed-in users only`);
  }
  const message = `GitLab at ${url.host} answered ${status}`;
  // It is there and is kept from everybody here: the status says it, with or without a body.
  if (status === 451) throw new GitLabRefused(message, status, reason ?? 'This is unavailable for legal reasons.');
  // A 404 page of a load balancer is not GitLab saying that a project does not exist.
  if (body === undefined || status >= 500) throw new GitLabUnavailable(message, { reason });
  if (isRead && status === 403 && reason !== undefined) throw new GitLabRefused(message, status, reason);
  if (status === 404 || (isRead && (status === 403 || status === 400))) throw new GitLabNotFound(message);
  if (isRead) throw new GitLabUnavailable(message, { reason });
  throw new GitLabRefused(message, status, reason);
}

function parseJson(text: string): Record<string, unknown> | Record<string, unknown>[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isScopeError(body: Record<string, unknown> | Record<string, unknown>[] | undefined): boolean {
  return body !== undefined && !Array.isArray(body) && body['error'] === 'insufficient_scope';
}
