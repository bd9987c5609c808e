import type { Response } from 'express';
import type { Identity } from '../identity/types.ts';
import { sessionContainers } from '../session-contract/containers.ts';
import { type Fragment, html, type Markup } from './html.ts';
import { icon, iconSheet, logo } from './icons.ts';

/** The containers of sessions, for the scripts (assets/containers.js). */
const containers = sessionContainers.map(({ name, role, step }) => ({ name, role, step }));

export interface Page {
  title: string;
  /** Relative URL of the service's prefix (`./`, `../../`), which is valid for any path prefix of a gateway. */
  root: string;
  assetsVersion: string;
  /** The caller; undefined if the caller is not identified. */
  identity: Identity | undefined;
  serviceVersion: string;
  /** Names of files in assets/. The script is a module. */
  styles: string[];
  script: string;
  body: Fragment;
  /** Milliseconds after which the service ends a request with an error. */
  deadlineMs: number;
  /** Whether sessions have volumes that outlive their pods, so that sessions can be hibernated. */
  hasVolumes: boolean;
}

export function sendPage(res: Response, status: number, page: Page): void {
  // Isolates this page from pages of other sites that open it. The content security policy (only the service's own files, no
  // inline code, no frames) is a header of every response of the service.
  res.set('Cross-Origin-Opener-Policy', 'same-origin');
  res.status(status).type('html').send(documentOf(page, status).text);
}

function documentOf(page: Page, status: number): Markup {
  const asset = (name: string) => `${page.root}assets/${page.assetsVersion}/${name}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title}</title>
<link rel="icon" type="image/svg+xml" href="${asset('favicon.svg')}">
${page.styles.map((name) => html`<link rel="stylesheet" href="${asset(name)}">\n`)}
<script type="module" src="${asset(page.script)}"></script>
</head>
<body data-root="${page.root}" data-containers="${JSON.stringify(containers)}"
  data-deadline-ms="${page.deadlineMs}" data-hibernates="${String(page.hasVolumes && page.identity?.kind === 'registered')}">
${iconSheet}
<a class="skip" href="#content">Skip to content</a>
<header class="top">
  <a class="brand" href="${page.root}">${logo}<span>Notebook Sessions</span></a>
  ${account(page.identity, status)}
</header>
<main id="content" tabindex="-1">
<noscript><p class="error">These pages need JavaScript to show your sessions.</p></noscript>
${page.body}
</main>
<footer class="bottom">
  <p>Notebook Sessions ${page.serviceVersion}</p>
  <p><a href="${page.root}docs">API documentation</a></p>
</footer>
<div class="sr" role="status" id="announcements"></div>
</body>
</html>
`;
}

/** Returns the user's name. The script adds a link to sign in or to switch the user (assets/account.js). */
function account(identity: Identity | undefined, status: number): Markup {
  if (!identity && status !== 401) return html`<p class="account" id="account" data-kind="none"></p>`;
  const { name, title } = describe(identity);
  return html`<p class="account" id="account" title="${title}" data-kind="${identity?.kind ?? 'none'}">
    ${icon('user')}<span class="account-name">${name}</span></p>`;
}

function describe(identity: Identity | undefined): { name: string; title: string } {
  if (!identity) return { name: 'Not signed in', title: '' };
  if (identity.kind === 'anonymous') return { name: 'Anonymous', title: 'Only this browser can find your sessions' };
  return { name: identity.fullName || identity.username, title: `Signed in as ${identity.username}` };
}
