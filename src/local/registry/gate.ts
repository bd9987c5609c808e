import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, answerError } from './answers.ts';
import { createPullTokens } from './tokens.ts';

export interface Gate {
  /** Where tokens are given out; the `realm` of its challenges. */
  readonly tokenPath: string;
  /** Answers a request for a token: `?service=&scope=repository:<name>:pull`, with Basic credentials. */
  giveToken(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): Promise<void>;
  /** Whether the request's token opens the repository (undefined: the registry as such). If not, it is answered. */
  lets(req: IncomingMessage, res: ServerResponse, repository: string | undefined): Promise<boolean>;
}

export interface GateOptions {
  origin: string;
  userOf(password: string): string | undefined;
  /** Whether the request may have a token for open repositories without credentials. */
  mayBeAnonymous(req: IncomingMessage): boolean;
  /** `user` is undefined for anybody. */
  mayPull(repository: string, user: string | undefined): boolean;
  now?: () => number;
}

const tokenPath = '/v2/token';
/** The name comes from the request and goes into a header, in quotation marks. */
const plainName = /^[a-z0-9._/-]+$/;
/** Of one request for a token. */
const maxScopes = 20;

/**
 * The way to a registry's content as the distribution project has it, and GitLab with it: whoever comes without a token
 * is told where to get one; there, who may pull what is decided by the user's credentials; the token says it.
 */
export function createGate({ origin, userOf, mayBeAnonymous, mayPull, now = Date.now }: GateOptions): Gate {
  const service = new URL(origin).host;
  const tokens = createPullTokens({ service, now });

  function challenge(res: ServerResponse, repository: string | undefined, error: string | undefined): void {
    const said = {
      realm: `${origin}${tokenPath}`,
      service,
      ...(repository !== undefined && plainName.test(repository) ? { scope: `repository:${repository}:pull` } : {}),
      ...(error === undefined ? {} : { error }),
    };
    const parameters = Object.entries(said).map(([name, value]) => `${name}="${value}"`);
    answerError(res, 401, 'UNAUTHORIZED', 'a token is needed that allows this', {
      'WWW-Authenticate': `Bearer ${parameters.join(',')}`,
    });
  }

  return {
    tokenPath,

    async giveToken(req, res, query) {
      const wanted = query.get('service');
      if (wanted !== null && wanted !== service) {
        return answerError(res, 400, 'UNSUPPORTED', `tokens are given out for ${service} only`);
      }
      const password = basicPassword(req.headers.authorization);
      const user = password === undefined ? undefined : userOf(password);
      const isAnonymous = req.headers.authorization === undefined && mayBeAnonymous(req);
      if (user === undefined && !isAnonymous) {
        return answerError(res, 401, 'UNAUTHORIZED', 'the password must be a token of the forge', {
          'WWW-Authenticate': `Basic realm="${service}"`,
        });
      }
      const names = query.getAll('scope').slice(0, maxScopes).map(repositoryToPull);
      const granted = names.filter((name) => name !== undefined && mayPull(name, user)) as string[];
      const token = await tokens.issue(granted);
      const issuedAt = new Date(now()).toISOString();
      const body = { token, access_token: token, expires_in: tokens.lifetime, issued_at: issuedAt };
      answer(res, 200, 'application/json', Buffer.from(JSON.stringify(body)), { 'Cache-Control': 'no-store' });
    },

    async lets(req, res, repository) {
      const token = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '')?.[1];
      const opened = token === undefined ? undefined : await tokens.repositoriesOf(token);
      if (opened && (repository === undefined || opened.includes(repository))) return true;
      challenge(res, repository, token === undefined ? undefined : opened ? 'insufficient_scope' : 'invalid_token');
      return false;
    },
  };
}

/** The repository of a scope that asks (among other things) to pull it. */
function repositoryToPull(scope: string): string | undefined {
  const [, name, actions] = /^repository:([^\s:]+):([a-z*,]+)$/.exec(scope) ?? [];
  return actions?.split(',').includes('pull') ? name : undefined;
}

/** The token is the password; the user name does not matter (`oauth2` by convention). */
function basicPassword(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined ? undefined : /^[^:]*:(.+)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8'))?.[1];
}
