import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { SecureContext } from 'node:tls';
import { invalidFraming } from '../../lib/reverse-proxy/framing.ts';
import { endToEnd } from '../../lib/reverse-proxy/headers.ts';
import { createReverseProxy } from '../../lib/reverse-proxy/reverse-proxy.ts';
import { gitProxyShutdownPath, gitProxyTokensPath, gitProxyUrl } from '../../session-contract/git-proxy.ts';
import { isCertificateError } from './certificates.ts';
import { basic, readCredentials, wrapAuthorization } from './key.ts';
import { batchRewriter } from './lfs-batch.ts';
import { putTokens } from './put-tokens.ts';
import { RenewalFailure } from './renewal.ts';
import { respond, respondJson } from './respond.ts';
import { belongsTo, parseTarget, type Target } from './target.ts';
import type { TokenStore } from './tokens.ts';

export interface GitProxyOptions {
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  readonly key: string;
  readonly repository: URL;
  readonly tokens: TokenStore;
  readonly secureContext: SecureContext;
  readonly log: (line: string) => void;
  /** Called when the agent says that the work of the session is saved. */
  readonly onShutdown: () => void;
}

export interface GitProxy {
  readonly handler: RequestListener;
  /** Number of requests in progress. */
  readonly active: () => number;
  close(): void;
}

/** Git and Git LFS use no others. TRACE would make the upstream repeat the credentials. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH']);
/** Git servers send something every few seconds while they work; an object store may be silent at the end of an upload. */
const timeouts = { connectMs: 30_000, idleMs: 10 * 60_000 };

/**
 * Returns the reverse proxy that adds the user's credentials to requests for the session's repository. Requests for other
 * repositories of the same host are forwarded with the credentials that the client sends, if any.
 */
export function createGitProxy(options: GitProxyOptions): GitProxy {
  const upstream = createReverseProxy();
  let active = 0;
  return {
    handler(req, res) {
      active++;
      res.once('close', () => active--);
      handle(req, res, { ...options, upstream }).catch((error: unknown) => {
        options.log(`A request failed: ${error instanceof Error ? error.message : String(error)}`);
        respond(res, 500, 'The git proxy of the session failed. Its log has the reason.');
      });
    },
    active: () => active,
    close: () => upstream.close(),
  };
}

type Context = GitProxyOptions & { readonly upstream: ReturnType<typeof createReverseProxy> };

async function handle(req: IncomingMessage, res: ServerResponse, context: Context): Promise<void> {
  const { origin, key } = context;
  const requested = pathOf(req.url ?? '/', origin);
  if (requested === undefined || !isOwnHost(req.headers.host, origin) || req.headers.origin !== undefined) {
    respond(res, 403, 'The git proxy of a session accepts requests of git in this session only.');
    return;
  }
  const own = readCredentials(req.headers.authorization, key);
  if (own === undefined) {
    respond(
      res,
      401,
      'The git proxy of the session requires its key, which git gets from the system configuration of the session (GIT_CONFIG_SYSTEM).',
      {
        'WWW-Authenticate': 'Basic realm="git proxy of the session"',
      },
    );
    return;
  }
  if (requested === gitProxyTokensPath && req.method === 'PUT') return await putTokens(req, res, context.tokens);
  if (requested === gitProxyShutdownPath && req.method === 'POST') {
    context.onShutdown();
    respond(res, 200, 'The git proxy ends with the pod.');
    return;
  }
  const invalid = invalidFraming(req);
  if (invalid) return respond(res, invalid.status, invalid.message);
  const target = parseTarget(requested);
  if (!target || target.host !== context.repository.host) {
    const { host } = context.repository;
    respond(
      res,
      404,
      `The git proxy of the session forwards requests for ${host} only, as ${gitProxyUrl(origin, context.repository)}.`,
    );
    return;
  }
  if (!methods.has(req.method ?? '')) return respond(res, 405, `Git does not use the method ${req.method}.`);
  await forward(req, res, target, own, context);
}

/** Returns path and query. A clone of the original service sends its requests to the proxy as to an HTTP proxy, with an origin. */
function pathOf(requested: string, origin: string): string | undefined {
  if (requested.startsWith('/')) return requested;
  const own = [origin, origin.replace('//127.0.0.1:', '//localhost:')].find((each) => requested.startsWith(`${each}/`));
  return own && requested.slice(own.length);
}

