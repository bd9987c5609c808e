import { isObject, type JsonObject, parseJson } from '../../lib/json.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import type { OutboundResponse } from '../outbound-http/types.ts';
import { serverMessage } from '../server-message.ts';
import { GitLabRefused, GitLabUnauthorized, GitLabUnavailable } from './types.ts';

/**
 * The resource does not exist: GitLab responded with JSON and 404. A read also throws it for 403 without a reason (the
 * resource is hidden from the caller) and for 400 (the name is invalid for any resource).
 */
export class GitLabNotFound extends Error {
  override readonly name = 'GitLabNotFound';
}

type Body = JsonObject | JsonObject[] | null;

interface RequestFacts {
  readonly host: string;
  readonly token: string | null;
  /** The request changes nothing. */
  readonly isRead: boolean;
}

/** Returns whether a status is a temporary error, after which a read may be sent again. */
export const isTemporary = (status: number): boolean => [429, 502, 503, 504].includes(status);

/** Returns the error of a response with a temporary status. */
export function temporaryError(
  { status, headers, body }: OutboundResponse,
  host: string,
  token: string | null,
): GitLabUnavailable {
  const message =
    status === 429
      ? `GitLab at ${host} accepts no more requests for now (429)`
      : `GitLab at ${host} is temporarily unavailable (${status})`;
  const retryAfterSeconds = readRetryAfter(headers['retry-after']);
  return new GitLabUnavailable(message, { retryAfterSeconds, reason: serverMessage(jsonOf(body), status, token) });
}

/**
 * Returns the parsed body of a success. Throws GitLabNotFound, GitLabUnauthorized, GitLabRefused or GitLabUnavailable for
 * every other response.
 */
export function bodyOf(response: OutboundResponse, { host, token, isRead }: RequestFacts): Body {
  const { status } = response;
  if (status === 204) return null;
  const body = jsonOf(response.body);
  if (status >= 200 && status < 300) {
    if (body !== undefined) return body;
    throw new GitLabUnavailable(`${host} answered ${status} without JSON: is this the address of a GitLab?`);
  }
  const reason = serverMessage(body, status, token);
  if (status === 401 || (isObject(body) && body['error'] === 'insufficient_scope')) {
    if (token !== null) throw new GitLabUnauthorized(`GitLab at ${host} rejects the access token`, reason);
    // Without a token, a 401 only means that the resource is not public.
    throw new GitLabNotFound(`GitLab at ${host} shows this to signed-in users only`);
  }
  const message = `GitLab at ${host} answered ${status}`;
  // 451: the resource is unavailable to all callers for legal reasons. The response may have no JSON body.
  if (status === 451) throw new GitLabRefused(message, status, reason ?? 'This is unavailable for legal reasons.');
  // A 404 page of a load balancer does not mean that a project does not exist.
  if (body === undefined || status >= 500) throw new GitLabUnavailable(message, { reason });
  if (isRead && status === 403 && reason !== undefined) throw new GitLabRefused(message, status, reason);
  if (status === 404 || (isRead && (status === 403 || status === 400))) throw new GitLabNotFound(message);
  if (isRead) throw new GitLabUnavailable(message, { reason });
  throw new GitLabRefused(message, status, reason);
}

/** Returns the object or the list of objects that the body holds, or undefined if it holds anything else. */
function jsonOf(body: Buffer): JsonObject | JsonObject[] | undefined {
  const value = parseJson(body.toString('utf8'));
  return isObject(value) || Array.isArray(value) ? value : undefined;
}
