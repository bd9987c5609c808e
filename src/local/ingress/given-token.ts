import type { IncomingMessage } from 'node:http';
import { type AccessToken, matchAccessToken } from '../../session-contract/access-tokens.ts';
import type { SessionAccess } from './session-access.ts';

/**
 * The live access token of the session that the request was sent with, as `Authorization: token ...`, as
 * `Authorization: Bearer ...` or as `?token=...`; undefined for one without. `now` in milliseconds since the epoch.
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

/** The query, with its question mark, without its `token`; the rest is as it was sent. Empty where nothing is left. */
export function withoutToken(query: string): string {
  const rest = query
    .replace(/^\?/, '')
    .split('&')
    .filter((part) => tokenIn(part) === undefined);
  return rest.join('&') === '' ? '' : `?${rest.join('&')}`;
}
