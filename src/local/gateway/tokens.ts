import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JSONWebKeySet, SignJWT } from 'jose';
import type { Logger } from 'pino';
import { readKept, writePrivate } from '../state-files.ts';
import { type LocalUser, subjectOf } from './users.ts';

export interface GitToken {
  /** null: there is none, so there are no registered users. */
  token: string | null;
  expiresAt: Date | null;
}

/** A new token of that user for git and the GitLab API, good until `expiresAt` where it is the caller's to choose. */
export type IssueGitToken = (user: LocalUser, expiresAt: Date) => GitToken | Promise<GitToken>;

export interface TokenIssuer {
  readonly jwks: JSONWebKeySet;
  /**
   * The headers that a platform's gateway adds to a signed-in user's requests, as name and value; undefined where
   * there is no git token, and so no registered user.
   */
  headersFor(user: LocalUser): Promise<readonly (readonly [name: string, value: string])[] | undefined>;
  /** The git token in these headers. */
  gitTokenOf(user: LocalUser): Promise<GitToken>;
  /** Another git token, for a program of the user's. */
  newGitToken(user: LocalUser): Promise<GitToken>;
}

/** Who may accept the ID tokens: the service's `identity.audience`. */
const idTokenAudience = 'notebook-sessions';
const algorithm = 'ES256';
const idTokenMs = 5 * 60 * 1000;
/** New ones are made while the old ones are still good for what they were just sent along with. */
const renewAfterMs = idTokenMs / 2;
const refreshTokenMs = 12 * 60 * 60 * 1000;
/** A session of one's own machine lives for weeks, and pushes with the token that it was launched with. */
const gitTokenMs = 60 * 24 * 60 * 60 * 1000;
const maxUsers = 200;

interface Held<Value> {
  value: Promise<Value>;
  /** Milliseconds since the epoch. */
  renewAt: number;
}

/**
 * Signs with a key of this state folder, so that the service can verify as it would in a deployment. Tokens are made
 * once in a while and not once per request.
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
  const headers = new Map<string, Held<readonly (readonly [string, string])[] | undefined>>();
  const gitTokens = new Map<string, Held<GitToken>>();

  const sign = (user: LocalUser, claims: Record<string, unknown>, lifetimeMs: number): Promise<string> =>
    new SignJWT({ iss: issuer, sub: subjectOf(user), ...claims })
      .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
      .setIssuedAt(Math.floor(now() / 1000))
      .setExpirationTime(Math.floor((now() + lifetimeMs) / 1000))
      .sign(key);

  const newGitToken = async (user: LocalUser): Promise<GitToken> =>
    options.issueGitToken(user, new Date(now() + gitTokenMs));
  const gitTokenOf = (user: LocalUser): Promise<GitToken> =>
    held(gitTokens, user, now(), gitTokenMs / 2, () => newGitToken(user));

  async function make(user: LocalUser): Promise<readonly (readonly [string, string])[] | undefined> {
    const git = await gitTokenOf(user);
    if (git.token === null) return undefined;
    const person = { preferred_username: user.username, name: user.name, email: user.email, email_verified: true };
    const [id, access, refresh] = await Promise.all([
      sign(user, { aud: idTokenAudience, typ: 'ID', ...person }, idTokenMs),
      // Another audience: an access token, which every session gets, must not pass for an ID token.
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
    headersFor: (user) => held(headers, user, now(), renewAfterMs, () => make(user)),
    gitTokenOf,
    newGitToken,
  };
}

/** The user's value, made anew when it is due; simultaneous callers share one making, and a failed one is forgotten. */
function held<Value>(
  values: Map<string, Held<Value>>,
  user: LocalUser,
  now: number,
  renewAfter: number,
  make: () => Promise<Value>,
): Promise<Value> {
  const current = values.get(user.username);
  if (current && current.renewAt > now) return current.value;
  const made: Held<Value> = { value: make(), renewAt: now + renewAfter };
  values.delete(user.username);
  values.set(user.username, made);
  const oldest = values.keys().next();
  if (values.size > maxUsers && !oldest.done) values.delete(oldest.value);
  made.value.catch(() => {
    if (values.get(user.username) === made) values.delete(user.username);
  });
  return made.value;
}

/**
 * The key of the file. A damaged one is replaced: what was signed with it is good for minutes, and who verifies asks for
 * the keys again.
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
    // Not PEM, or PEM of something else: OpenSSL’s errors have no class of their own.
    if (error instanceof Error) return undefined;
    throw error;
  }
}
