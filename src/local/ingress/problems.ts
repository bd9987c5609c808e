import type { ErrorResponse } from '../http/errors.ts';
import type { SessionAccess } from './session-access.ts';

/** What the ingress has to say instead of passing a request on. */
export interface Problems {
  noPage: ErrorResponse;
  /** For a page; programs get `serverGone`. */
  noSession: ErrorResponse;
  serverGone: ErrorResponse;
  ambiguous: ErrorResponse;
  signInFirst: ErrorResponse;
  brokeOff: ErrorResponse;
  codeUsed(next: string): ErrorResponse;
  /** undefined: an anonymous visitor. */
  notYours(username: string | undefined): ErrorResponse;
  notRunning(state: SessionAccess['state']): ErrorResponse;
}

/** Every page leads to the sessions page of `publicOrigin`. */
export function problemsFor(publicOrigin: string): Problems {
  const link = { href: `${publicOrigin}/notebooks/`, text: 'Projects and sessions' };
  const problem = (status: number, message: string, detail: string | null = null): ErrorResponse => ({
    status,
    message,
    detail,
    link,
  });
  const noSession = problem(404, 'This session was stopped, or never existed.', 'Its project can be launched again.');
  return {
    noSession,
    // As JupyterHub answers for a server that is gone: a 404 is to JupyterLab a folder that is not there, and it asks for
    // the one above at once, for ever.
    serverGone: { ...noSession, status: 424 },
    noPage: problem(404, 'There is no such page.', 'Only sessions answer here.'),
    ambiguous: problem(
      400,
      'The address leads out of the session.',
      'Write it without "." and ".." between its slashes.',
    ),
    signInFirst: problem(
      401,
      'Sign in first.',
      'Open the session in a browser that is signed in. A program sends an access token of the session as "Authorization: token ..."; POST /notebooks/servers/NAME/tokens makes one.',
    ),
    brokeOff: problem(502, 'The session’s server broke off.', 'Try again; its log, on the sessions page, tells more.'),
    codeUsed: (next) => ({
      status: 401,
      message: 'You were not recognised in time.',
      detail: null,
      link: { href: next, text: 'Open the session again' },
    }),
    notYours: (username) => ({
      ...problem(
        403,
        'This session belongs to another user.',
        username === undefined ? 'You are an anonymous visitor.' : `You are signed in as ${username}.`,
      ),
      link: { href: `${publicOrigin}/auth/`, text: 'Be another user' },
    }),
    notRunning: (state) => {
      if (state === 'failed')
        return problem(
          503,
          'The session has failed.',
          'The sessions page says why, with the end of its log, and restarts it.',
        );
      if (state === 'hibernated')
        return problem(503, 'The session is hibernated.', 'The sessions page says how it is resumed.');
      const starting = problem(503, 'The session is starting.', 'This page opens it as soon as it is there.');
      return { ...starting, refreshSeconds: 2 };
    },
  };
}
