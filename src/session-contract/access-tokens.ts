import { createHash, timingSafeEqual } from 'node:crypto';
import { isObject, parseJson } from '../lib/json.ts';

/**
 * An access token of a session. The service writes the hashes of tokens into an annotation of the JupyterServer. The ingress
 * of the local platform reads the annotation.
 */
export interface AccessToken {
  readonly id: string;
  /** The name that the owner gave the token; may be empty. */
  readonly label: string;
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  /** RFC 3339. */
  readonly created: string;
  /** RFC 3339. */
  readonly expires: string;
}

/** Prefix of all tokens, by which secret scanners can detect them. */
const prefix = 'nbs_';
const form = /^nbs_[\w-]{43}$/;

/** Returns the tokens in the annotation's text. Malformed entries are skipped, so that they give no access. */
export function readAccessTokens(text: string | undefined): AccessToken[] {
  const found = parseJson(text ?? '[]');
  return Array.isArray(found) ? found.filter(isAccessToken) : [];
}

export const writeAccessTokens = (tokens: readonly AccessToken[]): string => JSON.stringify(tokens);

/** Returns a token from 32 random bytes. */
export const formatAccessToken = (random: Buffer): string => `${prefix}${random.toString('base64url')}`;

/** Returns the token's SHA-256, base64url. A random token of 256 bits needs no salt and no slow hash. */
export const hashAccessToken = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Returns whether the token has not expired. `now` is in milliseconds since the epoch. */
export const isLive = ({ expires }: AccessToken, now: number): boolean => Date.parse(expires) > now;

/**
 * Returns the entry of `tokens` for the token `given`; undefined if no entry matches, or if the token has expired. `now` is in
 * milliseconds since the epoch.
 */
export function matchAccessToken(tokens: readonly AccessToken[], given: string, now: number): AccessToken | undefined {
  if (!form.test(given)) return undefined;
  const hash = Buffer.from(hashAccessToken(given));
  return tokens.find((token) => {
    const wanted = Buffer.from(token.hash);
    return wanted.length === hash.length && timingSafeEqual(wanted, hash) && isLive(token, now);
  });
}

function isAccessToken(value: unknown): value is AccessToken {
  if (!isObject(value)) return false;
  const { id, label, hash, created, expires } = value;
  return [id, label, hash, created, expires].every((text) => typeof text === 'string');
}
