import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { endToEnd, type RawHeaders } from '../../lib/reverse-proxy/headers.ts';
import { createReverseProxy, type Upstream } from '../../lib/reverse-proxy/reverse-proxy.ts';
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
import { SessionSignIn } from './session-sign-in.ts';
import { createSignInCookie, signInCookieName } from './sign-in-cookie.ts';
import { createTokenIssuer, type IssueGitToken } from './tokens.ts';
import type { LocalUser } from './users.ts';

export interface GatewayOptions {
  /** Keys and signed-in browsers; made if need be, 0700. */
  stateDir: string;
  /** `cookies.txt` for `curl -b`: signs in as the owner. Written at once, 0600. */
  cookieFile: string;
  addresses: Addresses;
  /** Whom the one-time link signs in. */
  user: LocalUser;
  gitUrl: string;
  issueGitToken: IssueGitToken;
  /** The name of the user whose git token this is; undefined for any other text. */
  userOfGitToken(token: string): string | undefined;
  serviceTarget: Upstream;
  /** Milliseconds that a request waits for a service that is being restarted; 20 s by default. */
  serviceRestartMs?: number;
  log: Logger;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface Gateway {
  readonly addresses: Addresses;
  /** Everything on the pages' site that is not another part's. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** A link that signs a browser in as the owner, once, within ten minutes, and leads to `next`, a path. */
  signInLink(next?: string): string;
  /** For the forge and the registry: the caller's git token. */
  gitAccess(req: IncomingMessage, origins: Origins): Promise<GitAccess | { problem: ErrorResponse }>;
  /** For the ingress: recognises on the sessions' site who is signed in on this one. */
  readonly sessions: SessionSignIn;
  /** For a program of this process that acts as the owner: the value of a Cookie header. */
  readonly cookieHeader: string;
  close(): void;
}

/** What a signed-in caller may do at the git server; `token` is null for what an anonymous visitor may. */
export interface GitAccess {
  readonly token: string | null;
}

const signInLinkMs = 10 * 60 * 1000;
/**
 * A restart of the service takes two seconds on an idle machine. Waiting costs the caller less than an error does: an
 * EventSource gives up for good at the first answer that is not 200.
 */
const defaultRestartMs = 20_000;
const servicePaths = /^\/(notebooks|health|ready)(\/|$)/;
/** Where a platform publishes the service; its command line and its pages call it there. */
const platformPaths = /^\/(?:api|ui-server\/api)(?=\/notebooks(?:\/|$))/;
/** What is answered without a sign-in: whether it runs, and the styles and scripts of the pages. */
const openPaths = /^\/(?:health|ready)$|^\/notebooks\/assets\/\w+\/[\w-]+\.\w+$/;

const starting: ErrorResponse = {
  status: 503,
  message: 'The service is not running yet.',
  detail: 'It is being started. Try again in a moment.',
  refreshSeconds: 2,
};
const broken: ErrorResponse = {
  status: 502,
  message: 'The service broke off.',
  detail: 'Try again; its log tells more.',
};
const noToken: ErrorResponse = {
  status: 503,
  message: 'The access token for git could not be made.',
  detail: 'Try again; the log of the platform tells more.',
};

/**
 * Stands where a platform's gateway stands: knows who a browser belongs to and tells the service in the headers that
 * only a gateway may set. Without a sign-in nothing is passed on, because a session on this machine is a process of its
 * owner; an anonymous visitor is a state of a signed-in browser.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { addresses, user: owner, serviceTarget, log, now = Date.now } = options;
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

  /** Returns the identity headers for the service; undefined if an error was sent instead. */
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
      log.error({ err: error }, 'no git token could be issued');
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
    // Before anything is waited for: a sign-out meanwhile ends this request, too.
    if (caller?.browser) browsers.endWith(caller.browser.id, res);
    const identity = await identityHeaders(caller, req, res);
    if (!identity || res.destroyed) return;
    const others = createOriginRewriter(local, origins);
    const isProgram = caller !== undefined && caller.browser === undefined;
    const kept = endToEnd(
      req.rawHeaders,
      (name) =>
        isGatewayHeader(name) ||
        ['cookie', 'authorization'].includes(name) ||
        // A program's, such as a platform's pages that pass a browser's request on: nothing of that browser counts here.
        (isProgram && /^(origin|referer|sec-fetch-.*)$/.test(name)),
    );
    const headers = others ? others.requestHeaders(kept, 'pages') : kept;
    const cookies = filterCookies(req.rawHeaders, (name) => name !== signInCookieName(origins.pages));
    if (cookies !== undefined) headers.push('Cookie', cookies);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, new URL(local.pages).host), ...identity);
    proxy.forward(req, res, {
      upstream: serviceTarget,
      target,
      headers,
      ...(others ? { responseHeader: others.responseHeader, responseBody: others.responseBody } : {}),
      onFailure: (error) => {
        log.warn({ err: error }, 'the service does not answer');
        sendError(req, res, error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? starting : broken);
      },
      waitMs: options.serviceRestartMs ?? defaultRestartMs,
      log,
    });
  }

  async function route(req: IncomingMessage, res: ServerResponse, origins: Origins): Promise<void> {
    const target = targetOf(req);
    if (!target) return sendError(req, res, { status: 400, message: 'The request names no page.', detail: null });
    const { query } = target;
    const path = target.path.replace(platformPaths, '');
    if (path === '/') return redirect(res, '/notebooks/');
    if (path === '/auth' || path.startsWith('/auth/'))
      return handleAuth(auth, req, res, { path, query: new URLSearchParams(query), origins });
    if (openPaths.test(path) && isRead(req)) return toService(req, res, path + query, origins, undefined);
    const found = callers.of(req, origins);
    if ('problem' in found) return sendError(req, res, { ...found.problem, link: toAccount });
    if (servicePaths.test(path)) return toService(req, res, path + query, origins, found.caller);
    const link = { href: '/notebooks/', text: 'Projects and sessions' };
    sendError(req, res, { status: 404, message: 'There is no such page.', detail: null, link });
  }

  async function gitAccess(req: IncomingMessage, origins: Origins): Promise<GitAccess | { problem: ErrorResponse }> {
    const found = callers.of(req, origins);
    if ('problem' in found) return found;
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
