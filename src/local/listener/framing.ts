import type { IncomingMessage } from 'node:http';
import type { RawHeaders } from './headers.ts';

/**
 * Where a message ends is decided here, once, from what the parser has read, and written anew for the next hop: no
 * header of the sender frames what is sent on (RFC 9112 6). `headers` is never Content-Length and Transfer-Encoding both.
 */
export interface Framing {
  hasBody: boolean;
  headers: RawHeaders;
}

/** Methods for which an HTTP client says nothing where there is no body. */
const bodiless = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** How the request's body is sent on. */
export function requestFraming(req: IncomingMessage): Framing {
  if (req.headers['transfer-encoding'] !== undefined) return { hasBody: true, headers: chunked };
  const length = req.headers['content-length'];
  if (length !== undefined) {
    const bytes = BigInt(length);
    return { hasBody: bytes > 0n, headers: ['Content-Length', String(bytes)] };
  }
  // Said, since the client would otherwise announce a chunked body for these.
  return { hasBody: false, headers: bodiless.has(req.method ?? '') ? [] : ['Content-Length', '0'] };
}

/** How an answer's body is sent on. Without a length Node frames it as the caller's version of HTTP allows. */
export function answerFraming(incoming: IncomingMessage): RawHeaders {
  const length = incoming.headers['content-length'];
  // RFC 9110 8.6: none in an answer that has no content.
  return length === undefined || incoming.statusCode === 204 ? [] : ['Content-Length', length];
}

/**
 * Why a request cannot be read without doubt about its end, although Node's parser let it pass; undefined for all others.
 * What the parser refuses itself (two lengths, a length beside a coding, line breaks in a header) does not come here.
 */
export function unclearRequest(req: IncomingMessage): { status: number; message: string } | undefined {
  const { httpVersion } = req;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return { status: 505, message: 'Only HTTP/1.1 is spoken here.' };
  }
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // RFC 9112 6.1: an HTTP/1.0 sender cannot have meant it.
  if (httpVersion === '1.0') return { status: 400, message: 'HTTP/1.0 has no Transfer-Encoding.' };
  if (!isChunked(coding))
    return { status: 501, message: 'The only transfer coding that is understood here is chunked.' };
  return undefined;
}

/** Whether the answer cannot be passed on as it is: a caller could not tell where it ends, or whether it is one. */
export function isUnclearAnswer(incoming: IncomingMessage): boolean {
  const { statusCode = 0, statusMessage = '' } = incoming;
  const coding = incoming.headers['transfer-encoding'];
  return (
    statusCode < 200 || !/^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) || (coding !== undefined && !isChunked(coding))
  );
}

const chunked: RawHeaders = ['Transfer-Encoding', 'chunked'];

function isChunked(coding: string): boolean {
  return coding.trim().toLowerCase() === 'chunked';
}

/** Whether the request asks for a WebSocket. Any other Upgrade is ignored (RFC 9110 7.8), and the request answered. */
export function wantsWebSocket(req: IncomingMessage): boolean {
  const protocols = (req.headers['upgrade'] ?? '').toLowerCase().split(',');
  return req.method === 'GET' && protocols.some((protocol) => protocol.trim() === 'websocket');
}
