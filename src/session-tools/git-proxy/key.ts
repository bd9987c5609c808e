import { createHash, timingSafeEqual } from 'node:crypto';
import { gitProxyUser } from '../../session-contract/git-proxy.ts';

/** User name of credentials that contain a whole value of the header Authorization. */
const wrappedUser = 'authorization';

/**
 * Returns the value of `Authorization` for the upstream that a request brings itself: the user's own credentials, or those that a
 * server of Git LFS gave for an upload or download. null if there are none, undefined if the request does not have the
 * proxy's key. The password is the key, or the key, a colon and the user's own password.
 */
export function readCredentials(authorization: string | undefined, key: string): string | null | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const [user, given, own] = parts(Buffer.from(encoded, 'base64').toString());
  if (!isEqual(given, key)) return undefined;
  if (own === undefined) return null;
  if (user === wrappedUser) return own;
  return basic(user, own);
}

/** Returns the three parts of `user:key:own`; the last one may contain colons, and is undefined without a second colon. */
function parts(text: string): [user: string, key: string, own: string | undefined] {
  const [user = '', key = '', ...own] = text.split(':');
  return [user, key, own.length === 0 ? undefined : own.join(':')];
}

/** Returns the header with which the proxy accepts a request and sends `authorization` to the upstream. */
export const wrapAuthorization = (authorization: string, key: string): string =>
  basic(wrappedUser, `${key}:${authorization}`);

export const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** Returns the header of a request without credentials for the upstream. */
export const keyHeader = (key: string): string => basic(gitProxyUser, key);

function isEqual(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
