import type { IncomingMessage } from 'node:http';

/**
 * Why a request that comes from another origin's page is refused, or undefined where it is not. `ownOrigin` is the
 * origin that the request was sent to.
 *
 * Cookies alone do not tell: they are sent to every port of a host, and SameSite knows neither ports nor `localhost`
 * pages that navigate. Every browser sends Origin with what changes state and with WebSockets; today's send
 * Sec-Fetch-Site with everything. Programs such as curl and git send neither and are let through: what they send,
 * a person or a program of this machine has decided.
 */
export function foreignOrigin(req: IncomingMessage, ownOrigin: string): string | undefined {
  const origin = req.headers['origin'];
  if (origin !== undefined && origin !== ownOrigin) return `the request comes from a page of ${describe(origin)}`;
  const site = req.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  if (isTopLevelNavigation(req)) return undefined;
  return 'the request comes from a page of another site';
}

function describe(origin: string): string {
  return /^https?:\/\/[\w.:[\]-]{1,260}$/.test(origin) ? origin : 'an unnamed origin';
}

/** A person goes to a page: a link, the address bar, a reload; not a frame, a script or an image. */
export function isTopLevelNavigation(req: IncomingMessage): boolean {
  if (req.method !== 'GET') return false;
  const mode = req.headers['sec-fetch-mode'];
  if (mode === undefined) return prefersHtml(req);
  return mode === 'navigate' && req.headers['sec-fetch-dest'] === 'document';
}

/** The caller shows pages; curl and scripts, which accept anything, get JSON. */
export function prefersHtml(req: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(req.headers['accept'] ?? '');
}

/** A browser that fetches ahead of its user must not use up what works once. */
export function isPrefetch(req: IncomingMessage): boolean {
  return /prefetch/i.test(`${req.headers['sec-purpose'] ?? ''} ${req.headers['purpose'] ?? ''}`);
}

/** The token of an `Authorization: Bearer` header, whatever it looks like; undefined without one. */
export function bearerToken({ headers }: IncomingMessage): string | undefined {
  const [found, token = ''] = /^Bearer(?: +(.*))?$/is.exec(headers.authorization ?? '') ?? [];
  return found === undefined ? undefined : token.trim();
}
