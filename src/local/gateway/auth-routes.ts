import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBodyUpTo } from '../http/body.ts';
import { isPrefetch, isTopLevelNavigation } from '../http/browser-requests.ts';
import { type ErrorResponse, sendError } from '../http/errors.ts';
import { osUserOf } from '../http/peer.ts';
import { redirect, sendJson } from '../http/responses.ts';
import type { Addresses, Origins } from '../origins/origins.ts';
import { basePath, insideSession, isSessionName } from '../session-path.ts';
import { sendAccountPage } from './account-page.ts';
import type { Browser, Browsers } from './browsers.ts';
import { type Callers, signInFirst } from './callers.ts';
import type { OneTimeCodes } from './one-time-codes.ts';
import type { SessionSignIn } from './session-sign-in.ts';
import type { SignInCookie } from './sign-in-cookie.ts';
import type { TokenIssuer } from './tokens.ts';
import { type LocalUser, subjectOf, userNamed } from './users.ts';

export interface AuthParts {
  addresses: Addresses;
  owner: LocalUser;
  browsers: Browsers;
  cookie: SignInCookie;
  callers: Callers;
  signInLink(origins: Origins, next?: string): string;
  signInCodes: OneTimeCodes<true>;
  sessions: SessionSignIn;
  tokens: TokenIssuer;
}

export interface AuthRequest {
  req: IncomingMessage;
  res: ServerResponse;
  path: string;
  query: URLSearchParams;
  origins: Origins;
}

/** A request with its caller. */
interface Call extends AuthRequest {
  /** undefined if the caller is not a signed-in browser. */
  browser: Browser | undefined;
  /** The error for a caller that is not a signed-in browser. */
  notSignedIn: ErrorResponse;
}

/** The result of a route that does not send a response itself. */
type Outcome = { error: ErrorResponse } | { location: string; setCookie?: string };

const maxFormBytes = 4096;
const firstPage = '/notebooks/';
const toAccount = { href: '/auth/', text: 'Your account' };

/** Handles `/auth/*`. Requests from pages of other origins have been rejected before. */
export async function handleAuth(parts: AuthParts, request: AuthRequest): Promise<void> {
  const { req, res, origins } = request;
  const found = parts.callers.of(req, origins);
  const browser = 'caller' in found ? found.caller.browser : undefined;
  const notSignedIn = 'error' in found ? found.error : signInFirst;
  const route = `${req.method === 'HEAD' ? 'GET' : req.method} ${request.path}`;
  if (route === 'GET /auth/') {
    sendAccountPage(res, { owner: parts.owner, browser, isRegistered: await isRegistered(parts, browser) });
  } else if (route === 'GET /auth/me') {
    sendJson(res, 200, await describeCaller(parts, browser));
  } else if (route === 'GET /auth/jwks.json') {
    sendJson(res, 200, parts.tokens.jwks, { 'Cache-Control': 'public, max-age=300' });
  } else if (route === 'POST /auth/links' && browser) {
    const { local, external } = parts.addresses;
    sendJson(res, 201, { link: parts.signInLink(origins.pages === local.pages ? external : origins) });
  } else if (route === 'POST /auth/tokens' && browser?.user) {
    await sendNewToken(parts, req, res, browser.user);
  } else {
    const outcome = await outcomeOf(parts, route, { ...request, browser, notSignedIn });
    if ('error' in outcome) sendError(req, res, outcome.error);
    else redirect(res, outcome.location, outcome.setCookie === undefined ? {} : { 'Set-Cookie': outcome.setCookie });
  }
}

async function outcomeOf(parts: AuthParts, route: string, call: Call): Promise<Outcome> {
  const { req, origins, browser, notSignedIn } = call;
  switch (route) {
    case 'GET /auth':
      return { location: '/auth/' };
    case 'GET /auth/sign-in':
      return signIn(parts, call);
    case 'GET /auth/session':
      return goToSession(parts, call);
    case 'POST /auth/become':
      return browser ? switchUser(parts, await readForm(req), browser) : { error: notSignedIn };
    case 'POST /auth/anonymous':
      if (browser) parts.browsers.switchUser(browser.id, null);
      return browser ? { location: '/auth/' } : { error: notSignedIn };
    case 'POST /auth/sign-out':
      if (browser) parts.browsers.signOut(browser.id);
      return { location: '/auth/', setCookie: parts.cookie.set(undefined, origins.pages) };
    case 'POST /auth/links':
      return { error: notSignedIn };
    case 'POST /auth/tokens':
      return { error: browser ? noTokenForVisitors : notSignedIn };
    default:
      return { error: { status: 404, message: 'This page does not exist.', detail: null, link: toAccount } };
  }
}

const noTokenForVisitors: ErrorResponse = {
  status: 403,
  message: 'Anonymous visitors cannot have tokens.',
  detail: 'Switch to a user first.',
  link: toAccount,
};

