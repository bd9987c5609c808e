import type { IncomingMessage, ServerResponse } from 'node:http';
import { prefersHtml } from '../http/browser-requests.ts';
import { bearerToken } from '../http/credentials.ts';
import type { ErrorResponse } from '../http/errors.ts';
import { sendError } from '../http/errors.ts';
import type { Origins } from '../origins/origins.ts';
import type { Forge } from './forge.ts';
import { basicPassword, sendJson, sendText } from './http.ts';

export interface ForgeDoorOptions {
  forge: Pick<Forge, 'handler' | 'userOf' | 'projectOfReader'>;
  /** What a signed-in browser or a cookie file may do: `token` is null for what an anonymous visitor may. */
  gitAccess(req: IncomingMessage, origins: Origins): Promise<{ token: string | null } | { error: ErrorResponse }>;
  /** Whether it comes from the service, which asks for its anonymous visitors without a token. */
  isService(req: IncomingMessage): boolean;
}

/** What a request to the forge shows. */
type Credential = { kind: 'none' | 'user' | 'unknown' | 'unusable' } | { kind: 'reader'; project: string };

/**
 * Stands before the forge on one machine, where "public" must not mean every user of the machine: git, LFS and API need a
 * credential, whatever the project. That of an anonymous session reads one project and nothing else. What a credential
 * may do besides is the forge's own business.
 */
export function createForgeDoor({ forge, gitAccess, isService }: ForgeDoorOptions) {
  function credentialOf(req: IncomingMessage): Credential {
    const { authorization, 'private-token': header } = req.headers;
    const token =
      bearerToken(req) ?? basicPassword(authorization) ?? (typeof header === 'string' ? header.trim() : undefined);
    if (token === undefined) return { kind: authorization === undefined ? 'none' : 'unusable' };
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
        return sendText(res, 404, 'This token reads one project only.');
      case 'unknown':
        return refuse(req, res, 'The token is unknown or has expired.');
      case 'unusable':
        return refuse(req, res, 'Basic credentials or a Bearer token are needed.');
      case 'none': {
        if (isService(req)) return forge.handler(req, res);
        const access = await gitAccess(req, origins);
        if ('error' in access) {
          if (prefersHtml(req)) return sendError(req, res, access.error);
          return refuse(req, res, 'A token is needed.');
        }
        if (access.token !== null) req.headers['private-token'] = access.token;
        return forge.handler(req, res);
      }
    }
  };
}

/** git asks its credential helpers after this. */
function refuse(req: IncomingMessage, res: ServerResponse, reason: string): void {
  const realm = 'Basic realm="forge"';
  const challenge = { 'WWW-Authenticate': realm, 'LFS-Authenticate': realm };
  const message = `401 Unauthorized: ${reason} As the password, whatever the user name: curl -b cookies.txt -X POST /auth/tokens gives one.`;
  if (isApi(req)) sendJson(res, 401, { message }, challenge);
  else sendText(res, 401, message, challenge);
}

function isApi({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/api/v4/');
}

/** What clone, fetch and LFS downloads ask for, of that project (`namespace/path`). */
function isReadOf(project: string, { method, url = '' }: IncomingMessage): boolean {
  const [, path = '', operation = ''] = /^\/(.+?)(?:\.git)?\/(git-upload-pack$|info\/.*)/.exec(url) ?? [];
  if (path.toLowerCase() !== project.toLowerCase()) return false;
  return (
    /^(GET info\/refs\?service=git-upload-pack|POST git-upload-pack|POST info\/lfs\/objects\/batch)$/.test(
      `${method} ${operation}`,
    ) || /^GET info\/lfs\/objects\/[0-9a-f]{64}$/.test(`${method} ${operation}`)
  );
}
