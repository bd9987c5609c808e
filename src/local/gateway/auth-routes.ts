import type { IncomingMessage, ServerResponse } from 'node:http';
import { basePath, insideSession, isSessionName } from '../ingress/session-path.ts';
import { answerJson, answerProblem, type Problem, redirect } from '../listener/answers.ts';
import { isPrefetch, isTopLevelNavigation } from '../listener/browser-checks.ts';
import { readAtMost } from '../listener/read-body.ts';
import { answerAccountPage } from './account-page.ts';
import type { Browser, Browsers } from './browsers.ts';
import type { OneTimeCodes } from './one-time-codes.ts';
import type { SessionSignIn } from './session-sign-in.ts';
import type { TokenIssuer } from './tokens.ts';
import { type LocalUser, subjectOf, userNamed } from './users.ts';

export interface AuthParts {
  publicOrigin: string;
  sessionOrigin: string;
  owner: LocalUser;
  browsers: Browsers;
  /** The browser that a request comes from, with its user as known today. */
  browserOf(req: IncomingMessage): Browser | undefined;
  /** Set-Cookie for a browser; undefined takes the cookie away. */
  setCookie(value: string | undefined): string;
  signInLink(next?: string): string;
  signInCodes: OneTimeCodes<true>;
  sessions: SessionSignIn;
  tokens: TokenIssuer;
}

const maxFormBytes = 4096;
const firstPage = '/notebooks/';

const signInFirst: Problem = {
  status: 401,
  message: 'Sign in first.',
  detail:
    'Open the link that the terminal printed. It works once, and for ten minutes; "npm start" prints a new one, and so does: ' +
    'curl -b cookies.txt -X POST /auth/links, with the cookie file and the address that the terminal named.',
};

/** What a route comes to, besides its own answers. */
type Outcome = { problem: Problem } | { location: string; setCookie?: string };

const toAccount = { href: '/auth/', text: 'Who am I?' };

/** Answers `/auth/*`. Whether the request may come from another site's page has been decided before. */
export async function handleAuth(
  parts: AuthParts,
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  query: URLSearchParams,
): Promise<void> {
  const browser = parts.browserOf(req);
  const route = `${req.method === 'HEAD' ? 'GET' : req.method} ${path}`;
  if (route === 'GET /auth/') {
    answerAccountPage(res, { owner: parts.owner, browser, isRegistered: await isRegistered(parts, browser) });
  } else if (route === 'GET /auth/me') {
    answerJson(res, 200, await me(parts, browser));
  } else if (route === 'GET /auth/jwks.json') {
    answerJson(res, 200, parts.tokens.jwks, { 'Cache-Control': 'public, max-age=300' });
  } else if (route === 'POST /auth/links' && browser) {
    answerJson(res, 201, { link: parts.signInLink() });
  } else {
    const outcome = await decide(parts, req, route, query, browser);
    if ('problem' in outcome) answerProblem(req, res, outcome.problem);
    else redirect(res, outcome.location, outcome.setCookie === undefined ? {} : { 'Set-Cookie': outcome.setCookie });
  }
}

async function decide(
  parts: AuthParts,
  req: IncomingMessage,
  route: string,
  query: URLSearchParams,
  browser: Browser | undefined,
): Promise<Outcome> {
  switch (route) {
    case 'GET /auth':
      return { location: '/auth/' };
    case 'GET /auth/sign-in':
      return signIn(parts, req, query, browser);
    case 'GET /auth/session':
      return goToSession(parts, req, query, browser);
    case 'POST /auth/become':
      return browser ? become(parts, await readForm(req), browser) : { problem: signInFirst };
    case 'POST /auth/anonymous':
      if (browser) parts.browsers.become(browser.id, null);
      return browser ? { location: '/auth/' } : { problem: signInFirst };
    case 'POST /auth/sign-out':
      if (browser) parts.browsers.close(browser.id);
      return { location: '/auth/', setCookie: parts.setCookie(undefined) };
    case 'POST /auth/links':
      return { problem: signInFirst };
    default:
      return { problem: { status: 404, message: 'There is no such page.', detail: null, link: toAccount } };
  }
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

/** The one-time link. Opened again by who is signed in, it just leads on. */
function signIn(parts: AuthParts, req: IncomingMessage, query: URLSearchParams, browser: Browser | undefined): Outcome {
  const location = ownPath(query.get('next'), parts.publicOrigin);
  if (req.method === 'HEAD' || isPrefetch(req)) {
    // A link checker or a browser that looks ahead: neither is the person who was given the link.
    return { problem: { status: 503, message: 'This link is opened by a person.', detail: null } };
  }
  if (parts.signInCodes.redeem(query.get('code') ?? '')) {
    if (browser) parts.browsers.close(browser.id);
    return { location, setCookie: parts.setCookie(parts.browsers.open(parts.owner).cookie) };
  }
  if (browser) return { location };
  return { problem: { ...signInFirst, message: 'This sign-in link has been used, or has run out.' } };
}

/** The way from a session to its site's cookie: see SessionSignIn. */
function goToSession(
  parts: AuthParts,
  req: IncomingMessage,
  query: URLSearchParams,
  browser: Browser | undefined,
): Outcome {
  const name = query.get('name') ?? '';
  if (!isSessionName(name)) {
    return { problem: { status: 400, message: 'This is not the name of a session.', detail: null } };
  }
  // Only a person who goes to a page: a script must not collect codes.
  if (!browser || !isTopLevelNavigation(req)) return { problem: signInFirst };
  if (!browser.user) {
    const message = 'This session belongs to a registered user.';
    const detail = 'You are looking at the platform as an anonymous visitor.';
    return { problem: { status: 403, message, detail, link: toAccount } };
  }
  const code = parts.sessions.issueCode(name, { browser: browser.id, user: browser.user });
  const back = new URLSearchParams({ code, next: insideSession(name, query.get('next')) });
  return { location: `${parts.sessionOrigin}${basePath(name)}.signed-in?${back}` };
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
  const content = await readAtMost(req, maxFormBytes);
  if (!content) return undefined;
  const isForm = req.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  return new URLSearchParams(isForm ? content.toString('utf8') : '');
}

/** A path on the pages' own site, whatever was asked for; its first page where that is none. */
export function ownPath(next: string | null | undefined, origin: string): string {
  if (!next?.startsWith('/') || next.length > 4096) return firstPage;
  const url = URL.parse(next, origin);
  // `//evil.test` and `/\evil.test` are paths to the eye and hosts to the parser.
  return url?.origin === origin ? `${url.pathname}${url.search}${url.hash}` : firstPage;
}
