import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, errors, exportJWK, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import type { Logger } from 'pino';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { readKept, writePrivate } from '../state-files.ts';
import { type LocalUser, subjectOf } from './users.ts';

export interface GitToken {
  /** null if there is no token. Then the service has no registered users. */
  token: string | null;
  expiresAt: Date | null;
}

/** Returns a new token of that user for git and the GitLab API. Only a generated token expires at `expiresAt`. */
export type IssueGitToken = (user: LocalUser, expiresAt: Date) => GitToken | Promise<GitToken>;

export interface TokenIssuer {
  readonly jwks: JSONWebKeySet;
  /**
   * Returns the headers (name and value) that a platform's gateway adds to requests of a signed-in user; undefined if there
   * is no git token, and so no registered user.
   */
  headersFor(user: LocalUser): Promise<IdentityHeaders | undefined>;
  /** Returns the git token in these headers. */
  gitTokenOf(user: LocalUser): Promise<GitToken>;
  /** Returns another git token, for a program of the user, which cannot renew the token. */
  newGitToken(user: LocalUser): Promise<GitToken>;
  /** Returns new access and refresh tokens of the user, for the git proxy of a session. */
  renew(user: LocalUser): Promise<SessionTokens>;
  /** Returns the name of the user of an access or refresh token; undefined if the token is not valid. */
  userOf(token: string, kind: SessionTokenKind): Promise<string | undefined>;
}

export type SessionTokenKind = 'Bearer' | 'Refresh';

export interface SessionTokens {
  readonly access: string;
  readonly refresh: string;
}

/** The service's `identity.audience`. */
const idTokenAudience = 'notebook-sessions';
const algorithm = 'ES256';
const idTokenMs = 5 * 60 * 1000;
/** Tokens are renewed before they expire, so that a token in a request remains valid for this time. */
const renewAfterMs = idTokenMs / 2;
/** The lifetime is long, because the computer of a session that runs for weeks may be off for days. */
const refreshTokenMs = 60 * 24 * 60 * 60 * 1000;
/** As in GitLab. The git proxies of sessions renew their tokens. */
const gitTokenMs = 2 * 60 * 60 * 1000;
const programTokenMs = 60 * 24 * 60 * 60 * 1000;
const maxUsers = 200;

type IdentityHeaders = readonly (readonly [name: string, value: string])[];

/**
 * Returns an issuer that signs with a key of the state folder, so that the service verifies tokens as it does in a
 * deployment. Tokens are reused until they are due for renewal.
 */
export async function createTokenIssuer(options: {
  keyFile: string;
  /** The `iss` claim. */
  issuer: string;
  gitUrl: string;
  issueGitToken: IssueGitToken;
  log: Logger;
  now?: () => number;
}): Promise<TokenIssuer> {
  const { issuer, gitUrl, now = Date.now } = options;
  const key = signingKey(options.keyFile, options.log);
  const publicJwk = await exportJWK(createPublicKey(key));
  const kid = await calculateJwkThumbprint(publicJwk);
  const headers = new BoundedMap<string, Promise<IdentityHeaders | undefined>>({
    maxSize: maxUsers,
    ttlMs: renewAfterMs,
    now,
  });
  const gitTokens = new BoundedMap<string, Promise<GitToken>>({ maxSize: maxUsers, ttlMs: gitTokenMs / 2, now });

  const sign = (user: LocalUser, claims: Record<string, unknown>, lifetimeMs: number): Promise<string> =>
    new SignJWT({ iss: issuer, sub: subjectOf(user), ...claims })
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setIssuedAt(Math.floor(now() / 1000))
      .setExpirationTime(Math.floor((now() + lifetimeMs) / 1000))
      .sign(key);

  const issueGitToken = async (user: LocalUser, lifetimeMs: number): Promise<GitToken> =>
    options.issueGitToken(user, new Date(now() + lifetimeMs));
  const gitTokenOf = (user: LocalUser): Promise<GitToken> =>
    shared(gitTokens, user, (of) => issueGitToken(of, gitTokenMs));

  /** Each kind has an audience of its own: sessions get these tokens, and none of them must be accepted as an ID token. */
  const audiences: Record<SessionTokenKind, string> = { Bearer: 'account', Refresh: issuer };
  const sessionToken = (user: LocalUser, kind: SessionTokenKind, lifetimeMs: number): Promise<string> =>
    sign(user, { aud: audiences[kind], typ: kind, preferred_username: user.username }, lifetimeMs);
  const renew = async (user: LocalUser): Promise<SessionTokens> => {
    const [access, refresh] = await Promise.all([
      sessionToken(user, 'Bearer', idTokenMs),
      sessionToken(user, 'Refresh', refreshTokenMs),
    ]);
    return { access, refresh };
  };

  async function userOf(token: string, kind: SessionTokenKind): Promise<string | undefined> {
    try {
      const { payload } = await jwtVerify(token, createPublicKey(key), {
        ...{ issuer, audience: audiences[kind], algorithms: [algorithm], currentDate: new Date(now()) },
        requiredClaims: ['exp'],
      });
      const username = payload['preferred_username'];
      return payload['typ'] === kind && typeof username === 'string' ? username : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  async function createHeaders(user: LocalUser): Promise<IdentityHeaders | undefined> {
    const git = await gitTokenOf(user);
    if (git.token === null) return undefined;
    const person = { preferred_username: user.username, name: user.name, email: user.email, email_verified: true };
    const [id, { access, refresh }] = await Promise.all([
      sign(user, { aud: idTokenAudience, typ: 'ID', ...person }, idTokenMs),
      renew(user),
    ]);
    const expiresAt = git.expiresAt === null ? null : Math.floor(git.expiresAt.getTime() / 1000);
    const credentials = { [gitUrl]: { AuthorizationHeader: `bearer ${git.token}`, AccessTokenExpiresAt: expiresAt } };
    return [
      ['Renku-Auth-Id-Token', id],
      ['Renku-Auth-Access-Token', access],
      ['Renku-Auth-Refresh-Token', refresh],
      ['Renku-Auth-Git-Credentials', Buffer.from(JSON.stringify(credentials)).toString('base64')],
    ];
  }

  return {
    jwks: { keys: [{ ...publicJwk, kid, alg: algorithm, use: 'sig' }] },
    headersFor: (user) => shared(headers, user, createHeaders),
    gitTokenOf,
    newGitToken: (user) => issueGitToken(user, programTokenMs),
    renew,
    userOf,
  };
}

/** Returns the user's cached value, or creates one. Concurrent callers share one call, and errors are not cached. */
function shared<Value>(
  cache: BoundedMap<string, Promise<Value>>,
  user: LocalUser,
  create: (user: LocalUser) => Promise<Value>,
): Promise<Value> {
  const cached = cache.get(user.username);
  if (cached) return cached;
  const created = create(user);
  cache.set(user.username, created);
  created.catch(() => {
    if (cache.get(user.username) === created) cache.delete(user.username);
  });
  return created;
}

/**
 * Returns the key in the file. A missing or damaged one is replaced: signed tokens are valid for minutes only, and the
 * service fetches the public keys again.
 */
function signingKey(file: string, log: Logger): KeyObject {
  const kept = readKept(file);
  const key = kept === undefined ? undefined : asSigningKey(kept);
  if (key) return key;
  if (kept !== undefined) log.warn({ file }, 'the key that signs tokens is damaged and is replaced');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writePrivate(file, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  return privateKey;
}

function asSigningKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch (error) {
    // The file has no private key in PEM. OpenSSL's errors have no separate class.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
