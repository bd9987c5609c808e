import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type Duplex, pipeline, type Transform } from 'node:stream';
import type { Logger } from 'pino';
import { endToEnd, pairs, type RawHeaders } from './headers.ts';

/** Where a request goes: a unix socket, or a port on this machine. */
export type Upstream = { socketPath: string } | { port: number };

export interface ForwardOptions {
  upstream: Upstream;
  /** Path and query, as sent. */
  target: string;
  /** End-to-end headers, complete: Host, Cookie and whatever identifies the caller included. */
  headers: RawHeaders;
  /** A response header on its way back: the value to send, or undefined to drop it. `name` is in lower case. */
  responseHeader?: (name: string, value: string) => string | undefined;
  /** What changes the body of a response on its way back; undefined: nothing does. Not for WebSockets. */
  responseBody?: (response: IncomingMessage) => Transform | undefined;
  /** Nothing has been answered yet and nothing will be: say so to the caller. */
  onFailure: (error: NodeJS.ErrnoException) => void;
  log: Logger;
}

export interface ReverseProxy {
  forward(req: IncomingMessage, res: ServerResponse, options: ForwardOptions): void;
  /** A WebSocket. The upstream's refusal is passed on as it is. */
  forwardUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer, options: ForwardOptions): void;
  close(): void;
}

/** Milliseconds that one side of a WebSocket may stay open and silent after the other has ended. */
const halfOpenMs = 10_000;

/**
 * Passes requests to another HTTP server, streaming both ways: a slow reader slows the writer, a caller that goes away
 * ends the request behind, an answer that breaks off behind breaks off in front too. Nothing here is timed: a request
 * to Jupyter may take as long as it likes.
 */
export function createReverseProxy(): ReverseProxy {
  const agent = new Agent({ keepAlive: true });
  return {
    forward: (req, res, options) => forward(agent, req, res, options),
    forwardUpgrade,
    close: () => agent.destroy(),
  };
}

function forward(agent: Agent, req: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  const body = bodyOf(req);
  // A kept connection may be closed by the other side at the very moment it is used. Only what can simply be sent
  // again goes over one; the rest pays for a new connection, which costs little on one machine.
  const repeatable = !body.present && (req.method === 'GET' || req.method === 'HEAD');
  let outgoing: ClientRequest | undefined;
  res.once('close', () => {
    // The caller has its answer, or has gone: either way nobody needs the rest of the request behind, and of a body
    // that is not wanted the rest is read away, so that the connection is good for the next request.
    if (!req.complete) {
      if (outgoing) req.unpipe(outgoing);
      req.resume();
    }
    if (!res.writableFinished || !req.complete) outgoing?.destroy();
  });

  const attempt = (reuse: boolean): void => {
    const current = request({
      ...options.upstream,
      method: req.method,
      path: options.target,
      // Even where the connection is not used again: told `close`, a server that refuses a body early would close at
      // once, and its answer would be lost in the reset.
      headers: [...options.headers, ...body.framing, 'Connection', 'keep-alive'],
      agent: reuse ? agent : false,
    });
    outgoing = current;
    current.on('response', (incoming) => answer(incoming, res, options));
    current.on('error', (error: NodeJS.ErrnoException) => {
      if (res.destroyed) return;
      if (res.headersSent) {
        // The answer goes on or breaks off by itself; this is the rest of a request body that nobody wanted.
        options.log.debug({ err: error }, 'a request was not read to its end behind the proxy');
      } else if (reuse && current.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')) {
        attempt(false);
      } else {
        options.onFailure(error);
      }
    });
    if (body.present) req.pipe(current);
    else current.end();
  };
  attempt(repeatable);
}

/** How the body is framed, besides a Content-Length among the end-to-end headers. Never both: the parser refuses that. */
function bodyOf(req: IncomingMessage): { present: boolean; framing: RawHeaders } {
  if (req.headers['transfer-encoding'] !== undefined)
    return { present: true, framing: ['Transfer-Encoding', 'chunked'] };
  const length = req.headers['content-length'];
  if (length !== undefined) return { present: Number(length) > 0, framing: [] };
  // Said, since the client would otherwise announce a chunked body for these.
  const expectsBody = !['GET', 'HEAD', 'DELETE', 'OPTIONS'].includes(req.method ?? '');
  return { present: false, framing: expectsBody ? ['Content-Length', '0'] : [] };
}

