import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { prefersHtml } from './browser-requests.ts';
import { escapeHtml, paragraph, sendPage } from './pages.ts';
import { sendJson } from './responses.ts';

/** An error response: an HTML page for browsers, JSON for programs. */
export interface ErrorResponse {
  status: number;
  /** One sentence. */
  message: string;
  /** The remedy: a sentence about what the caller can do. */
  detail: string | null;
  link?: { href: string; text: string };
  /** Seconds after which the browser loads the page again. The Retry-After header has the same value. */
  refreshSeconds?: number;
  headers?: Record<string, string>;
}

/** The statuses of temporary errors. */
const temporary = new Set([408, 409, 410, 423, 424, 428, 503, 504]);

/** Returns the API's code for an HTTP error: 3xxx for a temporary one, 2xxx for the platform's, 1xxx for the caller's. */
export function errorCode(status: number): number {
  return (temporary.has(status) ? 3000 : status >= 500 ? 2000 : 1000) + status;
}

export function sendError(req: IncomingMessage, res: ServerResponse, error: ErrorResponse): void {
  const { status, message, detail, link, refreshSeconds } = error;
  const headers = {
    ...(refreshSeconds === undefined ? {} : { 'Retry-After': String(refreshSeconds) }),
    ...error.headers,
  };
  if (!prefersHtml(req)) {
    sendJson(res, status, bodyOf(error), headers);
    return;
  }
  const body = [
    ...(detail === null ? [] : [paragraph(detail)]),
    ...(link ? [`<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p>`] : []),
  ].join('\n');
  sendPage(res, status, { title: message, body, refreshSeconds, headers });
}

/** Sends an error to a WebSocket request and ends the socket. */
export function rejectUpgrade(socket: Duplex, error: ErrorResponse): void {
  const body = JSON.stringify(bodyOf(error));
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function bodyOf({ message, detail, status }: ErrorResponse): object {
  return { error: { message, detail, code: errorCode(status), requestId: randomUUID() } };
}
