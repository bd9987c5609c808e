import type { Config, PresentationConfig } from '../../config/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';

/** Returns the URL of the session, with the token of an anonymous session, so only its owner may receive it. */
export function sessionUrl(session: Session, config: PresentationConfig): string {
  const { token } = session;
  return `${sessionAddress(session, config)}${token ? `?token=${encodeURIComponent(token)}` : ''}`;
}

/** Returns the URL of the session without the token and without a slash at the end. */
export function sessionAddress(
  { name, routing }: Session,
  { sessions: { ingress } }: Pick<Config, 'sessions'>,
): string {
  const { host, path, isTls } = routing;
  const isSecure = host === undefined ? ingress.tls_secret !== null : isTls;
  const where = (path ?? sessionPath(name)).replace(/\/+$/, '');
  return `${isSecure ? 'https' : 'http'}://${host ?? ingress.host}${where}`;
}
