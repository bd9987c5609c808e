import type { ServerResponse } from 'node:http';
import { escapeHtml, paragraph, sendPage } from '../http/pages.ts';
import type { Browser } from './browsers.ts';
import type { LocalUser } from './users.ts';

export interface Account {
  owner: LocalUser;
  /** undefined: not signed in. */
  browser: Browser | undefined;
  /** Whether the service gets to see the browser's user at all: that takes a git token. */
  isRegistered: boolean;
}

/** Who one is on this machine, and the ways to be somebody else: without script, so that nothing on it can be tricked. */
export function answerAccountPage(res: ServerResponse, account: Account): void {
  const { owner, browser, isRegistered } = account;
  if (!browser) {
    sendPage(res, 200, {
      title: 'You are not signed in',
      body: [
        paragraph(
          'To sign in, open the link that the terminal printed when the platform was started. It works once, and for ten minutes. ' +
            'Another one: curl -b cookies.txt -X POST /auth/links, with the cookie file and the address that the terminal named.',
        ),
      ].join('\n'),
    });
    return;
  }
  const { user } = browser;
  const title = user
    ? `You are ${user.name === user.username ? user.name : `${user.name} (${user.username})`}`
    : 'You are an anonymous visitor';
  sendPage(res, 200, {
    title,
    body: [
      ...(user && !isRegistered
        ? [
            paragraph(
              'There is no access token for GitLab, so the service takes you for an anonymous visitor. Set GITLAB_TOKEN and start again.',
            ),
          ]
        : []),
      ...(user?.username === owner.username
        ? []
        : [form('become', `Be ${owner.username} again`, hidden('username', owner.username))]),
      form(
        'become',
        'Be this user',
        '<label>Another user of this machine: <input name="username" required maxlength="63" autocomplete="off" autocapitalize="none" spellcheck="false"></label>',
      ),
      ...(user ? [form('anonymous', 'Be an anonymous visitor')] : []),
      form('sign-out', 'Sign out'),
      ...(user
        ? []
        : [paragraph('After that, this visitor’s sessions can be reached with kubectl only: stop them first.')]),
      toSessions,
    ].join('\n'),
  });
}

const toSessions = '<p><a href="/notebooks/">Projects and sessions</a></p>';

function form(action: string, button: string, fields = ''): string {
  return `<form method="post" action="/auth/${action}">${fields}<button>${escapeHtml(button)}</button></form>`;
}

function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`;
}
