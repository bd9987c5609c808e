import type { IncomingHttpHeaders } from 'node:http';
import type { JWTPayload } from 'jose';
import type { FieldError } from '../errors.ts';
import { asObject, isObject } from '../lib/json.ts';
import { header, isPlainText } from './refusal.ts';
import type { GitCredentials, RegisteredUser } from './types.ts';

/** Returns a header, whose name is case-insensitive. Node.js joins the values of a repeated header. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
}

const maxTokenLength = 16_384;

/** Returns whether a value can be a token in a header. */
function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(value);
}

export interface GatewayTokens {
  accessToken: string;
  idToken: string;
  refreshToken: string | null;
  gitCredentials: string;
}

/** Returns the headers of a registered user, or the errors in them. */
export function readTokens(headers: IncomingHttpHeaders): GatewayTokens | FieldError[] {
  const errors: FieldError[] = [];
  const required = (name: string): string => {
    const value = headerOf(headers, name);
    if (isToken(value)) return value;
    errors.push({ path: `header.${name}`, message: value ? 'is not a token' : 'is required' });
    return '';
  };
  const tokens: GatewayTokens = {
    accessToken: required(header.accessToken),
    idToken: required(header.idToken),
    gitCredentials: required(header.gitCredentials),
    refreshToken: null,
  };
  const refreshToken = headerOf(headers, header.refreshToken);
  if (refreshToken && !isToken(refreshToken))
    errors.push({ path: `header.${header.refreshToken}`, message: 'is not a token' });
  return errors.length > 0 ? errors : { ...tokens, refreshToken: refreshToken || null };
}

export type Claims = Pick<RegisteredUser, 'id' | 'username' | 'email' | 'fullName' | 'issuer'>;

/** The claim and its maximum length. */
const claims = {
  id: ['sub', 255],
  username: ['preferred_username', 255],
  email: ['email', 320],
  fullName: ['name', 512],
  issuer: ['iss', 2048],
} as const satisfies Record<keyof Claims, readonly [string, number]>;

/**
 * Returns the user of a token, or the errors in its claims. An empty claim is an error like a missing one: a search with an
 * empty owner must never find the sessions of all users.
 */
export function readClaims(payload: JWTPayload): Claims | FieldError[] {
  const errors: FieldError[] = [];
  const read = ([claim, maxLength]: readonly [string, number]): string => {
    const value = payload[claim];
    if (isPlainText(value, maxLength)) return value;
    const message =
      value === undefined || value === null || value === ''
        ? 'is required'
        : `must be a string of 1 to ${maxLength} characters without control characters`;
    errors.push({ path: `header.${header.idToken}.${claim}`, message });
    return '';
  };
  const found: Claims = {
    id: read(claims.id),
    username: read(claims.username),
    email: read(claims.email),
    fullName: read(claims.fullName),
    issuer: read(claims.issuer),
  };
  return errors.length > 0 ? errors : found;
}

/**
 * Returns the credentials for the configured GitLab, or the errors in them. The header is base64 of `{"<address>":
 * {"AuthorizationHeader": "bearer TOKEN", "AccessTokenExpiresAt": seconds | null}}`. The original service uses the first
 * entry and calls its address. Here only an entry for the configured host is used, and the token is sent to the configured
 * address.
 */
export function readGitCredentials(encoded: string, gitUrl: string): GitCredentials | FieldError[] {
  const path = `header.${header.gitCredentials}`;
  const wrong = (message: string, part = ''): FieldError[] => [{ path: `${path}${part}`, message }];

  const entries = decodeObject(encoded);
  if (!entries) return wrong('is not base64 of a JSON object');
  const isOurs = (address: string) => address === gitUrl || hostOf(address) === hostOf(gitUrl);
  const entry = Object.entries(entries).find(([address]) => isOurs(address))?.[1];
  if (!isObject(entry)) return wrong(`has no credentials for ${hostOf(gitUrl)}`);

  const { AuthorizationHeader, AccessTokenExpiresAt } = entry;
  const token = typeof AuthorizationHeader === 'string' ? /^\S+ (\S+)$/.exec(AuthorizationHeader)?.[1] : undefined;
  const tokenExpiresAt = expiryOf(AccessTokenExpiresAt);
  const errors = [
    ...(isToken(token) ? [] : wrong('must be a scheme and a token, such as "bearer TOKEN"', '.AuthorizationHeader')),
    ...(tokenExpiresAt === undefined ? wrong('must be a time in seconds, or null', '.AccessTokenExpiresAt') : []),
  ];
  if (!isToken(token) || tokenExpiresAt === undefined) return errors;
  return { url: gitUrl, token, tokenExpiresAt };
}

/** Returns the user of verified headers. The credentials for GitLab are decoded when they are first used. */
export function userOf(claims: Claims, headers: IncomingHttpHeaders, gitUrl: string): RegisteredUser {
  return {
    kind: 'registered',
    ...claims,
    accessToken: headerOf(headers, header.accessToken) ?? '',
    refreshToken: headerOf(headers, header.refreshToken) || null,
    get git() {
      const credentials = readGitCredentials(headerOf(headers, header.gitCredentials) ?? '', gitUrl);
      if (Array.isArray(credentials)) throw new Error('the credentials for GitLab were not verified');
      return credentials;
    },
  };
}

/**
 * Returns Unix seconds. Returns -1 (never) for null and for text that is not a number, as in the original service, and
 * undefined for other types.
 */
function expiryOf(value: unknown): number | undefined {
  if (value === null) return -1;
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const seconds = Math.floor(value === '' ? Number.NaN : Number(value));
  return Number.isSafeInteger(seconds) ? seconds : -1;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decodeObject(encoded: string): Record<string, unknown> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  try {
    const text = utf8.decode(Buffer.from(encoded, 'base64'));
    return asObject(JSON.parse(text));
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function hostOf(address: string): string | undefined {
  return URL.parse(address)?.host || undefined;
}
