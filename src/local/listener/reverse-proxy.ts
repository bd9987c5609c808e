import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { type Duplex, pipeline, type Transform } from 'node:stream';
import type { Logger } from 'pino';
import { answerFraming, isUnclearAnswer, requestFraming } from './framing.ts';
import { endToEnd, pairs, type RawHeaders } from './headers.ts';
import { isOwnListener } from './peer.ts';

/** Where a request goes: a unix socket, or a port of a loopback address. */
export type Upstream = { socketPath: string } | { host: string; port: number };

/**
 * Why nothing is sent to an upstream: on its port nothing listens, or a program of another user, as after its server's end.
 * Asked before each connection.
 */
function refusalOf(upstream: Upstream): NodeJS.ErrnoException | undefined {
  if (!('port' in upstream) || isOwnListener(upstream.host, upstream.port)) return undefined;
  return Object.assign(new Error(`no program of this user listens on ${upstream.host}:${upstream.port}`), {
    code: 'ECONNREFUSED',
  });
}

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
  /**
   * Milliseconds that a request that can be repeated waits for an upstream that is being restarted: one that does not
   * listen, or that broke off before its answer. 0 unless told.
   */
  waitMs?: number;
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
/** A program that is being restarted gives no event across the process boundary: it is tried this often. */
const askAgainMs = 100;
/** Whatever NODE_OPTIONS says: a lenient parser reads lengths and line ends that the other side reads differently. */
const strictly = { insecureHTTPParser: false };

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
  const body = requestFraming(req);
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  // A kept connection may be closed by the other side at the very moment it is used. Only what can simply be sent
  // again goes over one; the rest pays for a new connection, which costs little on one machine.
  const repeatable = !body.hasBody && isRead;
  const waitUntil = performance.now() + (options.waitMs ?? 0);
  let outgoing: ClientRequest | undefined;
  let again: NodeJS.Timeout | undefined;
  res.once('close', () => {
    clearTimeout(again);
    // The caller has its answer, or has gone: either way nothing needs the rest of the request behind, and of a body
    // that is not wanted the rest is read away, so that the connection is good for the next request.
    if (!req.complete) {
      if (outgoing) req.unpipe(outgoing);
      req.resume();
    }
    if (!res.writableFinished || !req.complete) outgoing?.destroy();
  });

  const waitOr = (error: NodeJS.ErrnoException): void => {
    if (performance.now() < waitUntil && repeatable && (isAway(error) || isCut(error))) {
      again = setTimeout(() => attempt(false), askAgainMs);
    } else {
      options.onFailure(error);
    }
  };
  const attempt = (reuse: boolean): void => {
    const refusal = refusalOf(options.upstream);
    if (refusal) {
      waitOr(refusal);
      return;
    }
    const current = request({
      ...options.upstream,
      ...strictly,
      method: req.method,
      path: options.target,
      // Even where the connection is not used again: told `close`, a server that refuses a body early would close at
      // once, and its answer would be lost in the reset.
      headers: [...options.headers, ...body.headers, 'Connection', 'keep-alive'],
      agent: reuse ? agent : false,
    });
    outgoing = current;
    const failed = (error: NodeJS.ErrnoException) => {
      if (res.destroyed) return;
      if (res.headersSent) {
        // The answer goes on or breaks off by itself; this is the rest of a request body that was not wanted.
        options.log.debug({ err: error }, 'a request was not read to its end behind the proxy');
      } else if (reuse && current.reusedSocket && isCut(error)) {
        attempt(false);
      } else {
        waitOr(error);
      }
    };
    current.on('response', (incoming) => {
      if (!isUnclearAnswer(incoming)) return answer(incoming, res, options);
      incoming.destroy();
      failed(new Error('the answer is not one of HTTP'));
    });
    current.on('upgrade', (_incoming, upstreamSocket) => {
      upstreamSocket.destroy();
      failed(new Error('the answer switches protocols although the request did not ask for it'));
    });
    current.on('error', failed);
    if (body.hasBody) req.pipe(current);
    else current.end();
  };
  attempt(repeatable);
}

/** Nothing listens there. */
function isAway({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

/** The connection ended before there was an answer. */
function isCut({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function answer(incoming: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  if (res.destroyed) {
    incoming.destroy();
    return;
  }
  const change = options.responseBody?.(incoming);
  // A body that is changed has another length.
  const framing = change ? [] : answerFraming(incoming);
  const headers = [...rewritten(endToEnd(incoming.rawHeaders), options), ...framing];
  res.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, headers);
  // A stream may be silent for long after its headers; a body of known length follows at once.
  if (incoming.headers['content-length'] === undefined) res.flushHeaders();
  pipeline(change ? [incoming, change, res] : [incoming, res], (error) => {
    if (error) options.log.debug({ err: error }, 'an answer broke off');
  });
}

function forwardUpgrade(_req: IncomingMessage, socket: Duplex, head: Buffer, options: ForwardOptions): void {
  const refusal = refusalOf(options.upstream);
  if (refusal) {
    options.onFailure(refusal);
    return;
  }
  let answered = false;
  const outgoing = request({
    ...options.upstream,
    ...strictly,
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
    socket.write(statusAndHeaders(incoming, ['Connection', 'Upgrade', 'Upgrade', 'websocket'], options), 'latin1');
    if (upstreamHead.length > 0) upstreamSocket.unshift(upstreamHead);
    if (head.length > 0) socket.unshift(head);
    join(socket, upstreamSocket);
  });
  outgoing.on('response', (incoming) => {
    if (isUnclearAnswer(incoming)) {
      outgoing.destroy(new Error('the answer is not one of HTTP'));
      return;
    }
    answered = true;
    socket.write(statusAndHeaders(incoming, [...answerFraming(incoming), 'Connection', 'close'], options), 'latin1');
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
