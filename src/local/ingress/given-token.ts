import type { IncomingMessage } from 'node:http';
import { type AccessToken, matchAccessToken } from '../../session-contract/access-tokens.ts';
import type { SessionAccess } from './session-access.ts';

/**
 * Returns the valid access token of the session in the request (`Authorization: token ...`, `Authorization: Bearer ...` or
 * `?token=...`); undefined if there is none. `now` in milliseconds since the epoch.
 */
export function givenToken(
  session: SessionAccess,
  { headers }: IncomingMessage,
  query: string,
  now: number,
): AccessToken | undefined {
  const given = /^(?:token|bearer) +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? tokenIn(query);
  return given === undefined ? undefined : matchAccessToken(session.tokens(), given, now);
}

function tokenIn(query: string): string | undefined {
  return new URLSearchParams(query).get('token') ?? undefined;
}

/** Returns the query without its `token`: with its question mark, or empty. The rest is unchanged. */
export function withoutToken(query: string): string {
  const rest = query
    .replace(/^\?/, '')
    .split('&')
    .filter((part) => tokenIn(part) === undefined);
  return rest.join('&') === '' ? '' : `?${rest.join('&')}`;
}
