import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { bearerToken } from '../http/credentials.ts';
import type { ErrorResponse } from '../http/errors.ts';
import type { Origins } from '../origins/origins.ts';
import type { Browser } from './browsers.ts';
import type { SignInCookie } from './sign-in-cookie.ts';
import { type LocalUser, subjectOf, userNamed } from './users.ts';

/** A signed-in caller; `user` is null for an anonymous visitor. */
export interface Caller {
  readonly user: LocalUser | null;
  /** The service's `Renku-Auth-Anon-Id`, for a caller without a git token. */
  readonly anonymousId: string;
  /** undefined for a program with a Bearer token. */
  readonly browser: Browser | undefined;
}

export interface Callers {
  /** Returns the caller of a request to the origin of the pages, or the error if it is not signed in. */
  of(req: IncomingMessage, origins: Origins): { caller: Caller } | { error: ErrorResponse };
}

export const signInFirst: ErrorResponse = {
  status: 401,
  message: 'Sign in first.',
  detail:
    'In a browser: open the link that the terminal printed (the link works once, within ten minutes; for a new one, run ' +
    '"npm start" or curl -b cookies.txt -X POST /auth/links). In a program: send the cookie file that the terminal ' +
    'printed (curl -b cookies.txt), or "Authorization: Bearer" with a token of the forge.',
};

const cookieOfAnotherUser: ErrorResponse = {
  ...signInFirst,
  message: 'This sign-in belongs to another user of this machine.',
  detail: 'A sign-in works only for the operating-system user that signed in. Sign in with a new link.',
};

const invalidToken: ErrorResponse = {
  status: 401,
  message: 'The Bearer token is unknown or has expired.',
  detail: 'For a new one: curl -b cookies.txt -X POST /auth/tokens, with the cookie file that the terminal printed.',
  headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
};

/** Identifies callers by their Bearer token or, without one, by their cookie. */
export function createCallers(options: {
  cookie: SignInCookie;
  owner: LocalUser;
  userOfGitToken(token: string): string | undefined;
}): Callers {
  const { cookie, owner, userOfGitToken } = options;
  return {
    of(req, origins) {
      const token = bearerToken(req);
      if (token !== undefined) {
        const username = userOfGitToken(token);
        const user = username === undefined ? undefined : userNamed(username, owner);
        return user
          ? { caller: { user, anonymousId: anonymousIdOf(user), browser: undefined } }
          : { error: invalidToken };
      }
      const browser = cookie.read(req, origins.pages);
      if (browser === 'another user') return { error: cookieOfAnotherUser };
      if (!browser) return { error: signInFirst };
      const { user, anonymousId } = browser;
      return { caller: { user, anonymousId: user ? anonymousIdOf(user) : anonymousId, browser } };
    },
  };
}

/** Returns the id of a user without a git token: the same in all browsers of the user, so that they have the same sessions. */
function anonymousIdOf(user: LocalUser): string {
  return `anon-${createHash('sha256').update(subjectOf(user)).digest('hex').slice(0, 32)}`;
}
