import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

export interface ErrorText {
  /** Status of the response. */
  status: number;
  message: string;
  detail: string | null;
  requestId: string;
}

const headings: Record<number, string> = {
  400: 'Invalid address',
  401: 'You are not signed in',
  403: 'You do not have access',
  404: 'Not found',
  429: 'Too many requests',
};

/** Returns the heading for an error with this status. */
export function errorTitle(status: number): string {
  return headings[status] ?? (status >= 500 ? 'Something went wrong' : 'The request failed');
}

/** Returns the page for an error. @param root relative URL of the service's prefix. */
export function errorPage({ status, message, detail, requestId }: ErrorText, root: string): Markup {
  return html`
<div class="launch">
  <h1>${errorTitle(status)}</h1>
  <div class="card launch-card">
    <p class="lead">${message}</p>
    ${detail && html`<p>${detail}</p>`}
    <div class="actions">
      ${
        status >= 429 || status === 401
          ? html`<a class="button primary" href="">${icon('retry')}Try again</a>
      <a class="button" href="${root}">Your sessions</a>`
          : html`<a class="button primary" href="${root}">Your sessions and projects</a>`
      }
    </div>
  </div>
  <p class="error-id quiet">${status} · request <code>${requestId}</code></p>
</div>`;
}
