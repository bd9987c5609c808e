import { mkdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { stringifySetCookie } from 'cookie';
import type { Logger } from 'pino';
import { answerProblem, type Problem, redirect } from '../listener/answers.ts';
import {
  cookiePairs,
  endToEnd,
  filterCookies,
  forwardedHeaders,
  isImpostor,
  type RawHeaders,
} from '../listener/headers.ts';
import { targetOf } from '../listener/request-target.ts';
import { createReverseProxy, type Upstream } from '../listener/reverse-proxy.ts';
import { sameSiteOnly } from '../listener/same-site.ts';
import { type AuthParts, handleAuth, ownPath } from './auth-routes.ts';
import { type Browser, Browsers } from './browsers.ts';
import { readCookieFile, writeCookieFile } from './cookie-file.ts';
import { OneTimeCodes } from './one-time-codes.ts';
import { SessionSignIn } from './session-sign-in.ts';
import { createTokenIssuer, type IssueGitToken } from './tokens.ts';
import type { LocalUser } from './users.ts';

export interface GatewayOptions {
  /** Keys and signed-in browsers; made if need be, 0700. */
  stateDir: string;
  /** `cookies.txt` for `curl -b`: signs in as the owner. Written at once, 0600. */
  cookieFile: string;
  /** Pages, API and this gateway: `http://127.0.0.1:8000`. */
  publicOrigin: string;
  /** Sessions: `http://localhost:8000`. */
  sessionOrigin: string;
  /** Whom the one-time link signs in. */
  user: LocalUser;
  gitUrl: string;
  issueGitToken: IssueGitToken;
  serviceTarget: Upstream;
  /** Milliseconds that a request waits for a service that is being restarted; 20 s unless told. */
  serviceRestartMs?: number;
  log: Logger;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

export interface Gateway {
  readonly publicOrigin: string;
  readonly sessionOrigin: string;
  /** Everything on the pages' site that is not another part's. */
  handle(req: IncomingMessage, res: ServerResponse): Promise<void>;
  /** A link that signs a browser in as the owner, once, within ten minutes, and leads to `next`, a path. */
  signInLink(next?: string): string;
  /** The user whose browser it is; undefined for anonymous visitors. */
  userOf(req: IncomingMessage): LocalUser | undefined;
  /** For the ingress: recognises on the sessions' site who is signed in on this one. */
  readonly sessions: SessionSignIn;
  /** For a program of this process that acts as the owner: the value of a Cookie header. */
  readonly cookieHeader: string;
  close(): void;
}

const signInLinkMs = 10 * 60 * 1000;
const weekMs = 7 * 24 * 60 * 60 * 1000;
/**
 * A restart of the service takes two seconds on an idle machine. Waiting costs the caller less than an error does: an
 * EventSource gives up for good at the first answer that is not 200.
 */
const defaultRestartMs = 20_000;
const servicePaths = /^\/(notebooks|health|ready)(\/|$)/;

const starting: Problem = {
  status: 503,
  message: 'The service is not running yet.',
  detail: 'It is being started. Try again in a moment.',
  refreshSeconds: 2,
};
const broken: Problem = { status: 502, message: 'The service broke off.', detail: 'Try again; its log tells more.' };
const noToken: Problem = {
  status: 503,
  message: 'The access token for git could not be made.',
  detail: 'Try again; the log of the platform tells more.',
};

/**
 * Stands where a platform's gateway stands: knows who a browser belongs to and tells the service in the headers that
 * only a gateway may set. Whoever is not signed in passes without them, and is to the service what it makes of that.
 *
 * The cookie is SameSite=Lax and not Strict: the way into a session leads from `localhost` back to here, which is
 * another site, and with Strict everybody would seem to be signed out there. What Strict would keep away besides is
 * refused by `sameSiteOnly`.
 */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { publicOrigin, sessionOrigin, user: owner, serviceTarget, log, now = Date.now } = options;
  const file = (name: string) => join(options.stateDir, name);
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const browsers = new Browsers(file('browsers.json'), log, now);
  const sessions = new SessionSignIn(browsers, file('session-pass.key'), log, now);
  const signInCodes = new OneTimeCodes<true>(signInLinkMs, now);
  const tokens = await createTokenIssuer({
    keyFile: file('signing-key.pem'),
    issuer: `${publicOrigin}/auth`,
    gitUrl: options.gitUrl,
    issueGitToken: options.issueGitToken,
    log,
    now,
  });
  const { port, hostname } = new URL(publicOrigin);
  // Cookies are shared by all ports of a host: two platforms must not sign each other's users out.
  const cookieName = `notebook-sessions-gateway-${port}`;
  const proxy = createReverseProxy();

  function browserOf(req: IncomingMessage): Browser | undefined {
    for (const { name, value } of cookiePairs(req.rawHeaders)) {
      const browser = name === cookieName ? browsers.byCookie(value) : undefined;
      // The owner's name and address may have changed since.
      if (browser) return browser.user?.username === owner.username ? { ...browser, user: owner } : browser;
    }
    return undefined;
  }

  const signInLink = (next?: string): string =>
    `${publicOrigin}/auth/sign-in?${new URLSearchParams({ code: signInCodes.issue(true), next: ownPath(next, publicOrigin) })}`;

  const auth: AuthParts = {
    publicOrigin,
    sessionOrigin,
    owner,
    browsers,
    browserOf,
    setCookie: (value) => {
      const expiresAt = value === undefined ? now() : (browsers.byCookie(value)?.expiresAt ?? now());
      const maxAge = Math.floor((expiresAt - now()) / 1000);
      return stringifySetCookie({
        name: cookieName,
        value: value ?? '',
        httpOnly: true,
        sameSite: 'lax',
        path: '/',
        maxAge,
      });
    },
    signInLink,
    signInCodes,
    sessions,
    tokens,
  };

  async function toService(req: IncomingMessage, res: ServerResponse, target: string): Promise<void> {
    const browser = browserOf(req);
    const headers: RawHeaders = endToEnd(req.rawHeaders, (name) => isImpostor(name) || name === 'cookie');
    const cookies = filterCookies(req.rawHeaders, (name) => name !== cookieName);
    if (cookies !== undefined) headers.push('Cookie', cookies);
    headers.push(...forwardedHeaders(req.socket.remoteAddress, new URL(publicOrigin).host));
    if (browser?.user) {
      try {
        headers.push(...((await tokens.headersFor(browser.user)) ?? []).flat());
      } catch (error) {
        log.error({ err: error }, 'no git token could be issued');
        const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
        answerProblem(req, res, full ? { ...noToken, detail: 'The disk is full: free some space.' } : noToken);
        return;
      }
    }
    proxy.forward(req, res, {
      upstream: serviceTarget,
      target,
      headers,
      onFailure: (error) => {
        log.warn({ err: error }, 'the service does not answer');
        answerProblem(req, res, error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? starting : broken);
      },
      waitMs: options.serviceRestartMs ?? defaultRestartMs,
      log,
    });
  }

  async function route(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const target = targetOf(req);
    if (!target) return answerProblem(req, res, { status: 400, message: 'The request names no page.', detail: null });
    const { path, query } = target;
    if (path === '/') return redirect(res, '/notebooks/');
    if (path === '/auth' || path.startsWith('/auth/'))
      return handleAuth(auth, req, res, path, new URLSearchParams(query));
    if (servicePaths.test(path)) return toService(req, res, path + query);
    const link = { href: '/notebooks/', text: 'Projects and sessions' };
    answerProblem(req, res, { status: 404, message: 'There is no such page.', detail: null, link });
  }

  const cookie = keepCookieFile(options.cookieFile, { host: hostname, name: cookieName }, browsers, owner, now);
  return {
    publicOrigin,
    sessionOrigin,
    handle: sameSiteOnly(publicOrigin, route),
    signInLink,
    userOf: (req) => browserOf(req)?.user ?? undefined,
    sessions,
    cookieHeader: `${cookieName}=${cookie}`,
    close: () => proxy.close(),
  };
}

/** The cookie of the file from before while it is good for another week, else a new one. Always the owner's. */
function keepCookieFile(
  file: string,
  cookie: { host: string; name: string },
  browsers: Browsers,
  owner: LocalUser,
  now: () => number,
): string {
  const kept = readCookieFile(file, cookie.name);
  const browser = kept === undefined ? undefined : browsers.byCookie(kept);
  if (kept !== undefined && browser?.user?.username === owner.username && browser.expiresAt - now() > weekMs)
    return kept;
  const opened = browsers.open(owner);
  writeCookieFile(file, { ...cookie, value: opened.cookie, expiresAt: opened.browser.expiresAt });
  return opened.cookie;
}
