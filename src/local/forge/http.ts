import type { IncomingMessage } from 'node:http';
import { basicPassword, bearerToken } from '../http/credentials.ts';
import type { ForgeUser, Records } from './records.ts';

/** An error response in GitLab's format: `{"message":"404 Project Not Found"}`. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly body: Record<string, unknown>;
  constructor(status: number, body: Record<string, unknown>) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

export const notFound = (what: string) => new HttpError(404, { message: `404 ${what} Not Found` });
export const badRequest = (message: string) => new HttpError(400, { message: `400 Bad request - ${message}` });
/** An error with a message that does not begin with the status, as in GitLab. */
export const errorOf = (status: number, message: string) => new HttpError(status, { message });
export const unauthorized = () => new HttpError(401, { message: '401 Unauthorized' });
export const forbidden = () => new HttpError(403, { message: '403 Forbidden' });

export interface Target {
  /** Each segment is decoded separately, so that `%2F` does not split a segment. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Returns path and query of a request. Throws HttpError 400 for invalid percent-encoding. */
export function parseTarget(url: string): Target {
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  try {
    const segments = path
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
    return { segments, query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)) };
  } catch (error) {
    if (error instanceof URIError) throw badRequest('the path is not valid percent-encoding');
    throw error;
  }
}

/** Returns the token of an API request; undefined if there is none. */
export function apiToken(request: IncomingMessage): string | undefined {
  const header = request.headers['private-token'];
  return bearerToken(request) ?? (typeof header === 'string' ? header.trim() : undefined);
}

/** Returns the caller of an API request; undefined for an anonymous one. Throws HttpError 401 for an invalid token. */
export function apiCaller(request: IncomingMessage, records: Records): ForgeUser | undefined {
  const token = apiToken(request);
  if (token === undefined) return undefined;
  const user = records.userOfToken(token);
  if (user === 'unknown' || user === 'reader') throw unauthorized();
  if (user === 'expired') {
    throw new HttpError(401, {
      error: 'invalid_token',
      error_description: 'Token is expired. You can either do re-authorization or token refresh.',
    });
  }
  return user;
}

/**
 * Returns the caller of a git request, whose token is the password; the user name (`oauth2` by convention) is ignored. A
 * token that reads one project has no user; its access was checked before.
 */
export function gitCaller(request: IncomingMessage, records: Records): ForgeUser | 'anonymous' | 'invalid' {
  if (request.headers.authorization === undefined) return 'anonymous';
  const user = records.userOfToken(basicPassword(request) ?? '');
  if (user === 'reader') return 'anonymous';
  return user === 'unknown' || user === 'expired' ? 'invalid' : user;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly headers: Record<string, string>;
}

/** Returns the requested page, with GitLab's limits. */
export const pageOf = (query: URLSearchParams): { perPage: number; page: number } => ({
  perPage: Math.min(100, positive(query, 'per_page', 20)),
  page: positive(query, 'page', 1),
});

/** Returns one page of a list with GitLab's headers. `url` is the public address of the list, without its query. */
export function paginate<T>(all: readonly T[], query: URLSearchParams, url: string): Page<T> {
  const { perPage, page } = pageOf(query);
  const pages = Math.max(1, Math.ceil(all.length / perPage));
  const link = (number: number, relation: string) => {
    const parameters = new URLSearchParams(query);
    parameters.set('page', String(number));
    parameters.set('per_page', String(perPage));
    return `<${url}?${parameters}>; rel="${relation}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, 'prev')] : []),
    ...(page < pages ? [link(page + 1, 'next')] : []),
    link(1, 'first'),
    link(pages, 'last'),
  ];
  return {
    items: all.slice((page - 1) * perPage, page * perPage),
    headers: {
      Link: links.join(', '),
      'X-Page': String(page),
      'X-Per-Page': String(perPage),
      'X-Next-Page': page < pages ? String(page + 1) : '',
      'X-Prev-Page': page > 1 ? String(page - 1) : '',
      'X-Total': String(all.length),
      'X-Total-Pages': String(pages),
    },
  };
}

function positive(query: URLSearchParams, name: string, fallback: number): number {
  const value = query.get(name);
  if (value === null) return fallback;
  if (!/^\d{1,9}$/.test(value)) throw new HttpError(400, { error: `${name} is invalid` });
  return Math.max(1, Number(value));
}
