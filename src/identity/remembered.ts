import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { header } from './refusal.ts';
import { type Claims, headerOf } from './registered.ts';

/** A key that the issuer has withdrawn is noticed after at most this. */
const rememberMs = 60_000;
const maxRemembered = 2_000;

const names = [header.accessToken, header.idToken, header.refreshToken, header.gitCredentials];

/**
 * Who a set of gateway headers was found to speak of, for a minute: a page asks every few seconds with the same ones,
 * and to hash them costs a fraction of checking them. Under their hash, so that no token is kept.
 */
export class RememberedUsers {
  readonly #users = new Map<string, { claims: Claims; until: number }>();

  keyOf(headers: IncomingHttpHeaders): string {
    // No header value holds a line break.
    return hash('sha256', names.map((name) => headerOf(headers, name) ?? '').join('\n'), 'base64');
  }

  get(key: string): Claims | undefined {
    const known = this.#users.get(key);
    return known && known.until > Date.now() ? known.claims : undefined;
  }

  /** `expiresAt`: of the ID token, milliseconds since the epoch. */
  put(key: string, claims: Claims, expiresAt: number): void {
    this.#users.delete(key);
    this.#users.set(key, { claims, until: Math.min(Date.now() + rememberMs, expiresAt) });
    const oldest = this.#users.keys().next();
    if (this.#users.size > maxRemembered && !oldest.done) this.#users.delete(oldest.value);
  }
}
