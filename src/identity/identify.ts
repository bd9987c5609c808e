import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import { createAnonymousCookie } from './anonymous-cookie.ts';
import { createIdTokenReader } from './id-token.ts';
import { header, refused } from './refusal.ts';
import { headerOf, readClaims, readGitCredentials, readTokens, userOf } from './registered.ts';
import { RememberedUsers } from './remembered.ts';
import type { AnonymousUser, Identity, RegisteredUser } from './types.ts';

export interface Identified {
  identity: Identity;
  /** Value of a Set-Cookie header that belongs to the answer. */
  setCookie?: string;
}

export type Identify = (
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  deadline: Deadline,
) => Promise<Identified>;

export interface IdentityParts {
  config: Pick<Config, 'identity' | 'git' | 'anonymous_sessions_enabled' | 'service_prefix'>;
  log: Logger;
}

/** Longer than any random id; a prefix, so that no id is a registered user's name by the look of it. */
const anonymousIdPattern = /^anon-[A-Za-z0-9_-]{1,123}$/;

/**
 * Says who sends a request, by the first of these that is there: the gateway's headers of a registered user, the
 * gateway's id of an anonymous one, our own cookie; and gives a new cookie to who has none of them. One that is there
 * and cannot be used is refused (ApiError 1401 that names it) and never replaced by the next: whoever sends credentials
 * means to be somebody. Without a gateway (`off`) its headers come from anybody and are ignored.
 */
export function createIdentity({ config, log }: IdentityParts): Identify {
  const { identity: settings, git } = config;
  const readIdToken = createIdTokenReader(settings);
  const remembered = new RememberedUsers();
  const cookie = createAnonymousCookie({
    secret: settings.cookie_secret ?? randomBytes(32),
    path: config.service_prefix || '/',
    maxAgeSeconds: settings.anonymous_cookie_max_age_seconds,
  });
  const behindGateway = settings.gateway !== 'off';
  log.debug({ gateway: settings.gateway, anonymous: config.anonymous_sessions_enabled }, 'identity is set up');

  async function registered(
    { headers }: Pick<IncomingMessage, 'headers'>,
    deadline: Deadline,
  ): Promise<RegisteredUser> {
    const key = remembered.keyOf(headers);
    const known = remembered.get(key);
    if (known) return userOf(known, headers, git.url);

    const tokens = readTokens(headers);
    if (Array.isArray(tokens)) throw refused('The gateway’s headers are not complete.', { fields: tokens });
    const { payload, expiresAt } = await readIdToken(tokens.idToken, deadline);
    const claims = readClaims(payload);
    const credentials = readGitCredentials(tokens.gitCredentials, git.url);
    if (Array.isArray(claims))
      throw refused('The ID token does not say who you are.', { fields: [...claims, ...listOf(credentials)] });
    if (Array.isArray(credentials)) {
      throw refused('There are no usable credentials for GitLab.', {
        detail: 'Sign out of the platform and in again, so that it gets new ones.',
        fields: credentials,
      });
    }
    remembered.put(key, claims, expiresAt);
    return userOf(claims, headers, git.url);
  }

  const anonymous = (source: AnonymousUser['source'], id: string): AnonymousUser => ({
    kind: 'anonymous',
    source,
    id,
    username: id,
    git: { url: git.url, token: null, tokenExpiresAt: 0 },
  });

  return async (request, deadline) => {
    const { headers } = request;
    if (behindGateway) {
      const names = [header.accessToken, header.idToken, header.gitCredentials];
      if (names.some((name) => headerOf(headers, name) !== undefined))
        return { identity: await registered(request, deadline) };
    }
    if (!config.anonymous_sessions_enabled) throw nobody(behindGateway);

    const anonymousId = behindGateway ? headerOf(headers, header.anonymousId) : undefined;
    if (anonymousId !== undefined) {
      if (anonymousIdPattern.test(anonymousId)) return { identity: anonymous('header', anonymousId) };
      throw refused('The id of the anonymous user cannot be used.', {
        detail: `${header.anonymousId} is "anon-" and up to 123 letters, digits, dashes and underscores.`,
        fields: [
          {
            path: `header.${header.anonymousId}`,
            message: 'must begin with anon- and hold letters, digits, - and _ only',
          },
        ],
      });
    }

    const secure = isEncrypted(request);
    const found = cookie.read(headers.cookie, secure);
    if (found === 'refused') {
      throw refused('Your anonymous sign-in is no longer valid.', {
        detail: 'There is a new one: try again to go on as a new anonymous user.',
        fields: [{ path: 'cookie', message: 'has run out or was not made by this service' }],
        // Not taken away: a cookie that a page on another port has set for a longer path would stay.
        headers: { 'Set-Cookie': cookie.issue(secure).setCookie },
      });
    }
    if (found === 'none') {
      const { id, setCookie } = cookie.issue(secure);
      return { identity: anonymous('cookie', id), setCookie };
    }
    return { identity: anonymous('cookie', found.id), ...(found.renewal ? { setCookie: found.renewal } : {}) };
  };
}

const listOf = <T, U>(value: T[] | U): T[] => (Array.isArray(value) ? value : []);

function nobody(behindGateway: boolean) {
  if (!behindGateway) {
    return refused('You are not signed in.', {
      detail: 'This service is set up without a gateway and without anonymous sessions, so nobody can use it.',
    });
  }
  const fields = [header.accessToken, header.idToken, header.gitCredentials].map((name) => ({
    path: `header.${name}`,
    message: 'is required',
  }));
  return refused('You are not signed in.', { fields });
}

/** TLS ends before this service as a rule; only whoever sends the request is harmed by a lie here. */
function isEncrypted({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  return headerOf(headers, 'X-Forwarded-Proto')?.split(',')[0]?.trim() === 'https' || 'encrypted' in socket;
}
