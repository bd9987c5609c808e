import type { Request } from 'express';

/** Returns the path as the browser sent it: not decoded, without the query. */
export function pathOf(req: Pick<Request, 'originalUrl'>): string {
  return req.originalUrl.split('?', 1)[0] ?? '/';
}

/**
 * Returns the relative address of the service's prefix from the requested page: `./` or `../../`. A relative address is
 * right under any path of a gateway.
 */
export function rootOf(req: Pick<Request, 'originalUrl' | 'baseUrl'>): string {
  const depth = pathOf(req).slice(req.baseUrl.length).split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : './';
}

/**
 * Whether the user came here from this site, by typing the address, or from a bookmark or a terminal. false if the browser
 * does not say: it sends `Sec-Fetch-Site` only with https or on loopback.
 */
export function isOwnNavigation(req: Pick<Request, 'get'>): boolean {
  return ['same-origin', 'none'].includes(req.get('Sec-Fetch-Site') ?? '');
}
