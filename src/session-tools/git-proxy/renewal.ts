import type { SecureContext } from 'node:tls';
import { errorCode } from '../../lib/error-code.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import { call } from './http-call.ts';
import { basic } from './key.ts';

/** The tokens could not be renewed. The message is for the user: git prints it. */
export class RenewalFailure extends Error {
  override readonly name = 'RenewalFailure';
  /** 401: the user must sign in again. 502: the platform did not respond as expected, and a later attempt can succeed. */
  readonly status: 401 | 502;
  constructor(status: 401 | 502, message: string) {
    super(message);
    this.status = status;
  }
}

/** Where tokens are renewed. */
export interface Platform {
  /** Origin of the platform, with its gateway and its OIDC issuer. */
  readonly url: URL;
  readonly realm: string;
  readonly clientId: string;
  /** null for a public client. */
  readonly clientSecret: string | null;
  readonly secureContext: SecureContext | undefined;
}

export interface GitToken {
  readonly token: string;
  /** Seconds since the epoch; 0 or less: the token does not expire. */
  readonly expiresAt: number;
}

export interface AccessTokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
}

const signIn = 'Sign in to the platform again, then resume or restart the session.';

/** Returns a new git token for the access token; undefined if the gateway does not accept the access token. */
export async function exchangeToken(
  platform: Platform,
  accessToken: string,
  signal: AbortSignal,
): Promise<GitToken | undefined> {
  const url = new URL('/api/auth/gitlab/exchange', platform.url);
  const headers = { Authorization: `Bearer ${accessToken}`, Accept: 'application/json' };
  const { status, text } = await answered(platform, signal, 'GET', url, headers);
  if (status === 401) return undefined;
  if (status !== 200) throw unexpected(platform, 'git token', status);
  const { access_token, expires_at } = asObject(parseJson(text)) ?? {};
  if (typeof access_token !== 'string' || access_token === '') throw unexpected(platform, 'git token', status);
  return { token: access_token, expiresAt: typeof expires_at === 'number' ? Math.floor(expires_at) : -1 };
}

/** Returns new access and refresh tokens. Throws RenewalFailure. */
export async function renewAccess(
  platform: Platform,
  refreshToken: string,
  signal: AbortSignal,
): Promise<AccessTokens> {
  const { realm, clientId, clientSecret } = platform;
  const url = new URL(`/auth/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`, platform.url);
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
  if (clientSecret === null) form.set('client_id', clientId);
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    Accept: 'application/json',
    // RFC 6749 2.3.1: both parts are form-encoded.
    ...(clientSecret === null
      ? {}
      : { Authorization: basic(encodeURIComponent(clientId), encodeURIComponent(clientSecret)) }),
  };
  const { status, text } = await answered(platform, signal, 'POST', url, headers, form.toString());
  const { access_token, refresh_token, error } = asObject(parseJson(text)) ?? {};
  if (status === 400 && error === 'invalid_grant') {
    throw new RenewalFailure(401, `The sign-in of this session at ${platform.url.host} has expired. ${signIn}`);
  }
  if (status !== 200 || typeof access_token !== 'string') throw unexpected(platform, 'access token', status);
  return { accessToken: access_token, refreshToken: typeof refresh_token === 'string' ? refresh_token : null };
}

async function answered(
  { url: { host }, secureContext }: Platform,
  signal: AbortSignal,
  method: 'GET' | 'POST',
  url: URL,
  headers: Record<string, string>,
  body?: string,
) {
  try {
    return await call({ url, method, headers, secureContext, signal, ...(body === undefined ? {} : { body }) });
  } catch (error) {
    const reason = signal.aborted
      ? 'it did not respond in time'
      : (errorCode(error) ?? (error instanceof Error ? error.message : String(error)));
    throw new RenewalFailure(
      502,
      `The git token has expired, and ${host}, which renews it, is unavailable (${reason}).`,
    );
  }
}

const unexpected = ({ url: { host } }: Platform, what: string, status: number) =>
  status === 401 || status === 403
    ? new RenewalFailure(401, `${host} does not renew the ${what} of this session (HTTP ${status}). ${signIn}`)
    : new RenewalFailure(
        502,
        `The ${what} has expired, and ${host} did not renew it (HTTP ${status}). Try again later.`,
      );

/** Returns why a session without access token cannot renew its git token. */
export const noAccessToken = (): RenewalFailure =>
  new RenewalFailure(401, `The git token of this session has expired. ${signIn}`);

/** Returns the expiry of a JSON Web Token in seconds since the epoch; undefined if it has none. The signature is not checked. */
export function expiryOf(token: string): number | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  const { exp } = asObject(parseJson(Buffer.from(payload, 'base64url').toString())) ?? {};
  return typeof exp === 'number' ? exp : undefined;
}
