import type { IncomingMessage, ServerResponse } from 'node:http';
import { prefersHtml } from '../http/browser-requests.ts';
import { basicPassword } from '../http/credentials.ts';
import { type ErrorResponse, sendError } from '../http/errors.ts';
import { sendJson, sendText } from '../http/responses.ts';
import type { Origins } from '../origins/origins.ts';
import type { Forge } from './forge.ts';
import { apiToken } from './http.ts';

export interface ForgeAccessOptions {
  forge: Pick<Forge, 'handler' | 'userOf' | 'projectOfReader'>;
  /** Returns the git token of a signed-in browser or a cookie file; `token` is null for an anonymous visitor. */
  gitAccess(req: IncomingMessage, origins: Origins): Promise<{ token: string | null } | { error: ErrorResponse }>;
  /** Returns true if the service sent the request. Its requests for anonymous users have no token. */
  isService(req: IncomingMessage): boolean;
}

type Credential = { kind: 'none' | 'user' | 'unknown' | 'unsupported' } | { kind: 'reader'; project: string };

/**
 * Returns a handler that requires a credential for git, LFS and API: on one machine, "public" must not mean public to all
 * users of the machine. The token of an anonymous session can read only one project. For other tokens, the forge checks the
 * access of their user.
 */
export function createForgeAccess({ forge, gitAccess, isService }: ForgeAccessOptions) {
  function credentialOf(req: IncomingMessage): Credential {
    const token = basicPassword(req) ?? apiToken(req);
    if (token === undefined) return { kind: req.headers.authorization === undefined ? 'none' : 'unsupported' };
    if (forge.userOf(token) !== undefined) return { kind: 'user' };
    const project = forge.projectOfReader(token);
    return project === undefined ? { kind: 'unknown' } : { kind: 'reader', project };
  }

  return async (req: IncomingMessage, res: ServerResponse, origins: Origins): Promise<void> => {
    const credential = credentialOf(req);
    switch (credential.kind) {
      case 'user':
        return forge.handler(req, res);
      case 'reader':
        if (isReadOf(credential.project, req)) return forge.handler(req, res);
        return sendText(res, 404, 'This token can read one project only.');
      case 'unknown':
        return reject(req, res, 'The token is unknown or has expired.');
      case 'unsupported':
        return reject(req, res, 'Basic credentials or a Bearer token are needed.');
      case 'none': {
        if (isService(req)) return forge.handler(req, res);
        const access = await gitAccess(req, origins);
        if ('error' in access) {
          if (prefersHtml(req)) return sendError(req, res, access.error);
          return reject(req, res, 'A token is needed.');
        }
        if (access.token !== null) req.headers['private-token'] = access.token;
        return forge.handler(req, res);
      }
    }
  };
}

/** Sends 401. After it, git gets credentials from its credential helpers. */
function reject(req: IncomingMessage, res: ServerResponse, reason: string): void {
  const realm = 'Basic realm="forge"';
  const challenge = { 'WWW-Authenticate': realm, 'LFS-Authenticate': realm };
  const message = `401 Unauthorized: ${reason} Use a token as the password, with any user name. For a token: curl -b cookies.txt -X POST /auth/tokens.`;
  if (req.url?.startsWith('/api/v4/')) sendJson(res, 401, { message }, challenge);
  else sendText(res, 401, message, challenge);
}

/** Returns true for the requests of clone, fetch and LFS downloads for that project (`namespace/path`). */
function isReadOf(project: string, { method, url = '' }: IncomingMessage): boolean {
  const [, path = '', operation = ''] = /^\/(.+?)(?:\.git)?\/(git-upload-pack$|info\/.*)/.exec(url) ?? [];
  if (path.toLowerCase() !== project.toLowerCase()) return false;
  return (
    /^(GET info\/refs\?service=git-upload-pack|POST git-upload-pack|POST info\/lfs\/objects\/batch)$/.test(
      `${method} ${operation}`,
    ) || /^GET info\/lfs\/objects\/[0-9a-f]{64}$/.test(`${method} ${operation}`)
  );
}