function answer(incoming: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  if (res.destroyed) {
    incoming.destroy();
    return;
  }
  const change = options.responseBody?.(incoming);
  const headers = endToEnd(incoming.rawHeaders, (name) => change !== undefined && name === 'content-length');
  res.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, rewritten(headers, options));
  // A stream may be silent for long after its headers; a body of known length follows at once.
  if (incoming.headers['content-length'] === undefined) res.flushHeaders();
  pipeline(change ? [incoming, change, res] : [incoming, res], (error) => {
    if (error) options.log.debug({ err: error }, 'an answer broke off');
  });
}

function forwardUpgrade(_req: IncomingMessage, socket: Duplex, head: Buffer, options: ForwardOptions): void {
  let answered = false;
  const outgoing = request({
    ...options.upstream,
    method: 'GET',
    path: options.target,
    headers: [...options.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
    agent: false,
  });
  const abandon = () => outgoing.destroy();
  const stopWatching = watchForEnd(socket, abandon);

  outgoing.on('upgrade', (incoming, upstreamSocket, upstreamHead) => {
    answered = true;
    stopWatching();
    if (socket.destroyed) {
      upstreamSocket.destroy();
      return;
    }
    socket.write(statusAndHeaders(incoming, ['Connection', 'Upgrade', 'Upgrade', 'websocket'], options));
    if (upstreamHead.length > 0) upstreamSocket.unshift(upstreamHead);
    if (head.length > 0) socket.unshift(head);
    join(socket, upstreamSocket);
  });
  outgoing.on('response', (incoming) => {
    answered = true;
    socket.write(statusAndHeaders(incoming, ['Connection', 'close'], options));
    pipeline(incoming, socket, (error) => {
      if (error) options.log.debug({ err: error }, 'the refusal of a WebSocket broke off');
    });
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (socket.destroyed) return;
    if (answered) socket.destroy();
    else options.onFailure(error);
  });
  outgoing.end();
}

function rewritten(headers: RawHeaders, { responseHeader }: ForwardOptions): RawHeaders {
  if (!responseHeader) return headers;
  const sent: RawHeaders = [];
  for (const [name, value] of pairs(headers)) {
    const changed = responseHeader(name.toLowerCase(), value);
    if (changed !== undefined) sent.push(name, changed);
  }
  return sent;
}

function statusAndHeaders(incoming: IncomingMessage, connection: RawHeaders, options: ForwardOptions): string {
  const headers = [...rewritten(endToEnd(incoming.rawHeaders), options), ...connection];
  const lines = [...pairs(headers)].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}\r\n${lines.join('')}\r\n`;
}

/** Nobody reads the caller's socket before the upstream has answered; without reading, its end would go unnoticed. */
function watchForEnd(socket: Duplex, onEnd: () => void): () => void {
  const look = () => void socket.read(0);
  socket.on('readable', look);
  socket.once('end', onEnd);
  socket.once('close', onEnd);
  look();
  return () => {
    socket.off('readable', look);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
  };
}

/** Bytes both ways until both have ended; whichever breaks, breaks the other. */
function join(a: Duplex, b: Duplex): void {
  connect(a, b);
  connect(b, a);
}

function connect(from: Duplex, to: Duplex): void {
  if (from instanceof Socket) {
    from.setTimeout(0);
    from.setNoDelay(true);
    // A laptop that slept, a browser that was killed: found out within minutes instead of never.
    from.setKeepAlive(true, 60_000);
  }
  from.pipe(to);
  from.once('error', () => to.destroy());
  from.once('end', () => {
    if (to instanceof Socket) to.setTimeout(halfOpenMs, () => to.destroy());
  });
  from.once('close', () => {
    // What was received before is still delivered.
    if (to instanceof Socket) to.destroySoon();
    else to.end();
  });
}
