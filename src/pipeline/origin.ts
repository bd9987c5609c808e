import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, errorKind } from '../errors.ts';

export interface OriginRules {
  /** `host[:port]`, lower case; empty: any. */
  readonly allowedHosts: readonly string[];
  /** Besides the request's own, lower case. */
  readonly allowedOrigins: readonly string[];
}

/**
 * Refuses (421) a Host that is not this service's: a page of another site whose name was made to resolve to this
 * address ("DNS rebinding") is to the browser on the same origin as this service, and only its Host gives it away.
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
 * Refuses (403) what a browser sends on behalf of a page of another site or origin; a notebook is such a page. Browsers
 * say where a request comes from with Origin (every POST and DELETE, and whatever a script asks of another origin) and
 * Sec-Fetch-Site (https and loopback). Both are believed, because no page can forge them. The latter comes first: it is the
 * browser's own judgement, and stays right behind a gateway that sends another Host on. Of the requests of other sites
 * only a link that is followed at the top of a window may pass, because it changes nothing.
 *
 * Who sends neither header is no browser of these years and passes, with a cookie, too: programs use cookies (curl -b),
 * and an old browser cannot send a foreign JSON body or a DELETE without a preflight, which is never granted.
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
  // An encrypted page and its unencrypted namesake are not the same: anybody on the way can write the latter.
  const encrypted =
    String(headers['x-forwarded-proto'] ?? '')
      .split(',')[0]
      ?.trim() === 'https';
  if (encrypted && from.protocol !== 'https:') return false;
  // Parsed with the origin's scheme, so that a default port may be written or left out.
  return URL.parse(`${from.protocol}//${headers.host}`)?.host === from.host;
}

function foreign(origin: string): ApiError {
  return new ApiError(errorKind.forbidden, `Requests from ${origin.slice(0, 200)} are not allowed.`, {
    detail:
      'From a browser, only pages of this service may use it. An administrator can allow an origin with request.allowed_origins.',
  });
}
