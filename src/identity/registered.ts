import type { IncomingHttpHeaders } from 'node:http';
import type { JWTPayload } from 'jose';
import type { FieldError } from '../errors.ts';
import { asObject } from '../lib/json.ts';
import { header, isPlainText } from './refusal.ts';
import type { GitCredentials, RegisteredUser } from './types.ts';

/** Node joins headers that are sent twice, so each is one text. Names are compared without regard to case. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
}

const maxTokenLength = 16_384;

/** A token as headers may carry it. */
function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTokenLength && /^[\x21-\x7e]+$/.test(value);
}

export interface GatewayTokens {
  accessToken: string;
  idToken: string;
  refreshToken: string | null;
  gitCredentials: string;
}

/** The headers that make a registered user, or what is wrong with them. */
export function readTokens(headers: IncomingHttpHeaders): GatewayTokens | FieldError[] {
  const problems: FieldError[] = [];
  const required = (name: string): string => {
    const value = headerOf(headers, name);
    if (isToken(value)) return value;
    problems.push({ path: `header.${name}`, message: value ? 'is not a token' : 'is required' });
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
    problems.push({ path: `header.${header.refreshToken}`, message: 'is not a token' });
  return problems.length > 0 ? problems : { ...tokens, refreshToken: refreshToken || null };
}

export type Claims = Pick<RegisteredUser, 'id' | 'username' | 'email' | 'fullName' | 'issuer'>;

/** Claim, and how long its text may be. */
const claims = {
  id: ['sub', 255],
  username: ['preferred_username', 255],
  email: ['email', 320],
  fullName: ['name', 512],
  issuer: ['iss', 2048],
} as const satisfies Record<keyof Claims, readonly [string, number]>;

/**
 * Who the token speaks of, or what is wrong with it. An empty name is refused like a missing one: a store that is asked
 * for nobody's sessions must never answer with everybody's.
 */
export function readClaims(payload: JWTPayload): Claims | FieldError[] {
  const problems: FieldError[] = [];
  const read = ([claim, maxLength]: readonly [string, number]): string => {
    const value = payload[claim];
    if (isPlainText(value, maxLength)) return value;
    const message =
      value === undefined || value === null || value === ''
        ? 'is required'
        : `must be a text of 1 to ${maxLength} characters without control characters`;
    problems.push({ path: `header.${header.idToken}.${claim}`, message });
    return '';
  };
  const found: Claims = {
    id: read(claims.id),
    username: read(claims.username),
    email: read(claims.email),
    fullName: read(claims.fullName),
    issuer: read(claims.issuer),
  };
  return problems.length > 0 ? problems : found;
}

/**
 * The credentials for the configured GitLab: base64 of `{"<address>": {"AuthorizationHeader": "bearer TOKEN",
 * "AccessTokenExpiresAt": seconds | null}}`. The original takes the first entry and asks the address in it; here only
 * an entry for the configured host counts, and the configured address is asked, so that a token goes nowhere else.
 */
export function readGitCredentials(encoded: string, gitUrl: string): GitCredentials | FieldError[] {
  const path = `header.${header.gitCredentials}`;
  const wrong = (message: string, part = ''): FieldError[] => [{ path: `${path}${part}`, message }];

  const entries = decodeObject(encoded);
  if (!entries) return wrong('is not base64 of a JSON object');
  const isOurs = (address: string) => address === gitUrl || hostOf(address) === hostOf(gitUrl);
  const entry = Object.entries(entries).find(([address]) => isOurs(address))?.[1];
  if (entry === null || typeof entry !== 'object') return wrong(`holds no credentials for ${hostOf(gitUrl)}`);

  const { AuthorizationHeader, AccessTokenExpiresAt } = entry as Record<string, unknown>;
  const token = typeof AuthorizationHeader === 'string' ? /^\S+ (\S+)$/.exec(AuthorizationHeader)?.[1] : undefined;
  const tokenExpiresAt = expiryOf(AccessTokenExpiresAt);
  const problems = [
    ...(isToken(token) ? [] : wrong('must be a scheme and a token, such as "bearer TOKEN"', '.AuthorizationHeader')),
    ...(tokenExpiresAt === undefined ? wrong('must be a time in seconds, or null', '.AccessTokenExpiresAt') : []),
  ];
  if (!isToken(token) || tokenExpiresAt === undefined) return problems;
  return { url: gitUrl, token, tokenExpiresAt };
}

/** The user of headers that were checked. What is only needed to talk to GitLab is decoded only then. */
export function userOf(claims: Claims, headers: IncomingHttpHeaders, gitUrl: string): RegisteredUser {
  return {
    kind: 'registered',
    ...claims,
    accessToken: headerOf(headers, header.accessToken) ?? '',
    refreshToken: headerOf(headers, header.refreshToken) || null,
    get git() {
      const credentials = readGitCredentials(headerOf(headers, header.gitCredentials) ?? '', gitUrl);
      if (Array.isArray(credentials)) throw new Error('credentials were asked for that nobody has checked');
      return credentials;
    },
  };
}

/** null and texts that are no number mean never (-1), as they did in the original; undefined: not acceptable. */
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
