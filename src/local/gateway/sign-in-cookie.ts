import type { IncomingMessage } from 'node:http';
import { stringifySetCookie } from 'cookie';
import type { Logger } from 'pino';
import { readCookies } from '../http/headers.ts';
import { osUserOf } from '../http/peer.ts';
import { type Browser, type Browsers, comesFrom } from './browsers.ts';
import type { LocalUser } from './users.ts';

export interface SignInCookie {
  /**
   * Returns the browser; undefined without a valid cookie, and `another user` for the cookie of another operating-system user.
   */
  read(req: IncomingMessage, origin: string): Browser | 'another user' | undefined;
  /** Returns a Set-Cookie header for a browser at that origin; if `value` is undefined, the header deletes the cookie. */
  set(value: string | undefined, origin: string): string;
}

const maxWarnings = 1000;

/**
 * Returns the name of the cookie at an origin. It contains the port, because all ports of a host share their cookies and
 * there may be several platforms. With TLS, the prefix ensures that no other host has set the cookie.
 */
export function signInCookieName(origin: string): string {
  const { protocol, port } = new URL(origin);
  const name = 'notebook-sessions-gateway';
  return protocol === 'https:' ? `__Host-${name}` : `${name}-${port || '80'}`;
}

/**
 * The cookie is SameSite=Lax, not Strict: a session, which has another site, redirects the browser to the pages, and with
 * Strict the browser would not send the cookie there. `sameOriginOnly` rejects the requests that Strict would have excluded.
 */
export function createSignInCookie(options: {
  browsers: Browsers;
  owner: LocalUser;
  log: Logger;
  now: () => number;
}): SignInCookie {
  const { browsers, owner, log, now } = options;
  const warned = new Set<string>();

  function warnOnce(browser: Browser, osUser: number | null): void {
    const key = `${browser.id} ${osUser}`;
    if (warned.has(key) || warned.size >= maxWarnings) return;
    warned.add(key);
    log.warn({ osUser, signedInBy: browser.osUser }, 'another user of this machine sent a sign-in cookie');
  }

  return {
    read(req, origin) {
      const cookieName = signInCookieName(origin);
      let isOfAnotherUser = false;
      // All values: a page on another port of the host can set a second cookie of that name.
      for (const { name, value } of readCookies(req.rawHeaders)) {
        const browser = name === cookieName ? browsers.byCookie(value) : undefined;
        if (!browser) continue;
        // The owner's name and e-mail address may have changed since the sign-in.
        if (comesFrom(browser, req))
          return browser.user?.username === owner.username ? { ...browser, user: owner } : browser;
        const osUser = osUserOf(req);
        if (osUser !== 'closed') warnOnce(browser, osUser);
        isOfAnotherUser = true;
      }
      return isOfAnotherUser ? 'another user' : undefined;
    },
    set(value, origin) {
      const expiresAt = value === undefined ? now() : (browsers.byCookie(value)?.expiresAt ?? now());
      return stringifySetCookie({
        name: signInCookieName(origin),
        value: value ?? '',
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        secure: origin.startsWith('https:'),
        maxAge: Math.floor((expiresAt - now()) / 1000),
      });
    },
  };
}
