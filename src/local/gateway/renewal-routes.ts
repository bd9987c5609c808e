import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBodyUpTo } from '../http/body.ts';
import { bearerToken } from '../http/credentials.ts';
import { osUserOf } from '../http/peer.ts';
import { sendJson } from '../http/responses.ts';
import type { SessionTokenKind, TokenIssuer } from './tokens.ts';
import { type LocalUser, userNamed } from './users.ts';

export interface RenewalParts {
  readonly tokens: Pick<TokenIssuer, 'renew' | 'userOf' | 'gitTokenOf'>;
  readonly owner: LocalUser;
}

const exchangePath = '/api/auth/gitlab/exchange';
const tokenPath = /^\/auth\/realms\/[^/]+\/protocol\/openid-connect\/token$/;
const maxFormBytes = 16 * 1024;

/** Returns whether git proxies of sessions renew their tokens at this path. The paths are those of a platform's gateway and of Keycloak. */
export const isRenewalPath = (path: string): boolean => path === exchangePath || tokenPath.test(path);

/**
 * Handles requests of git proxies: `GET` of a new git token for an access token, and `POST` of a refresh token for new access and
 * refresh tokens. Sessions are processes of this process's own user, so requests of other users are rejected.
 */
export async function handleRenewal(
  { tokens, owner }: RenewalParts,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
): Promise<void> {
  const userOf = async (token: string, kind: SessionTokenKind) => {
    const username = await tokens.userOf(token, kind);
    return username === undefined ? undefined : userNamed(username, owner);
  };
  const osUser = osUserOf(req);
  if (osUser !== null && osUser !== process.getuid?.()) {
    return sendJson(res, 403, { error: 'Only sessions of this platform renew tokens here.' });
  }
  if (path === exchangePath) {
    if (req.method !== 'GET') return sendJson(res, 405, { error: 'The method must be GET.' }, { Allow: 'GET' });
    const user = await userOf(bearerToken(req) ?? '', 'Bearer');
    if (!user) return sendJson(res, 401, { error: 'The access token is invalid or has expired.' });
    const { token, expiresAt } = await tokens.gitTokenOf(user);
    const seconds = expiresAt === null ? -1 : Math.floor(expiresAt.getTime() / 1000);
    return sendJson(res, 200, { access_token: token, expires_at: seconds });
  }
  if (req.method !== 'POST') return sendJson(res, 405, { error: 'The method must be POST.' }, { Allow: 'POST' });
  const form = new URLSearchParams((await readBodyUpTo(req, maxFormBytes))?.toString('utf8') ?? '');
  if (form.get('grant_type') !== 'refresh_token') return sendJson(res, 400, { error: 'unsupported_grant_type' });
  const user = await userOf(form.get('refresh_token') ?? '', 'Refresh');
  if (!user) return sendJson(res, 400, { error: 'invalid_grant' });
  const { access, refresh } = await tokens.renew(user);
  sendJson(res, 200, { access_token: access, refresh_token: refresh, token_type: 'Bearer' });
}