function isOwnHost(host: string | undefined, origin: string): boolean {
  const { host: own, port } = new URL(origin);
  return host === own || host === `localhost:${port}`;
}

async function forward(
  req: IncomingMessage,
  res: ServerResponse,
  target: Target,
  own: string | null,
  context: Context,
): Promise<void> {
  const { tokens, repository, log, upstream, secureContext } = context;
  const isRepository = belongsTo(target, repository);
  let token: string | null = null;
  try {
    token = isRepository ? await tokens.gitToken() : null;
  } catch (error) {
    if (!(error instanceof RenewalFailure)) throw error;
    reject(res, target, error.status, error.message);
    return;
  }
  const authorization = token === null ? own : basic('oauth2', token);
  const isBatch = req.method === 'POST' && target.path.endsWith('/info/lfs/objects/batch');
  const dropped = new Set(['host', 'authorization', 'cookie', ...(isBatch ? ['accept-encoding'] : [])]);
  const headers = endToEnd(req.rawHeaders, (name) => dropped.has(name));
  const started = performance.now();
  const report = (outcome: string | number | undefined) =>
    log(`${req.method} ${target.host}${target.path}: ${outcome}, ${Math.round(performance.now() - started)} ms`);
  upstream.forward(req, res, {
    upstream: {
      host: target.hostname,
      port: target.port,
      ...(target.protocol === 'https:' ? { secureContext } : {}),
    },
    target: target.path + target.query,
    headers: ['Host', target.host, ...(authorization === null ? [] : ['Authorization', authorization]), ...headers],
    timeouts,
    interceptResponse(incoming) {
      report(incoming.statusCode);
      if (incoming.statusCode !== 401) return false;
      if (token !== null) tokens.reject(token);
      reject(res, target, 401, unauthorized(target, isRepository, token !== null, own !== null));
      return true;
    },
    responseHeader: (name, value) =>
      name === 'set-cookie' ? undefined : name === 'location' ? locationOf(value, target, context) : value,
    responseBody: (incoming) =>
      isBatch && /\bjson\b/.test(incoming.headers['content-type'] ?? '')
        ? batchRewriter({
            sent: authorization ?? undefined,
            received: req.headers.authorization ?? '',
            isProxied: (href) => URL.parse(href)?.host === repository.host,
            wrap: (given) => wrapAuthorization(given, context.key),
          })
        : undefined,
    onFailure(error) {
      report(error.code ?? error.message);
      respond(res, 502, failureOf(error, target.host));
    },
    log: { debug: () => undefined },
  });
}

/**
 * Sends the reason why a request with the proxy's key gets no response of the git server. Git LFS repeats a request with the same
 * credentials for ever if the status is 401, and shows the message of JSON only.
 */
function reject(res: ServerResponse, { path }: Target, status: number, sentence: string): void {
  if (!/\/(?:info\/lfs|gitlab-lfs)\//.test(path)) respond(res, status, sentence);
  else respondJson(res, status === 401 ? 403 : status, { message: sentence });
}

/** Returns the address at the proxy of a redirect to the same host. Another host gets a request of git itself, without credentials. */
function locationOf(value: string, { protocol, host, path }: Target, { origin, repository }: Context): string {
  const location = URL.parse(value, `${protocol}//${host}${path}`);
  if (!location || location.host !== repository.host || !/^https?:$/.test(location.protocol)) return value;
  return gitProxyUrl(origin, location) + location.search;
}

function unauthorized({ host, path }: Target, isRepository: boolean, hasToken: boolean, hasOwn: boolean): string {
  if (hasToken)
    return `${host} rejects the git token of this session. Sign in to the platform again, then resume or restart the session.`;
  if (isRepository) return `The repository requires a sign-in at ${host}, and this session has no git token.`;
  const sentence = `${host}${path} requires a sign-in. This session has credentials for its own repository only`;
  return hasOwn
    ? `${sentence}, and your own credentials were rejected.`
    : `${sentence}: use a credential helper of git, or a URL with your user name (https://NAME@${host}/...).`;
}

function failureOf({ code = '', message }: NodeJS.ErrnoException, host: string): string {
  if (isCertificateError(code))
    return `The certificate of the git server ${host} is not trusted (${code}: ${message}). An administrator must add its certificate authority to the platform.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The git server ${host} was not found (${code}).`;
  if (code === 'ETIMEDOUT') return `The git server ${host} does not respond (${message}). Try again later.`;
  return `The git server ${host} is unavailable (${code || message}). Try again later.`;
}
