import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, errorKind } from '../errors.ts';

export interface OriginRules {
  /** `host[:port]` in lower case; if empty, any host is allowed. */
  readonly allowedHosts: readonly string[];
  /** Allowed in addition to the request's own origin; in lower case. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Throws ApiError 421 if the Host header does not name this service. In a DNS rebinding attack, the name of another site
 * resolves to this service's address; the browser then treats both as one origin, and only the Host header differs.
 */
export function checkHost(headers: IncomingHttpHeaders, rules: OriginRules): void {
  const host = headers.host?.toLowerCase();
  if (rules.allowedHosts.length === 0 || (host !== undefined && rules.allowedHosts.includes(host))) return;
  throw new ApiError(errorKind.misdirected, 'This service does not serve this host name.', {
    detail: 'An administrator can allow a name with request.allowed_hosts.',
    fields: [{ path: 'header.Host', message: 'is not a name of this service' }],
  });
}

/**
 * Throws ApiError 403 for a request that a browser sends for a page of another site or origin; a notebook is such a page.
 * Browsers name the source of a request in Origin (for every POST and DELETE, and for scripts of other origins) and in
 * Sec-Fetch-Site (with https and on loopback). No page can forge these headers. Sec-Fetch-Site is checked first, because it
 * is right even if a gateway changes the Host header. The only request of another site that is allowed is a link that
 * the user follows, because it changes nothing.
 *
 * Requests without both headers are allowed, with cookies too. They come from programs (curl -b) or from old browsers,
 * which cannot send JSON or DELETE to another origin without a preflight request, and no preflight request succeeds.
 */
export function checkOrigin(method: string, headers: IncomingHttpHeaders, rules: OriginRules): void {
  const { origin } = headers;
  if (origin !== undefined && rules.allowedOrigins.includes(origin.toLowerCase())) return;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  if (origin !== undefined && !isOwn(origin, headers)) throw foreign(origin);
  if (site === undefined || site === 'none') return;
  const followsLink =
    (method === 'GET' || method === 'HEAD') &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document';
  if (!followsLink) throw foreign(origin ?? 'another site');
}

function isOwn(origin: string, headers: IncomingHttpHeaders): boolean {
  const from = URL.parse(origin);
  if (!from || !/^https?:$/.test(from.protocol) || headers.host === undefined) return false;
  // A page loaded over http is another origin than the same page over https: the network can change its content.
  const encrypted =
    String(headers['x-forwarded-proto'] ?? '')
      .split(',')[0]
      ?.trim() === 'https';
  if (encrypted && from.protocol !== 'https:') return false;
  // Parsed with the origin's scheme, so that the default port of the scheme may be missing.
  return URL.parse(`${from.protocol}//${headers.host}`)?.host === from.host;
}

function foreign(origin: string): ApiError {
  return new ApiError(errorKind.forbidden, `Requests from ${origin.slice(0, 200)} are not allowed.`, {
    detail:
      'From a browser, only pages of this service may use it. An administrator can allow an origin with request.allowed_origins.',
  });
}
