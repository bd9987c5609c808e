import { createHmac, randomBytes } from 'node:crypto';

/** The key of every caller without a token. */
export const anonymousCaller = 'anonymous';

/**
 * Returns a function that makes the cache key of an access token, so that no token is stored: a keyed digest that has no
 * meaning outside of this process. All callers without a token (null) have one key.
 */
export function createCallerKey(): (token: string | null) => string {
  const secret = randomBytes(32);
  return (token) => (token === null ? anonymousCaller : createHmac('sha256', secret).update(token).digest('base64'));
}
