import type { ServerResponse } from 'node:http';

type Headers = Record<string, string | number | string[]>;

/** Sends the whole response. Its type is in `headers`. For HEAD, Node sends the headers alone. */
export function sendBody(res: ServerResponse, status: number, content: string | Buffer, headers: Headers): void {
  res.writeHead(status, {
    'Content-Length': Buffer.byteLength(content),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  res.end(content);
}

export function sendJson(res: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  sendBody(res, status, JSON.stringify(value), { 'Content-Type': 'application/json', ...headers });
}

/** Sends plain text, with a line break at its end. */
export function sendText(res: ServerResponse, status: number, text: string, headers: Headers = {}): void {
  sendBody(res, status, `${text}\n`, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
}

/** Sends a redirect: 302 by default, 303 after a POST. */
export function redirect(
  res: ServerResponse,
  location: string,
  headers: Headers = {},
  status = res.req.method === 'POST' ? 303 : 302,
): void {
  // Some of these addresses contain one-time codes: they must not be stored or sent to another site.
  sendBody(res, status, '', { Location: location, 'Referrer-Policy': 'no-referrer', ...headers });
}
