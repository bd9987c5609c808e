import type { IncomingMessage } from 'node:http';

/**
 * Returns why a request from a page of another origin is rejected; undefined for a request that may pass. `ownOrigin` is
 * the origin to which the request was sent.
 *
 * Cookies are not enough: browsers send them to every port of a host, and SameSite ignores ports. Every browser sends
 * Origin with WebSockets and with requests that change state, and current browsers send Sec-Fetch-Site with every request.
 * Programs such as curl and git send neither header and pass.
 */
export function crossOriginReason(req: IncomingMessage, ownOrigin: string): string | undefined {
  const origin = req.headers['origin'];
  if (origin !== undefined && origin !== ownOrigin) return `the request comes from a page of ${printable(origin)}`;
  const site = req.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  if (isTopLevelNavigation(req)) return undefined;
  return 'the request comes from a page of another site';
}

function printable(origin: string): string {
  return /^https?:\/\/[\w.:[\]-]{1,260}$/.test(origin) ? origin : 'an unnamed origin';
}

/** Returns true if a user opens a page with a link, the address bar or a reload; false for frames and scripts. */
export function isTopLevelNavigation(req: IncomingMessage): boolean {
  if (req.method !== 'GET') return false;
  const mode = req.headers['sec-fetch-mode'];
  if (mode === undefined) return prefersHtml(req);
  return mode === 'navigate' && req.headers['sec-fetch-dest'] === 'document';
}

/** Returns true for browsers. Programs such as curl accept any type and get JSON. */
export function prefersHtml(req: IncomingMessage): boolean {
  return /\btext\/html\b/i.test(req.headers['accept'] ?? '');
}

/** Returns true if a browser loads the page before its user opens it. Such a request must not invalidate a one-time code. */
export function isPrefetch(req: IncomingMessage): boolean {
  return /prefetch/i.test(`${req.headers['sec-purpose'] ?? ''} ${req.headers['purpose'] ?? ''}`);
}
