import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ForgeUser, Records } from './records.ts';

/** An answer other than success, in GitLab's own shape: `{"message":"404 Project Not Found"}`. */
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
/** GitLab says why in its own words, without the status before them. */
export const refused = (status: number, message: string) => new HttpError(status, { message });
export const unauthorized = () => new HttpError(401, { message: '401 Unauthorized' });
export const forbidden = () => new HttpError(403, { message: '403 Forbidden' });

export interface Target {
  /** Decoded one by one, so that `%2F` inside a segment stays inside it. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** The request's path and query. Throws HttpError 400 for percent-encoding that is none. */
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

/** The caller of an API request; undefined is anonymous. Throws HttpError 401 for a token that is not (or no longer) valid. */
export function apiCaller(request: IncomingMessage, records: Records): ForgeUser | undefined {
  const bearer = /^Bearer +(.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  const header = request.headers['private-token'];
  const token = bearer ?? (typeof header === 'string' ? header : undefined);
  if (token === undefined) return undefined;
  const user = records.userOfToken(token.trim());
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
 * The caller of a git request: the token is the password, the user name does not matter (`oauth2` by convention). One
 * that reads a single project is as good as none here; what it opens has been decided before.
 */
export function gitCaller(request: IncomingMessage, records: Records): ForgeUser | 'anonymous' | 'refused' {
  const { authorization } = request.headers;
  if (authorization === undefined) return 'anonymous';
  const user = records.userOfToken(basicPassword(authorization) ?? '');
  if (user === 'reader') return 'anonymous';
  return user === 'unknown' || user === 'expired' ? 'refused' : user;
}

/** The password of Basic credentials; undefined for any other header. */
export function basicPassword(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined ? undefined : /^[^:]*:(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}

const common = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    ...common,
    'Content-Type': 'application/json',
    'Content-Length': bytes.length,
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

/** Never HTML: names and descriptions come from people, and the forge shares its origin with the service's pages. */
export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  const bytes = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    ...common,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': bytes.length,
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : bytes);
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly headers: Record<string, string>;
}

/** Which page is asked for, as GitLab reads it. */
export const pageOf = (query: URLSearchParams): { perPage: number; page: number } => ({
  perPage: Math.min(100, positive(query, 'per_page', 20)),
  page: positive(query, 'page', 1),
});

/** One page of a list with GitLab's headers; `url` is the public address of the list without its query. */
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
