/**
 * Determines where the body of a message ends (RFC 9112 6). The reverse proxy determines this once, from the result of Node's
 * parser, and writes new length headers for the next hop: the next hop never gets the sender's own length headers.
 */
import type { IncomingMessage } from 'node:http';
import type { RawHeaders } from './headers.ts';

export interface Framing {
  hasBody: boolean;
  /** Content-Length or Transfer-Encoding, never both. */
  headers: RawHeaders;
}

const chunked: RawHeaders = ['Transfer-Encoding', 'chunked'];

/** Methods for which an HTTP client sends no length if there is no body. */
const bodilessMethods = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** Returns the framing with which the request is sent to the next hop. */
export function requestFraming(req: IncomingMessage): Framing {
  if (req.headers['transfer-encoding'] !== undefined) return { hasBody: true, headers: chunked };
  const length = req.headers['content-length'];
  if (length !== undefined) {
    const bytes = BigInt(length);
    return { hasBody: bytes > 0n, headers: ['Content-Length', String(bytes)] };
  }
  // For other methods Node's client would send a chunked body if there were no length.
  return { hasBody: false, headers: bodilessMethods.has(req.method ?? '') ? [] : ['Content-Length', '0'] };
}

/** Returns the length header of a response. Without one, Node frames the body as the caller's HTTP version allows. */
export function responseFraming(incoming: IncomingMessage): RawHeaders {
  const length = incoming.headers['content-length'];
  // RFC 9110 8.6: a 204 has no Content-Length.
  return length === undefined || incoming.statusCode === 204 ? [] : ['Content-Length', length];
}

export interface InvalidRequest {
  status: number;
  message: string;
}

/**
 * Returns why the end of a request is ambiguous although Node's parser accepted it; undefined for a valid request.
 * Node itself rejects two lengths, a length beside a transfer coding, and line breaks in headers.
 */
export function invalidFraming(req: IncomingMessage): InvalidRequest | undefined {
  const { httpVersion } = req;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return { status: 505, message: 'Only HTTP/1.1 is supported.' };
  }
  const coding = req.headers['transfer-encoding'];
  if (coding === undefined) return undefined;
  // RFC 9112 6.1: HTTP/1.0 does not have this header.
  if (httpVersion === '1.0') return { status: 400, message: 'HTTP/1.0 has no Transfer-Encoding.' };
  if (!isChunked(coding)) return { status: 501, message: 'The only supported transfer coding is chunked.' };
  return undefined;
}

/** Returns true for a response that cannot be forwarded: its end is ambiguous, or its status line is not valid HTTP. */
export function isInvalidResponse(incoming: IncomingMessage): boolean {
  const { statusCode = 0, statusMessage = '' } = incoming;
  const coding = incoming.headers['transfer-encoding'];
  return (
    statusCode < 200 || !/^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) || (coding !== undefined && !isChunked(coding))
  );
}

function isChunked(coding: string): boolean {
  return coding.trim().toLowerCase() === 'chunked';
}

/** Returns true for a WebSocket request. Every other Upgrade is ignored (RFC 9110 7.8) and the request handled as usual. */
export function isWebSocketRequest(req: IncomingMessage): boolean {
  const protocols = (req.headers['upgrade'] ?? '').toLowerCase().split(',');
  return req.method === 'GET' && protocols.some((protocol) => protocol.trim() === 'websocket');
}
