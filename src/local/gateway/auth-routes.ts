import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBodyUpTo } from '../http/body.ts';
import { isPrefetch, isTopLevelNavigation } from '../http/browser-requests.ts';
import { type ErrorResponse, sendError } from '../http/errors.ts';
import { osUserOf } from '../http/peer.ts';
import { redirect, sendJson } from '../http/responses.ts';
import type { Addresses, Origins } from '../origins/origins.ts';
import { basePath, insideSession, isSessionName } from '../session-path.ts';
import { answerAccountPage } from './account-page.ts';
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
  path: string;
  query: URLSearchParams;
  origins: Origins;
}

const maxFormBytes = 4096;
const firstPage = '/notebooks/';

const toAccount = { href: '/auth/', text: 'Who am I?' };

/** What a route comes to, besides its own answers. */
type Outcome = { problem: ErrorResponse } | { location: string; setCookie?: string };

/** Answers `/auth/*`. Whether the request may come from another site's page has been decided before. */
export async function handleAuth(
  parts: AuthParts,
  req: IncomingMessage,
  res: ServerResponse,
  asked: AuthRequest,
): Promise<void> {
  const found = parts.callers.of(req, asked.origins);
  const browser = 'caller' in found ? found.caller.browser : undefined;
  const refusal = 'problem' in found ? found.problem : signInFirst;
  const route = `${req.method === 'HEAD' ? 'GET' : req.method} ${asked.path}`;
  if (route === 'GET /auth/') {
    answerAccountPage(res, { owner: parts.owner, browser, isRegistered: await isRegistered(parts, browser) });
  } else if (route === 'GET /auth/me') {
    sendJson(res, 200, await me(parts, browser));
  } else if (route === 'GET /auth/jwks.json') {
    sendJson(res, 200, parts.tokens.jwks, { 'Cache-Control': 'public, max-age=300' });
  } else if (route === 'POST /auth/links' && browser) {
    const { local, external } = parts.addresses;
    sendJson(res, 201, { link: parts.signInLink(asked.origins.pages === local.pages ? external : asked.origins) });
  } else if (route === 'POST /auth/tokens' && browser?.user) {
    await giveToken(parts, req, res, browser.user);
  } else {
    const outcome = await decide(parts, req, route, asked, browser, refusal);
    if ('problem' in outcome) sendError(req, res, outcome.problem);
    else redirect(res, outcome.location, outcome.setCookie === undefined ? {} : { 'Set-Cookie': outcome.setCookie });
  }
}

async function decide(
  parts: AuthParts,
  req: IncomingMessage,
  route: string,
  { query, origins }: AuthRequest,
  browser: Browser | undefined,
  refusal: ErrorResponse,
): Promise<Outcome> {
  switch (route) {
    case 'GET /auth':
      return { location: '/auth/' };
    case 'GET /auth/sign-in':
      return signIn(parts, req, query, origins, browser);
    case 'GET /auth/session':
      return goToSession(parts, req, query, origins, browser, refusal);
    case 'POST /auth/become':
      return browser ? become(parts, await readForm(req), browser) : { problem: refusal };
    case 'POST /auth/anonymous':
      if (browser) parts.browsers.become(browser.id, null);
      return browser ? { location: '/auth/' } : { problem: refusal };
    case 'POST /auth/sign-out':
      if (browser) parts.browsers.close(browser.id);
      return { location: '/auth/', setCookie: parts.cookie.set(undefined, origins.pages) };
    case 'POST /auth/links':
      return { problem: refusal };
    case 'POST /auth/tokens':
      return { problem: browser ? noTokenForVisitors : refusal };
    default:
      return { problem: { status: 404, message: 'There is no such page.', detail: null, link: toAccount } };
  }
}

const noTokenForVisitors: ErrorResponse = {
  status: 403,
  message: 'An anonymous visitor has no token.',
  detail: 'Be a user first.',
  link: toAccount,
};

/** A new token for git, the registry and the API, shown this once. */
async function giveToken(parts: AuthParts, req: IncomingMessage, res: ServerResponse, user: LocalUser): Promise<void> {
  const { token, expiresAt } = await parts.tokens.newGitToken(user);
  if (token === null || expiresAt === null) {
    const detail = 'The git server is a GitLab of its own: make an access token there.';
    sendError(req, res, { status: 404, message: 'Tokens are not made here.', detail });
    return;
  }
  sendJson(res, 201, { token, username: user.username, expires: expiresAt.toISOString() });
}

/** Whether the service gets to see a user at all: that takes a git token. */
async function isRegistered(parts: AuthParts, browser: Browser | undefined): Promise<boolean> {
  return browser?.user ? (await parts.tokens.headersFor(browser.user)) !== undefined : false;
}

