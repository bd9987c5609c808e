import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Config } from '../config/types.ts';
import type { ApiError } from '../errors.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { OutboundHttp } from '../platform/outbound-http/types.ts';
import { createAnonymousCookie } from './anonymous-cookie.ts';
import { createIdTokenReader } from './id-token.ts';
import { header, unauthenticated } from './refusal.ts';
import { headerOf, readClaims, readGitCredentials, readTokens, userOf } from './registered.ts';
import type { AnonymousUser, Identity } from './types.ts';
import { VerifiedUsers } from './verified-users.ts';

export interface Identified {
  identity: Identity;
  /** The value of a Set-Cookie header for the response. */
  setCookie?: string;
  /** When the credentials of the request expire, in milliseconds since the epoch; undefined if they have no known end. */
  expiresAt?: number;
}

/** Returns the identity of the caller. Throws ApiError 1401 or 3000. */
export type Identify = (
  request: Pick<IncomingMessage, 'headers' | 'socket'>,
  deadline: Deadline,
) => Promise<Identified>;

export interface IdentityParts {
  config: Pick<Config, 'identity' | 'git' | 'anonymous_sessions_enabled' | 'service_prefix'>;
  /** Must exempt the host of `identity.jwks_url` from its address check. */
  http: OutboundHttp;
  log: Logger;
}

/** The prefix distinguishes anonymous ids from the names of registered users. */
const anonymousIdPattern = /^anon-[A-Za-z0-9_-]{1,123}$/;

/**
 * Returns the function that identifies callers, by the first of these that a request has: the gateway's headers of a
 * registered user, the gateway's id of an anonymous user, the cookie of this service. A caller with none of them gets a
 * new cookie. Invalid credentials are rejected (ApiError 1401 that names them) and never replaced by the next kind, so that
 * no registered user becomes anonymous by mistake. Without a gateway (`off`) its headers are ignored, because any caller can
 * send them.
 */
export function createIdentity({ config, http, log }: IdentityParts): Identify {
  const { identity: settings, git } = config;
  const readIdToken = createIdTokenReader(settings, http);
  const verified = new VerifiedUsers();
  const cookie = createAnonymousCookie({
    secret: settings.cookie_secret ?? randomBytes(32),
    path: config.service_prefix || '/',
    maxAgeSeconds: settings.anonymous_cookie_max_age_seconds,
  });
  const behindGateway = settings.gateway !== 'off';
  log.debug({ gateway: settings.gateway, anonymous: config.anonymous_sessions_enabled }, 'identity is configured');

  async function registered({ headers }: Pick<IncomingMessage, 'headers'>, deadline: Deadline): Promise<Identified> {
    const key = verified.keyOf(headers);
    const known = verified.get(key);
    if (known) return { identity: userOf(known.claims, headers, git.url), expiresAt: known.expiresAt };

    const tokens = readTokens(headers);
    if (Array.isArray(tokens))
      throw unauthenticated('The headers of the gateway are incomplete or invalid.', { fields: tokens });
    const { payload, expiresAt } = await readIdToken(tokens.idToken, deadline);
    const claims = readClaims(payload);
    const credentials = readGitCredentials(tokens.gitCredentials, git.url);
    if (Array.isArray(claims))
      throw unauthenticated('The ID token does not identify you.', { fields: [...claims, ...listOf(credentials)] });
    if (Array.isArray(credentials)) {
      throw unauthenticated('There are no valid credentials for GitLab.', {
        detail: 'Sign out of the platform and sign in again to get new credentials.',
        fields: credentials,
      });
    }
    verified.set(key, { claims, expiresAt });
    return { identity: userOf(claims, headers, git.url), expiresAt };
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
      if (names.some((name) => headerOf(headers, name) !== undefined)) return await registered(request, deadline);
    }
    if (!config.anonymous_sessions_enabled) throw notSignedIn(behindGateway);

    const anonymousId = behindGateway ? headerOf(headers, header.anonymousId) : undefined;
    if (anonymousId !== undefined) {
      if (anonymousIdPattern.test(anonymousId)) return { identity: anonymous('header', anonymousId) };
      throw unauthenticated('The id of the anonymous user is invalid.', {
        detail: `${header.anonymousId} must be "anon-" and up to 123 letters, digits, dashes and underscores.`,
        fields: [
          {
            path: `header.${header.anonymousId}`,
            message: 'must start with anon- and contain letters, digits, - and _ only',
          },
        ],
      });
    }

    const secure = isEncrypted(request);
    const found = cookie.read(headers.cookie, secure);
    if (found === 'invalid') {
      throw unauthenticated('Your anonymous sign-in is no longer valid.', {
        detail: 'You have a new one. Try again to continue as a new anonymous user.',
        fields: [{ path: 'cookie', message: 'has expired or was not issued by this service' }],
        // The response sets a valid cookie. A deletion of the invalid one is not possible if another port has set it for a
        // longer path.
        headers: { 'Set-Cookie': cookie.issue(secure).setCookie },
      });
    }
    if (found === 'none') {
      const { id, setCookie } = cookie.issue(secure);
      return { identity: anonymous('cookie', id), setCookie };
    }
    return {
      identity: anonymous('cookie', found.id),
      expiresAt: found.expiresAt,
      ...(found.renewal ? { setCookie: found.renewal } : {}),
    };
  };
}

const listOf = <T, U>(value: T[] | U): T[] => (Array.isArray(value) ? value : []);

function notSignedIn(behindGateway: boolean): ApiError {
  if (!behindGateway) {
    return unauthenticated('You are not signed in.', {
      detail: 'This service is configured without a gateway and without anonymous sessions, so no caller can use it.',
    });
  }
  const fields = [header.accessToken, header.idToken, header.gitCredentials].map((name) => ({
    path: `header.${name}`,
    message: 'is required',
  }));
  return unauthenticated('You are not signed in.', { fields });
}

/**
 * Returns whether the caller's connection is encrypted. A proxy usually terminates TLS; a false header affects only its sender.
 */
function isEncrypted({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): boolean {
  return headerOf(headers, 'X-Forwarded-Proto')?.split(',')[0]?.trim() === 'https' || 'encrypted' in socket;
}
