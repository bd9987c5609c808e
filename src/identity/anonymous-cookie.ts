import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';
import { stringifySetCookie } from 'cookie';

export const cookieName = 'notebook-sessions-anonymous';
const version = 'v1';

export interface AnonymousCookie {
  /** A new id (128 random bits) and the cookie that carries it. */
  issue(secure: boolean): { id: string; setCookie: string };
  /**
   * The id in a request's Cookie header: `none` without such a cookie, `refused` where none of that name was made here,
   * with this key and not too long ago. Several are tried one after the other, because a page on another port of the host
   * can set a second one. `renewal` carries the same id on once half of its time is over.
   */
  read(
    cookieHeader: string | undefined,
    secure: boolean,
  ): { id: string; renewal: string | undefined } | 'none' | 'refused';
}

/**
 * The identity of callers that have no other: an id with its expiry, signed (HMAC-SHA256), so that nobody can choose
 * one. HttpOnly keeps it from scripts. SameSite=Lax rather than Strict: a link from another site that opens a page here
 * must find the same user, or it would silently be replaced by a new one; requests that change something are checked
 * for their origin besides. Only this service's prefix gets it, so that a session on the same host never does.
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
  // A key of its own: the secret may sign other things. A key object is imported once, bytes at each use (5 times slower).
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
      if (!found) return 'refused';
      return { id: found.id, renewal: found.left < maxAgeSeconds / 2 ? make(found.id, secure) : undefined };
    },
  };

  function verified(value: string): { id: string; left: number } | undefined {
    const [, payload, id, expiry, signature] =
      /^(v1\.(anon-[0-9a-f]{32})\.(\d{1,12}))\.([A-Za-z0-9_-]{43})$/.exec(value) ?? [];
    if (!payload || !id || !signature) return undefined;
    // Compared as bytes, because the last character of base64 has bits that do not count.
    if (!timingSafeEqual(Buffer.from(signature, 'base64url'), sign(payload))) return undefined;
    const left = Number(expiry) - now() / 1000;
    return left > 0 ? { id, left } : undefined;
  }
}

/** Every cookie of our name, doubles included. */
function valuesIn(cookieHeader: string): string[] {
  return cookieHeader
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1));
}
