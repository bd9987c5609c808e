import type { JupyterServer } from '../jupyter-server/types.ts';
import { InvalidJupyterServer } from './problem.ts';

export interface SessionUrl {
  scheme: 'http' | 'https';
  /** As the browser sees it, with a port where there is one. */
  host: string;
  /** The DNS name alone: an Ingress rule knows no port. */
  hostname: string;
  /** `/` or `/a/b`: with a leading slash, without a trailing one. */
  path: string;
  /** To put before `/api`: '' or `/a/b`. */
  prefix: string;
  /** Without a trailing slash. */
  full: string;
}

/** Where a session answers, from `spec.routing`. Throws InvalidJupyterServer. */
export function sessionUrl(server: JupyterServer): SessionUrl {
  const { host, path = '/', tls } = server.spec?.routing ?? {};
  if (!host) throw new InvalidJupyterServer('spec.routing.host is missing');
  const hostname = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)(:\d{1,5})?$/i.exec(host)?.[1];
  if (hostname === undefined) throw new InvalidJupyterServer('spec.routing.host is no host name');
  if (/[\s"'`#?\\]|\p{Cc}/u.test(path)) {
    throw new InvalidJupyterServer('spec.routing.path holds a character that no path may hold');
  }
  const prefix = path
    .split('/')
    .filter(Boolean)
    .map((segment) => `/${segment}`)
    .join('');
  const scheme = tls?.enabled ? 'https' : 'http';
  return { scheme, host, hostname, path: prefix || '/', prefix, full: `${scheme}://${host}${prefix}` };
}
