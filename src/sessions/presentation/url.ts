import type { Config } from '../../config/types.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { sessionPath } from '../manifest/input.ts';

/** Where the session is opened, with the token of an anonymous session, which is for its owner alone. */
export function sessionUrl(server: JupyterServer, config: Config): string {
  const token = server.spec?.auth?.token;
  return `${sessionAddress(server, config)}${token ? `?token=${encodeURIComponent(token)}` : ''}`;
}

/** The same without any credential; it does not end with a slash. */
export function sessionAddress(server: JupyterServer, { sessions: { ingress } }: Config): string {
  const { host, path, tls } = server.spec?.routing ?? {};
  const isSecure = host === undefined ? ingress.tls_secret !== null : tls?.enabled === true;
  const where = (path ?? sessionPath(server.metadata.name ?? '')).replace(/\/+$/, '');
  return `${isSecure ? 'https' : 'http'}://${host ?? ingress.host}${where}`;
}
