import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BoundedMap } from '../lib/bounded-map.ts';
import { header } from './refusal.ts';
import { type Claims, headerOf } from './registered.ts';

/** A withdrawn key of the issuer takes effect after this time. */
const ttlMs = 60_000;
const maxUsers = 2_000;

const names = [header.accessToken, header.idToken, header.refreshToken, header.gitCredentials];

export interface VerifiedUser {
  readonly claims: Claims;
  /** The end of the ID token, in milliseconds since the epoch; Infinity without an end. */
  readonly expiresAt: number;
}

/**
 * The users of verified gateway headers, for a minute: pages send the same headers every few seconds, and hashing them
 * costs a fraction of verifying them. Users are stored under the hash of the headers, so that no token is stored.
 */
export class VerifiedUsers {
  readonly #users = new BoundedMap<string, VerifiedUser>({ maxSize: maxUsers, ttlMs });

  /** Returns the key for a set of headers. */
  keyOf(headers: IncomingHttpHeaders): string {
    // No header value contains a line break.
    return hash('sha256', names.map((name) => headerOf(headers, name) ?? '').join('\n'), 'base64');
  }

  get(key: string): VerifiedUser | undefined {
    return this.#users.get(key);
  }

  set(key: string, user: VerifiedUser): void {
    this.#users.set(key, user, Math.min(ttlMs, user.expiresAt - Date.now()));
  }
}
