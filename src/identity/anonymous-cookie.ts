import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { stringifySetCookie } from 'cookie';

export const cookieName = 'notebook-sessions-anonymous';
const version = 'v1';

export interface AnonymousCookie {
  /** Returns a new id (128 random bits) and the Set-Cookie header for it. */
  issue(secure: boolean): { id: string; setCookie: string };
  /**
   * Returns the id in a request's Cookie header, `none` if the header has no cookie of this name, or `invalid` if each such
   * cookie has expired or has another signature. Tries all cookies of the name, because a page on another port of the host
   * can set a second one. `renewal` is a Set-Cookie header with the same id; it is set after half of the cookie's lifetime.
   * `expiresAt` is in milliseconds since the epoch.
   */
  read(
    cookieHeader: string | undefined,
    secure: boolean,
  ): { id: string; renewal: string | undefined; expiresAt: number } | 'none' | 'invalid';
}

/**
 * Returns the cookie of anonymous users: an id and its expiry, signed with HMAC-SHA256, so that no caller can choose an id.
 * HttpOnly hides it from scripts. SameSite is Lax and not Strict: with Strict, a link from another site would replace the
 * user by a new one; the origin of requests that change something is checked separately. The path is the prefix of the
 * service, so that sessions on the same host do not get the cookie.
 */
export function createAnonymousCookie(options: {
  /** At least 32 bytes. */
  secret: string | Buffer;
  path: string;
  maxAgeSeconds: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
}): AnonymousCookie {
  const { path, maxAgeSeconds, now = Date.now } = options;
  // The key is derived, because the secret may sign other data. It is a key object, because raw bytes would be imported for
  // each signature, which is 5 times slower.
  const key = createSecretKey(createHmac('sha256', options.secret).update('anonymous cookie').digest());

  const sign = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest();
  const make = (id: string, secure: boolean): string => {
    const payload = `${version}.${id}.${Math.floor(now() / 1000) + maxAgeSeconds}`;
    const value = `${payload}.${sign(payload).toString('base64url')}`;
    const attributes = { path, maxAge: maxAgeSeconds, httpOnly: true, sameSite: 'lax', secure } as const;
    return stringifySetCookie({ name: cookieName, value, ...attributes });
  };

  return {
    issue(secure) {
      const id = `anon-${randomBytes(16).toString('hex')}`;
      return { id, setCookie: make(id, secure) };
    },
    read(cookieHeader, secure) {
      const values = valuesIn(cookieHeader ?? '');
      if (values.length === 0) return 'none';
      const found = values.map(verified).find((each) => each !== undefined);
      if (!found) return 'invalid';
      const renewal = found.left < maxAgeSeconds / 2 ? make(found.id, secure) : undefined;
      return { id: found.id, renewal, expiresAt: now() + found.left * 1000 };
    },
  };

  function verified(value: string): { id: string; left: number } | undefined {
    const [, payload, id, expiry, signature] =
      /^(v1\.(anon-[0-9a-f]{32})\.(\d{1,12}))\.([A-Za-z0-9_-]{43})$/.exec(value) ?? [];
    if (!payload || !id || !signature) return undefined;
    // Compared as bytes, because the last character of base64 has unused bits.
    if (!timingSafeEqual(Buffer.from(signature, 'base64url'), sign(payload))) return undefined;
    const left = Number(expiry) - now() / 1000;
    return left > 0 ? { id, left } : undefined;
  }
}

/** Returns the values of all cookies of the name. */
function valuesIn(cookieHeader: string): string[] {
  return cookieHeader
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1));
}
