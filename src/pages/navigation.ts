import type { Request } from 'express';

/** The path as the browser sent it, undecoded, without the query. */
export function pathOf(req: Pick<Request, 'originalUrl'>): string {
  return req.originalUrl.split('?', 1)[0] ?? '/';
}

/**
 * The way from the requested page to the service's prefix: `./` or `../../`. Relative, so that it is right whatever
 * path a gateway publishes the service under.
 */
export function rootOf(req: Pick<Request, 'originalUrl' | 'baseUrl'>): string {
  const depth = pathOf(req).slice(req.baseUrl.length).split('/').length - 2;
  return depth > 0 ? '../'.repeat(depth) : './';
}

/**
 * Whether the person came here from this site or by typing, a bookmark or a terminal. Where a browser does not say
 * (`Sec-Fetch-Site` needs https or loopback), the page asks.
 */
export function isOwnNavigation(req: Pick<Request, 'get'>): boolean {
  return ['same-origin', 'none'].includes(req.get('Sec-Fetch-Site') ?? '');
}
