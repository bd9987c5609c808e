import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { prefersHtml } from './browser-checks.ts';

/** What went wrong, said once and shown as a page to people and as JSON to programs. */
export interface Problem {
  status: number;
  /** One sentence. */
  message: string;
  /** What to do about it. */
  detail: string | null;
  link?: { href: string; text: string };
  /** The page loads itself again, and Retry-After says the same. */
  refreshSeconds?: number;
  headers?: Record<string, string>;
}

/** The API's numbers for HTTP errors: passing trouble is 3xxx, the platform's own 2xxx, the caller's 1xxx. */
const transient = new Set([408, 409, 410, 423, 424, 428, 503, 504]);
export function errorCode(status: number): number {
  return (transient.has(status) ? 3000 : status >= 500 ? 2000 : 1000) + status;
}

export function answerProblem(req: IncomingMessage, res: ServerResponse, problem: Problem): void {
  const headers = {
    ...(problem.refreshSeconds === undefined ? {} : { 'Retry-After': String(problem.refreshSeconds) }),
    ...problem.headers,
  };
  if (prefersHtml(req)) {
    const { detail, link } = problem;
    const text = [
      ...(detail === null ? [] : [paragraph(detail)]),
      ...(link ? [`<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p>`] : []),
    ];
    const refresh = problem.refreshSeconds === undefined ? {} : { refreshSeconds: problem.refreshSeconds };
    answerPage(res, problem.status, { title: problem.message, body: text.join('\n'), headers, ...refresh });
    return;
  }
  answerJson(res, problem.status, problemBody(problem), headers);
}

/** The same for a request that wanted to become a WebSocket: the socket is ended. */
export function refuseUpgrade(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problemBody(problem));
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nConnection: close\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function problemBody({ message, detail, status }: Problem): object {
  return { error: { message, detail, code: errorCode(status), requestId: randomUUID() } };
}

export function answerJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(body);
}

/** `status`: 302, or 303 after a POST, unless told. */
export function redirect(
  res: ServerResponse,
  location: string,
  headers: Record<string, string | string[]> = {},
  status = res.req.method === 'POST' ? 303 : 302,
): void {
  // Codes that work once are in some of these addresses: nothing keeps or passes them on.
  res.writeHead(status, {
    Location: location,
    'Content-Length': 0,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    ...headers,
  });
  res.end();
}

export interface SmallPage {
  title: string;
  /** Markup; whoever makes it escapes. */
  body: string;
  refreshSeconds?: number;
  headers?: Record<string, string>;
}

const style =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem}' +
  'h1{font-size:1.4rem}code{font-size:.9em;overflow-wrap:anywhere}input,button{font:inherit;padding:.3rem .7rem;margin:.2rem .3rem .2rem 0}';

export function answerPage(res: ServerResponse, status: number, page: SmallPage): void {
  const refresh =
    page.refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${page.refreshSeconds}">`;
  const body =
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
    `${refresh}<link rel="icon" href="data:,"><title>${escapeHtml(page.title)}</title><style>${style}</style></head>\n` +
    `<body><main><h1>${escapeHtml(page.title)}</h1>\n${page.body}\n</main></body></html>\n`;
  res.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // Not `no-referrer`: with that, a browser sends `Origin: null` with the forms of the page itself.
    'Referrer-Policy': 'same-origin',
    ...page.headers,
  });
  res.end(body);
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
