import type { Request } from 'express';

/** Returns the path that the browser sent, not decoded and without the query. */
export function pathOf(req: Pick<Request, 'originalUrl'>): string {
  return req.originalUrl.split('?', 1)[0] ?? '/';
}

/**
 * Returns the URL of the service's prefix relative to the requested page: `./` or `../../`. A relative URL is valid for any
 * path prefix of a gateway.
 */
export function rootOf(req: Pick<Request, 'originalUrl' | 'baseUrl'>): string {
  const depth = pathOf(req).slice(req.baseUrl.length).split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : './';
}

/**
 * Returns whether the user followed a link of this site, typed the URL, or used a bookmark or a terminal. Returns false if
 * unknown: browsers send `Sec-Fetch-Site` only with https or on loopback.
 */
export function isOwnNavigation(req: Pick<Request, 'get'>): boolean {
  return ['same-origin', 'none'].includes(req.get('Sec-Fetch-Site') ?? '');
}
