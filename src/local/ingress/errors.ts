import type { ErrorResponse } from '../http/errors.ts';
import type { SessionAccess } from './session-access.ts';

/** The error responses of the ingress. */
export interface IngressErrors {
  noPage: ErrorResponse;
  /** For pages; programs get `serverGone`. */
  noSession: ErrorResponse;
  serverGone: ErrorResponse;
  ambiguousPath: ErrorResponse;
  signInFirst: ErrorResponse;
  connectionClosed: ErrorResponse;
  codeExpired(next: string): ErrorResponse;
  /** `username` is undefined for an anonymous visitor. */
  notYours(username: string | undefined): ErrorResponse;
  notRunning(state: SessionAccess['state']): ErrorResponse;
  noAgent: ErrorResponse;
}

/** Returns the errors with links to the sessions page at `pagesOrigin`. */
export function ingressErrors(pagesOrigin: string): IngressErrors {
  const link = { href: `${pagesOrigin}/notebooks/`, text: 'Projects and sessions' };
  const error = (status: number, message: string, detail: string | null = null): ErrorResponse => ({
    status,
    message,
    detail,
    link,
  });
  const noSession = error(404, 'This session does not exist. It may have been stopped.', 'Launch its project again.');
  return {
    noSession,
    // 424 as in JupyterHub: JupyterLab takes a 404 for a missing folder, and requests the folder above it again and again.
    noAgent: error(404, 'This session has no agent.', 'Sessions of anonymous visitors cannot save their work.'),
    serverGone: { ...noSession, status: 424 },
    noPage: error(404, 'This page does not exist.', 'Only sessions are served at this address.'),
    ambiguousPath: error(
      400,
      'The path leads out of the session.',
      'Write it without "." and ".." between its slashes.',
    ),
    signInFirst: error(
      401,
      'Sign in first.',
      'Open the session in a browser that is signed in. A program sends an access token of the session as "Authorization: token ..."; POST /notebooks/servers/NAME/tokens creates one.',
    ),
    connectionClosed: error(
      502,
      'The session’s server closed the connection.',
      'Try again. The log on the sessions page may have the reason.',
    ),
    codeExpired: (next) => ({
      status: 401,
      message: 'Opening the session took too long.',
      detail: null,
      link: { href: next, text: 'Open the session again' },
    }),
    notYours: (username) => ({
      ...error(
        403,
        'This session belongs to another user.',
        username === undefined ? 'You are an anonymous visitor.' : `You are signed in as ${username}.`,
      ),
      link: { href: `${pagesOrigin}/auth/`, text: 'Switch to another user' },
    }),
    notRunning: (state) => {
      if (state === 'failed') {
        const detail = 'The sessions page shows the reason and the end of the log, and can restart the session.';
        return error(503, 'The session has failed.', detail);
      }
      if (state === 'hibernated') {
        return error(503, 'The session is hibernated.', 'The sessions page shows how to resume it.');
      }
      const starting = error(503, 'The session is starting.', 'This page opens the session when it is ready.');
      return { ...starting, refreshSeconds: 2 };
    },
  };
}
