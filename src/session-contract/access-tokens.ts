import { createHash, timingSafeEqual } from 'node:crypto';
import { isObject, parseJson } from '../lib/json.ts';

/**
 * The access tokens of a session, as the service notes them in an annotation of the JupyterServer and the ingress of
 * the local platform reads them. Only hashes stand there.
 */
export interface AccessToken {
  readonly id: string;
  /** What its owner calls it; may be empty. */
  readonly label: string;
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  /** RFC 3339. */
  readonly created: string;
  /** RFC 3339. */
  readonly expires: string;
}

/** Tokens that can be recognised at a glance, by secret scanners too. */
const prefix = 'nbs_';
const form = /^nbs_[\w-]{43}$/;

/** The tokens in the text of the annotation; what is malformed there is left out, and so opens nothing. */
export function readAccessTokens(text: string | undefined): AccessToken[] {
  const found = parseJson(text ?? '[]');
  return Array.isArray(found) ? found.filter(isAccessToken) : [];
}

export const writeAccessTokens = (tokens: readonly AccessToken[]): string => JSON.stringify(tokens);

/** Returns a token from 32 random bytes. */
export const formatAccessToken = (random: Buffer): string => `${prefix}${random.toString('base64url')}`;

/** @returns SHA-256, base64url. A random token of 256 bits needs no salt and no slow hash. */
export const hashAccessToken = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Whether it has not expired. `now` in milliseconds since the epoch. */
export const isLive = ({ expires }: AccessToken, now: number): boolean => Date.parse(expires) > now;

/** The live one of `tokens` that `given` is; undefined for any other text. `now` in milliseconds since the epoch. */
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
