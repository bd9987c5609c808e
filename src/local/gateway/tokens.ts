import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet, SignJWT } from 'jose';
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
  /** Returns another git token, for a program of the user. */
  newGitToken(user: LocalUser): Promise<GitToken>;
}

/** The service's `identity.audience`. */
const idTokenAudience = 'notebook-sessions';
const algorithm = 'ES256';
const idTokenMs = 5 * 60 * 1000;
/** Tokens are renewed before they expire, so that a token in a request remains valid for this time. */
const renewAfterMs = idTokenMs / 2;
const refreshTokenMs = 12 * 60 * 60 * 1000;
/** The lifetime is long, because a local session may run for weeks and pushes with the token of its launch. */
const gitTokenMs = 60 * 24 * 60 * 60 * 1000;
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

  const newGitToken = async (user: LocalUser): Promise<GitToken> =>
    options.issueGitToken(user, new Date(now() + gitTokenMs));
  const gitTokenOf = (user: LocalUser): Promise<GitToken> => shared(gitTokens, user, newGitToken);

  async function createHeaders(user: LocalUser): Promise<IdentityHeaders | undefined> {
    const git = await gitTokenOf(user);
    if (git.token === null) return undefined;
    const person = { preferred_username: user.username, name: user.name, email: user.email, email_verified: true };
    const [id, access, refresh] = await Promise.all([
      sign(user, { aud: idTokenAudience, typ: 'ID', ...person }, idTokenMs),
      // Another audience: sessions get the access token, and it must not be accepted as an ID token.
      sign(user, { aud: 'account', typ: 'Bearer', preferred_username: user.username }, idTokenMs),
      sign(user, { aud: issuer, typ: 'Refresh' }, refreshTokenMs),
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
    newGitToken,
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