/** Sends a new token for git, the registry and the API. The token is not shown again. */
async function sendNewToken(
  parts: AuthParts,
  req: IncomingMessage,
  res: ServerResponse,
  user: LocalUser,
): Promise<void> {
  const { token, expiresAt } = await parts.tokens.newGitToken(user);
  if (token === null || expiresAt === null) {
    const detail = 'The git server is a real GitLab: create an access token there.';
    sendError(req, res, { status: 404, message: 'This platform does not issue tokens.', detail });
    return;
  }
  sendJson(res, 201, { token, username: user.username, expires: expiresAt.toISOString() });
}

/** Returns true if the service handles the caller as a user and not as an anonymous visitor, which requires a git token. */
async function isRegistered(parts: AuthParts, browser: Browser | undefined): Promise<boolean> {
  return browser?.user ? (await parts.tokens.headersFor(browser.user)) !== undefined : false;
}

async function describeCaller(parts: AuthParts, browser: Browser | undefined): Promise<object> {
  const registered = await isRegistered(parts, browser);
  const { user } = browser ?? {};
  return {
    kind: registered ? 'registered' : 'anonymous',
    signed_in: browser !== undefined,
    ...(user && registered ? { id: subjectOf(user), username: user.username, name: user.name, email: user.email } : {}),
    switch_url: '/auth/',
  };
}

/** Handles the one-time link. In a browser that is signed in already, a used link redirects as well. */
function signIn(parts: AuthParts, { req, query, origins, browser }: Call): Outcome {
  const location = ownPath(query.get('next'), origins.pages);
  if (req.method === 'HEAD' || isPrefetch(req)) {
    // A link checker or a prefetching browser must not make the one-time link invalid.
    return { error: { status: 503, message: 'This link must be opened in a browser.', detail: null } };
  }
  const code = query.get('code') ?? '';
  if (parts.signInCodes.isOpen(code)) {
    const osUser = osUserOf(req);
    if (osUser === 'closed' || !mayUseLinks(osUser, parts.addresses, origins)) return { error: linkOfAnotherUser };
    parts.signInCodes.redeem(code);
    const opened = parts.browsers.signIn(parts.owner, osUser, browser);
    return { location, setCookie: parts.cookie.set(opened.cookie, origins.pages) };
  }
  if (browser) return { location };
  return { error: { ...signInFirst, message: 'This sign-in link has already been used or has expired.' } };
}

const linkOfAnotherUser: ErrorResponse = {
  status: 403,
  message: 'This link works only for the user of this machine who started the platform.',
  detail: 'Open it in a browser of that user, on this machine or through an SSH connection of that user.',
};

/**
 * While a browser is started with a link, the link is visible in the process list. So it works only for the platform's own
 * user; for root, which may do everything (on Windows, a browser connects through a relay of root); and for a connection
 * with an unknown user. At the public address, the user of the connection is the user of the proxy.
 */
function mayUseLinks(osUser: number | null, { external, local }: Addresses, origins: Origins): boolean {
  if (osUser === null || osUser === 0 || osUser === process.getuid?.()) return true;
  return origins.pages === external.pages && external.pages !== local.pages;
}

/** Redirects to a session with a code, for which the ingress sets a cookie: see SessionSignIn. */
function goToSession(parts: AuthParts, { req, query, origins, browser, notSignedIn }: Call): Outcome {
  const name = query.get('name') ?? '';
  if (!isSessionName(name)) {
    return { error: { status: 400, message: 'This is not the name of a session.', detail: null } };
  }
  // Only for navigation: a script must not collect codes.
  if (!browser || !isTopLevelNavigation(req)) return { error: notSignedIn };
  const code = parts.sessions.issueCode(name, { browser: browser.id, user: browser.user });
  const back = new URLSearchParams({ code, next: insideSession(name, query.get('next')) });
  return { location: `${origins.sessions}${basePath(name)}.signed-in?${back}` };
}

function switchUser(parts: AuthParts, form: URLSearchParams | undefined, browser: Browser): Outcome {
  if (!form) return { error: { status: 413, message: 'The form is too large.', detail: null } };
  const user = userNamed(form.get('username') ?? '', parts.owner);
  if (!user) {
    const detail = 'A user name may contain letters, digits, ".", "_" and "-", and must not begin with "." or "-".';
    return { error: { status: 422, message: 'The user name is not valid.', detail, link: toAccount } };
  }
  parts.browsers.switchUser(browser.id, user);
  return { location: '/auth/' };
}

/** Returns the fields of a form, none for a body of another type; undefined if the body is too large. */
async function readForm(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  const content = await readBodyUpTo(req, maxFormBytes);
  if (!content) return undefined;
  const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return new URLSearchParams(isForm ? content.toString('utf8') : '');
}

/** Returns `next` if it is a path of `origin`; the first page otherwise. */
export function ownPath(next: string | null | undefined, origin: string): string {
  if (!next?.startsWith('/') || next.length > 4096) return firstPage;
  const url = URL.parse(next, origin);
  if (url?.origin !== origin) return firstPage;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `//evil.test` and `/\evil.test` look like paths, but URL parsers interpret them as hosts. `/.//evil.test` becomes such a
  // path when its dot segment is removed.
  return URL.parse(path, origin)?.href === url.href ? path : firstPage;
}
