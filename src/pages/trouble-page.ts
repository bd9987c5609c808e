import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

export interface TroubleText {
  status: number;
  message: string;
  detail: string | null;
  requestId: string;
}

const headings: Record<number, string> = {
  400: 'That address is not right',
  401: 'You are not signed in',
  403: 'You may not do that',
  404: 'Not found',
  429: 'Too many requests',
};

/** An error as a page for people. Its status is the response's status. */
export function troubleTitle(status: number): string {
  return headings[status] ?? (status >= 500 ? 'Something is out of order' : 'That did not work');
}

export function troublePage(trouble: TroubleText, root: string): Markup {
  return html`
<div class="launch">
  <h1>${troubleTitle(trouble.status)}</h1>
  <div class="card launch-card">
    <p class="lead">${trouble.message}</p>
    ${trouble.detail && html`<p>${trouble.detail}</p>`}
    <div class="actions">
      ${
        trouble.status >= 429 || trouble.status === 401
          ? html`<a class="button primary" href="">${icon('retry')}Try again</a>
      <a class="button" href="${root}">Your sessions</a>`
          : html`<a class="button primary" href="${root}">Your sessions and projects</a>`
      }
    </div>
  </div>
  <p class="trouble-id quiet">${trouble.status} · request <code>${trouble.requestId}</code></p>
</div>`;
}
