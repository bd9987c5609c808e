import { createHmac, randomBytes } from 'node:crypto';

/**
 * Makes keys for what is kept per access token, without keeping the token: a keyed digest that means nothing outside of
 * this process. null is everybody who has no token.
 */
export function createCallerKey(): (token: string | null) => string {
  const secret = randomBytes(32);
  return (token) => (token === null ? 'anybody' : createHmac('sha256', secret).update(token).digest('base64'));
}
