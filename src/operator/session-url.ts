import type { JupyterServer } from '../jupyter-server/types.ts';
import { InvalidJupyterServer } from './failure.ts';

export interface SessionUrl {
  scheme: 'http' | 'https';
  /** Host, followed by the port unless the port is the default of the scheme. */
  host: string;
  /** Host without the port, because the rule of an Ingress cannot have a port. */
  hostname: string;
  /** The path, with a leading slash and no trailing slash: `/` or `/a/b`. */
  path: string;
  /** The path to which `/api` can be appended: '' or `/a/b`. */
  prefix: string;
  /** The whole URL, without a trailing slash. */
  full: string;
}

/** Returns the session's public URL, from `spec.routing`. Throws InvalidJupyterServer. */
export function sessionUrl(server: JupyterServer): SessionUrl {
  const { host, path = '/', tls } = server.spec?.routing ?? {};
  if (!host) throw new InvalidJupyterServer('spec.routing.host is missing');
  const hostname = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)(:\d{1,5})?$/i.exec(host)?.[1];
  if (hostname === undefined) throw new InvalidJupyterServer('spec.routing.host is not a host name');
  if (/[\s"'`#?\\]|\p{Cc}/u.test(path)) {
    throw new InvalidJupyterServer('spec.routing.path contains a character that is not allowed in a path');
  }
  const prefix = path
    .split('/')
    .filter(Boolean)
    .map((segment) => `/${segment}`)
    .join('');
  const scheme = tls?.enabled ? 'https' : 'http';
  return { scheme, host, hostname, path: prefix || '/', prefix, full: `${scheme}://${host}${prefix}` };
}
