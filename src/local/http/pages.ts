import type { ServerResponse } from 'node:http';
import { sendBody } from './responses.ts';

export interface Page {
  title: string;
  /** HTML in which the caller has escaped all text. */
  body: string;
  /** If set, the browser loads the page again after these seconds. */
  refreshSeconds?: number | undefined;
  headers?: Record<string, string>;
}

const style =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem}' +
  'h1{font-size:1.4rem}code{font-size:.9em;overflow-wrap:anywhere}input,button{font:inherit;padding:.3rem .7rem;margin:.2rem .3rem .2rem 0}';

/** Sends an HTML page without scripts. */
export function sendPage(res: ServerResponse, status: number, page: Page): void {
  const refresh =
    page.refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${page.refreshSeconds}">`;
  const html =
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `${refresh}<link rel="icon" href="data:,"><title>${escapeHtml(page.title)}</title><style>${style}</style></head>\n` +
    `<body><main><h1>${escapeHtml(page.title)}</h1>\n${page.body}\n</main></body></html>\n`;
  sendBody(res, status, html, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
    // With `no-referrer`, a browser would send `Origin: null` with the forms of the page itself.
    'Referrer-Policy': 'same-origin',
    ...page.headers,
  });
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
