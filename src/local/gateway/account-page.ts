import type { ServerResponse } from 'node:http';
import { escapeHtml, paragraph, sendPage } from '../http/pages.ts';
import type { Browser } from './browsers.ts';
import type { LocalUser } from './users.ts';

export interface Account {
  owner: LocalUser;
  /** undefined: not signed in. */
  browser: Browser | undefined;
  /** False without a git token: then the service handles the user as an anonymous user. */
  isRegistered: boolean;
}

/** Sends the page that shows the current user and switches to another one. The page has no scripts. */
export function sendAccountPage(res: ServerResponse, { owner, browser, isRegistered }: Account): void {
  if (!browser) {
    const body = paragraph(
      'To sign in, open the link that the terminal printed when the platform was started. The link works once, within ten minutes. ' +
        'For a new link: curl -b cookies.txt -X POST /auth/links, with the cookie file and the address that the terminal printed.',
    );
    sendPage(res, 200, { title: 'You are not signed in', body });
    return;
  }
  const { user } = browser;
  sendPage(res, 200, {
    title: user
      ? `You are ${user.name === user.username ? user.name : `${user.name} (${user.username})`}`
      : 'You are an anonymous visitor',
    body: [
      ...(user && !isRegistered
        ? [
            paragraph(
              'There is no access token for GitLab, so the service handles you as an anonymous visitor. Set GITLAB_TOKEN and start again.',
            ),
          ]
        : []),
      ...(user?.username === owner.username
        ? []
        : [form('become', `Switch back to ${owner.username}`, hidden('username', owner.username))]),
      form(
        'become',
        'Switch to this user',
        '<label>Another user of this machine: <input name="username" required maxlength="63" autocomplete="off" autocapitalize="none" spellcheck="false"></label>',
      ),
      ...(user ? [form('anonymous', 'Switch to an anonymous visitor')] : []),
      form('sign-out', 'Sign out'),
      ...(user
        ? []
        : [
            paragraph(
              'After a sign-out, only kubectl can reach the sessions of this visitor: stop them before you sign out.',
            ),
          ]),
      '<p><a href="/notebooks/">Projects and sessions</a></p>',
    ].join('\n'),
  });
}

function form(action: string, button: string, fields = ''): string {
  return `<form method="post" action="/auth/${action}">${fields}<button>${escapeHtml(button)}</button></form>`;
}

function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`;
}