async function me(parts: AuthParts, browser: Browser | undefined): Promise<object> {
  const registered = await isRegistered(parts, browser);
  const { user } = browser ?? {};
  return {
    kind: registered ? 'registered' : 'anonymous',
    signed_in: browser !== undefined,
    ...(user && registered ? { id: subjectOf(user), username: user.username, name: user.name, email: user.email } : {}),
    switch_url: '/auth/',
  };
}

/** The one-time link. Opened again in a browser that is signed in, it just leads on. */
function signIn(
  parts: AuthParts,
  req: IncomingMessage,
  query: URLSearchParams,
  origins: Origins,
  browser: Browser | undefined,
): Outcome {
  const location = ownPath(query.get('next'), origins.pages);
  if (req.method === 'HEAD' || isPrefetch(req)) {
    // A link checker or a browser that looks ahead: neither is the person who was given the link.
    return { problem: { status: 503, message: 'This link is opened by a person.', detail: null } };
  }
  const code = query.get('code') ?? '';
  if (parts.signInCodes.isOpen(code)) {
    const osUser = osUserOf(req);
    if (osUser === 'gone' || !mayUseLinks(osUser, parts.addresses, origins)) return { problem: strangersLink };
    parts.signInCodes.redeem(code);
    const opened = parts.browsers.open(parts.owner, osUser, browser);
    return { location, setCookie: parts.cookie.set(opened.cookie, origins.pages) };
  }
  if (browser) return { location };
  return { problem: { ...signInFirst, message: 'This sign-in link has been used, or has run out.' } };
}

const strangersLink: ErrorResponse = {
  status: 403,
  message: 'This link is for the user of this machine who has started the platform.',
  detail: 'Open it in a browser of that user, here or through an SSH connection of that user.',
};

/**
 * A link stands in the process list of this machine while a browser is started with it. Besides the platform's own user
 * root may use it (it may do everything; on Windows a browser comes through a relay of root), and a relay that the kernel
 * does not know; to the public address a browser comes through the proxy's user.
 */
function mayUseLinks(osUser: number | null, { external, local }: Addresses, origins: Origins): boolean {
  if (osUser === null || osUser === 0 || osUser === process.getuid?.()) return true;
  return origins.pages === external.pages && external.pages !== local.pages;
}

/** The way from a session to its site's cookie: see SessionSignIn. */
function goToSession(
  parts: AuthParts,
  req: IncomingMessage,
  query: URLSearchParams,
  origins: Origins,
  browser: Browser | undefined,
  refusal: ErrorResponse,
): Outcome {
  const name = query.get('name') ?? '';
  if (!isSessionName(name)) {
    return { problem: { status: 400, message: 'This is not the name of a session.', detail: null } };
  }
  // Only a person who goes to a page: a script must not collect codes.
  if (!browser || !isTopLevelNavigation(req)) return { problem: refusal };
  const code = parts.sessions.issueCode(name, { browser: browser.id, user: browser.user });
  const back = new URLSearchParams({ code, next: insideSession(name, query.get('next')) });
  return { location: `${origins.sessions}${basePath(name)}.signed-in?${back}` };
}

function become(parts: AuthParts, form: URLSearchParams | undefined, browser: Browser): Outcome {
  if (!form) return { problem: { status: 413, message: 'The form is too large.', detail: null } };
  const user = userNamed(form.get('username') ?? '', parts.owner);
  if (!user) {
    const detail = 'It may hold letters, digits, ".", "_" and "-", and begins with none of "." and "-".';
    return { problem: { status: 422, message: 'This is no user name.', detail, link: toAccount } };
  }
  parts.browsers.become(browser.id, user);
  return { location: '/auth/' };
}

/** The fields of a form; undefined for one that is too long. Any other body has no fields. */
async function readForm(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  const content = await readBodyUpTo(req, maxFormBytes);
  if (!content) return undefined;
  const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return new URLSearchParams(isForm ? content.toString('utf8') : '');
}

/** A path on the pages' own site, whatever was asked for; its first page where that is none. */
export function ownPath(next: string | null | undefined, origin: string): string {
  if (!next?.startsWith('/') || next.length > 4096) return firstPage;
  const url = URL.parse(next, origin);
  if (url?.origin !== origin) return firstPage;
  const path = `${url.pathname}${url.search}${url.hash}`;
  // `//evil.test` and `/\evil.test` are paths to the eye and hosts to the parser, and a path such as `/.//evil.test` is
  // one only before its steps are taken out.
  return URL.parse(path, origin)?.href === url.href ? path : firstPage;
}
