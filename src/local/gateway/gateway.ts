import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { endToEnd, type RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import { createReverseProxy } from '../../lib/reverse-proxy/reverse-proxy.ts';
import { type ErrorResponse, sendError } from '../http/errors.ts';
import { filterCookies, forwardedHeaders, isGatewayHeader } from '../http/headers.ts';
import { targetOf } from '../http/request-target.ts';
import { redirect } from '../http/responses.ts';
import { isDiskFull } from '../machine/disk.ts';
import type { Addresses, Origins } from '../origins/origins.ts';
import { createOriginRewriter } from '../origins/rewriting.ts';
import { sameOriginOnly } from '../origins/same-origin.ts';
import { type AuthParts, handleAuth, ownPath } from './auth-routes.ts';
import { Browsers } from './browsers.ts';
import { type Caller, createCallers } from './callers.ts';
import { keepCookieFile } from './cookie-file.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import { handleRenewal, isRenewalPath } from './renewal-routes.ts';
import { SessionSignIn } from './session-sign-in.ts';
import { createSignInCookie, signInCookieName } from './sign-in-cookie.ts';
import { createTokenIssuer, type IssueGitToken } from './tokens.ts';
import type { LocalUser } from './users.ts';

export interface GatewayOptions {
  /** Folder for keys and signed-in browsers. Created with mode 0700 if it does not exist. */
  stateDir: string;
  /** `cookies.txt` for `curl -b`, which signs in as the owner. Written at the start with mode 0600. */
  cookieFile: string;
  addresses: Addresses;
  /** The user that the one-time link signs in. */
  user: LocalUser;
  gitUrl: string;
  issueGitToken: IssueGitToken;
  /** Returns the name of the token's user; undefined if it is not a valid git token. */
  userOfGitToken(token: string): string | undefined;
  /** Unix socket of the service. */
  serviceSocket: string;
  /** Milliseconds that a request waits while the service restarts; 20 s by default. */
  serviceRestartMs?: number;
  log: Logger;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface Gateway {
  readonly addresses: Addresses;
  /** Handles requests to the origin of the pages, except those for the forge and the registry. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** Returns a link that signs a browser in as the owner, once and within ten minutes, and redirects to the path `next`. */
  signInLink(next?: string): string;
  /** Returns the git token of a signed-in caller, for the forge. */
  gitAccess(req: IncomingMessage, origins: Origins): Promise<GitAccess | { error: ErrorResponse }>;
  /** For the ingress: identifies signed-in browsers at the origin of the sessions. */
  readonly sessions: SessionSignIn;
  /** The value of a Cookie header with which this process acts as the owner. */
  readonly cookieHeader: string;
  close(): void;
}

/** `token` is null for an anonymous visitor. */
export interface GitAccess {
  readonly token: string | null;
}

const signInLinkMs = 10 * 60 * 1000;
/**
 * A restart of the service takes two seconds on an idle machine. Callers wait for the restart, because an EventSource never
 * reconnects after a response other than 200.
 */
const defaultRestartMs = 20_000;
const servicePaths = /^\/(notebooks|health|ready)(\/|$)/;
/** Path prefixes under which a platform publishes the service. */
const platformPaths = /^\/(?:api|ui-server\/api)(?=\/notebooks(?:\/|$))/;
/** Paths that need no sign-in: health checks, and the styles and scripts of the pages. */
const openPaths = /^\/(?:health|ready)$|^\/notebooks\/assets\/\w+\/[\w-]+\.\w+$/;

const starting: ErrorResponse = {
  status: 503,
  message: 'The service is not running yet.',
  detail: 'The service is starting. Try again in a moment.',
  refreshSeconds: 2,
};
const broken: ErrorResponse = {
  status: 502,
  message: 'The service closed the connection.',
  detail: 'Try again. The log of the service has the reason.',
};
const noToken: ErrorResponse = {
  status: 503,
  message: 'The access token for git could not be created.',
  detail: 'Try again. The log of the platform has the reason.',
};

/**
 * Returns the gateway. The gateway authenticates browsers and programs, and passes their requests to the service with the
 * identity headers that only a gateway may set. Requests without a sign-in are rejected, because a session on this machine is a
 * process of its owner. An anonymous visitor is a state of a signed-in browser.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { addresses, user: owner, log, now = Date.now } = options;
  const { local, external } = addresses;
  const file = (name: string) => join(options.stateDir, name);
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const browsers = new Browsers(file('browsers.json'), log, now);
  const sessions = new SessionSignIn(browsers, file('session-pass.key'), log, now);
  const signInCodes = new OneTimeCodes<true>(signInLinkMs, now);
  const tokens = await createTokenIssuer({
    keyFile: file('signing-key.pem'),
    issuer: `${local.pages}/auth`,
    gitUrl: options.gitUrl,
    issueGitToken: options.issueGitToken,
    log,
    now,
  });
  const cookie = createSignInCookie({ browsers, owner, log, now });
  const callers = createCallers({ cookie, owner, userOfGitToken: options.userOfGitToken });
  const proxy = createReverseProxy();

  const signInLink = ({ pages }: Origins, next?: string): string =>
    `${pages}/auth/sign-in?${new URLSearchParams({ code: signInCodes.issue(true), next: ownPath(next, pages) })}`;
  const auth: AuthParts = { owner, browsers, cookie, callers, signInLink, signInCodes, sessions, tokens, addresses };

  /** Returns the identity headers for the service; undefined if an error was sent. */
  async function identityHeaders(
    caller: Caller | undefined,
    req: IncomingMessage,
    res: ServerResponse,
  ): Promise<RawHeaders | undefined> {
    if (!caller) return [];
    try {
      const headers = caller.user ? await tokens.headersFor(caller.user) : undefined;
      return headers ? headers.flat() : ['Renku-Auth-Anon-Id', caller.anonymousId];
    } catch (error) {
      log.error({ err: error }, 'a git token could not be issued');
      sendError(req, res, isDiskFull(error) ? { ...noToken, detail: 'The disk is full: free some space.' } : noToken);
      return undefined;
    }
  }

  async function toService(
    req: IncomingMessage,
    res: ServerResponse,
    target: string,
    origins: Origins,
    caller: Caller | undefined,
  ): Promise<void> {
    // Registered first, so that a sign-out closes the request even while the request waits.
    if (caller?.browser) browsers.closeAtSignOut(caller.browser.id, res);
    const identity = await identityHeaders(caller, req, res);
    if (!identity || res.destroyed) return;
    const rewriter = createOriginRewriter(local, origins);
    const isProgram = caller !== undefined && caller.browser === undefined;
    const kept = endToEnd(
      req.rawHeaders,
      (name) =>
        isGatewayHeader(name) ||
        ['cookie', 'authorization'].includes(name) ||
        // A program may pass on the request of a browser, for example a platform's web server.
        (isProgram && /^(origin|referer|sec-fetch-.*)$/.test(name)),
    );
    const headers = rewriter ? rewriter.requestHeaders(kept, 'pages') : kept;
    const cookies = filterCookies(req.rawHeaders, (name) => name !== signInCookieName(origins.pages));
    if (cookies !== undefined) headers.push('Cookie', cookies);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, new URL(local.pages).host), ...identity);
    proxy.forward(req, res, {
      upstream: { socketPath: options.serviceSocket },
      target,
      headers,
      ...(rewriter ? { responseHeader: rewriter.responseHeader, responseBody: rewriter.responseBody } : {}),
      onFailure: (error) => {
        log.warn({ err: error }, 'the service does not respond');
        sendError(req, res, error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? starting : broken);
      },
      waitMs: options.serviceRestartMs ?? defaultRestartMs,
      log,
    });
  }

  async function route(req: IncomingMessage, res: ServerResponse, origins: Origins): Promise<void> {
    const target = targetOf(req);
    if (!target)
      return sendError(req, res, { status: 400, message: 'The request target is not a path.', detail: null });
    const { query } = target;
    const path = target.path.replace(platformPaths, '');
    if (path === '/') return redirect(res, '/notebooks/');
    if (isRenewalPath(target.path) && origins.pages === local.pages)
      return handleRenewal({ tokens, owner }, req, res, target.path);
    if (path === '/auth' || path.startsWith('/auth/'))
      return handleAuth(auth, { req, res, path, query: new URLSearchParams(query), origins });
    if (openPaths.test(path) && isRead(req)) return toService(req, res, path + query, origins, undefined);
    const found = callers.of(req, origins);
    if ('error' in found) return sendError(req, res, { ...found.error, link: toAccount });
    if (servicePaths.test(path)) return toService(req, res, path + query, origins, found.caller);
    const link = { href: '/notebooks/', text: 'Projects and sessions' };
    sendError(req, res, { status: 404, message: 'This page does not exist.', detail: null, link });
  }

  async function gitAccess(req: IncomingMessage, origins: Origins): Promise<GitAccess | { error: ErrorResponse }> {
    const found = callers.of(req, origins);
    if ('error' in found) return found;
    const { user } = found.caller;
    return { token: user ? (await tokens.gitTokenOf(user)).token : null };
  }

  const cookieName = signInCookieName(local.pages);
  const host = new URL(local.pages).hostname;
  const own = keepCookieFile(options.cookieFile, { host, name: cookieName }, browsers, owner, now);
  return {
    addresses,
    handle: sameOriginOnly(addresses, route),
    signInLink: (next) => signInLink(external, next),
    gitAccess,
    sessions,
    cookieHeader: `${cookieName}=${own}`,
    close: () => proxy.close(),
  };
}

const toAccount = { href: '/auth/', text: 'How to sign in' };

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}
