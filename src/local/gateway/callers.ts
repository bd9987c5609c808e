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
  /** As the service's `Renku-Auth-Anon-Id` takes it, for a caller that the service cannot take for a registered user. */
  readonly anonymousId: string;
  /** undefined for a program with a Bearer token. */
  readonly browser: Browser | undefined;
}

export interface Callers {
  /** The caller of a request to the pages' site, or why there is none. */
  of(req: IncomingMessage, origins: Origins): { caller: Caller } | { problem: ErrorResponse };
}

export const signInFirst: ErrorResponse = {
  status: 401,
  message: 'Sign in first.',
  detail:
    'In a browser: open the link that the terminal printed (it works once, and for ten minutes; "npm start" prints a new ' +
    'one, and so does: curl -b cookies.txt -X POST /auth/links). In a program: send the cookie file that the terminal ' +
    'named (curl -b cookies.txt), or "Authorization: Bearer" with a token of the forge.',
};

const strangersCookie: ErrorResponse = {
  ...signInFirst,
  message: 'This sign-in was made by another user of this machine.',
  detail:
    'A sign-in works for the operating-system user whose browser or program has made it. Sign in with a new link.',
};

const unknownToken: ErrorResponse = {
  status: 401,
  message: 'The Bearer token is unknown or has expired.',
  detail: 'A new one: curl -b cookies.txt -X POST /auth/tokens, with the cookie file that the terminal named.',
  headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
};

/** By a Bearer token where there is one (a caller that sends credentials means to be that user), else by the cookie. */
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
          ? { caller: { user, anonymousId: withoutGitToken(user), browser: undefined } }
          : { problem: unknownToken };
      }
      const browser = cookie.read(req, origins.pages);
      if (browser === 'stranger') return { problem: strangersCookie };
      if (!browser) return { problem: signInFirst };
      const { user, anonymousId } = browser;
      return { caller: { user, anonymousId: user ? withoutGitToken(user) : anonymousId, browser } };
    },
  };
}

/** The same in every browser and program of the user, so that each finds the sessions of the others. */
function withoutGitToken(user: LocalUser): string {
  return `anon-${createHash('sha256').update(subjectOf(user)).digest('hex').slice(0, 32)}`;
}
