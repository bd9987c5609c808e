import type { IncomingMessage } from 'node:http';
import { stringifySetCookie } from 'cookie';
import type { Logger } from 'pino';
import { readCookies } from '../http/headers.ts';
import { osUserOf } from '../http/peer.ts';
import { type Browser, type Browsers, comesFrom } from './browsers.ts';
import type { LocalUser } from './users.ts';

export interface SignInCookie {
  /** undefined: not signed in. `stranger`: with a good cookie of another operating-system user's browser. */
  read(req: IncomingMessage, origin: string): Browser | 'stranger' | undefined;
  /** Set-Cookie for a browser at that origin; undefined takes the cookie away. */
  set(value: string | undefined, origin: string): string;
}

/**
 * The cookie's name at an origin. Cookies are shared by all ports of a host: two platforms must not sign each other's
 * users out. With TLS the prefix makes sure that no other host has set it.
 */
export function signInCookieName(origin: string): string {
  const { protocol, port } = new URL(origin);
  const name = 'notebook-sessions-gateway';
  return protocol === 'https:' ? `__Host-${name}` : `${name}-${port || '80'}`;
}

/**
 * The cookie is SameSite=Lax and not Strict: the way into a session leads from the sessions' site back to here, which is
 * another site, and with Strict every user would seem to be signed out there. What Strict would keep away besides is
 * refused by `sameOriginOnly`.
 */
export function createSignInCookie(options: {
  browsers: Browsers;
  owner: LocalUser;
  log: Logger;
  now: () => number;
}): SignInCookie {
  const { browsers, owner, log, now } = options;
  const told = new Set<string>();

  function tell(browser: Browser, osUser: number | null): void {
    const key = `${browser.id} ${osUser}`;
    if (told.has(key) || told.size >= 1000) return;
    told.add(key);
    log.warn({ osUser, signedInBy: browser.osUser }, 'a sign-in cookie was sent by another user of this machine');
  }

  return {
    read(req, origin) {
      const cookieName = signInCookieName(origin);
      let stranger = false;
      // Every value: a page on another port of the host can set a second cookie of that name.
      for (const { name, value } of readCookies(req.rawHeaders)) {
        const browser = name === cookieName ? browsers.byCookie(value) : undefined;
        if (!browser) continue;
        // The owner's name and address may have changed since.
        if (comesFrom(browser, req))
          return browser.user?.username === owner.username ? { ...browser, user: owner } : browser;
        const osUser = osUserOf(req);
        if (osUser !== 'gone') tell(browser, osUser);
        stranger = true;
      }
      return stranger ? 'stranger' : undefined;
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
