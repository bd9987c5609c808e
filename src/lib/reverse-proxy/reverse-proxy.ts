import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { Socket } from 'node:net';
import { type Duplex, pipeline, type Transform } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { isInvalidResponse, requestFraming, responseFraming } from './framing.ts';
import { endToEnd, pairs, type RawHeaders } from './headers.ts';

/** The server that gets the requests: a Unix socket, or a port of a host, with TLS if there is a context. */
export type Upstream = { socketPath: string } | { host: string; port: number; secureContext?: SecureContext };

export interface ReverseProxyOptions {
  /**
   * Called before each connection to a port. If it returns false, the proxy does not connect and reports ECONNREFUSED.
   * By default every port is allowed.
   */
  mayConnect?: (host: string, port: number) => boolean;
}

export interface ForwardOptions {
  upstream: Upstream;
  /** Path and query, as received. */
  target: string;
  /** All headers for the upstream, Host included, without hop-by-hop headers (see `endToEnd`). */
  headers: RawHeaders;
  /** Returns the value to send for a response header, or undefined to drop it. `name` is in lower case. */
  responseHeader?: (name: string, value: string) => string | undefined;
  /** Returns a stream that changes the body of a response, or undefined to leave it. Not called for WebSockets. */
  responseBody?: (response: IncomingMessage) => Transform | undefined;
  /**
   * Milliseconds for which a GET or HEAD request is tried again while the upstream restarts: it does not listen, or closes
   * the connection before it responds. 0 by default.
   */
  waitMs?: number;
  /**
   * Whether a request with a body may use a kept-alive connection. If the upstream closes the connection at that moment, the request
   * fails: the caller must repeat it.
   */
  mayReuseWithBody?: boolean;
  /** Time limits of the connection to the upstream in milliseconds; none by default. */
  timeouts?: {
    /** Until the connection is open, with TLS. */
    connectMs: number;
    /** Without any data in either direction. */
    idleMs: number;
  };
  /** Called with a response before anything of it is sent. If it returns true, the callback sends another response. */
  interceptResponse?: (response: IncomingMessage) => boolean;
  /** Called if there is no response from the upstream; the callback must send one. */
  onFailure: (error: NodeJS.ErrnoException) => void;
  log: Pick<Logger, 'debug'>;
}

export interface ReverseProxy {
  forward(req: IncomingMessage, res: ServerResponse, options: ForwardOptions): void;
  /** Forwards a WebSocket request. If the upstream rejects it, that response is passed on. */
  forwardUpgrade(socket: Duplex, head: Buffer, options: ForwardOptions): void;
  close(): void;
}

/** Milliseconds that one side of a WebSocket may stay open and silent after the other side has ended. */
const halfOpenMs = 10_000;
/** Milliseconds between attempts while the upstream restarts: there is no event when the upstream listens again. */
const retryMs = 100;
/** Overrides NODE_OPTIONS: a lenient parser reads lengths and line ends differently from the other side. */
const strictParser = { insecureHTTPParser: false };

/**
 * Returns a reverse proxy that streams in both directions: a slow reader slows the writer down, and a connection that
 * breaks on one side is closed on the other. There is no timeout: a response may take any time.
 */
export function createReverseProxy({ mayConnect = () => true }: ReverseProxyOptions = {}): ReverseProxy {
  const proxy: Proxy = {
    agent: new Agent({ keepAlive: true }),
    tlsAgent: new TlsAgent({ keepAlive: true }),
    mayConnect,
  };
  return {
    forward: (req, res, options) => forward(proxy, req, res, options),
    forwardUpgrade: (socket, head, options) => forwardUpgrade(proxy, socket, head, options),
    close() {
      proxy.agent.destroy();
      proxy.tlsAgent.destroy();
    },
  };
}

interface Proxy {
  readonly agent: Agent;
  readonly tlsAgent: TlsAgent;
  readonly mayConnect: (host: string, port: number) => boolean;
}

const usesTls = (upstream: Upstream): boolean => 'secureContext' in upstream;

/** Returns the error for an upstream to which the proxy may not connect; undefined if it may. */
function rejectionOf(upstream: Upstream, { mayConnect }: Proxy): NodeJS.ErrnoException | undefined {
  if (!('port' in upstream) || mayConnect(upstream.host, upstream.port)) return undefined;
  return Object.assign(new Error(`connections to ${upstream.host}:${upstream.port} are not allowed`), {
    code: 'ECONNREFUSED',
  });
}

function forward(proxy: Proxy, req: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  const body = requestFraming(req);
  // An upstream may close a kept-alive connection at the moment it is used. Only requests that can be sent again use one;
  // all others get a new connection.
  const repeatable = !body.hasBody && (req.method === 'GET' || req.method === 'HEAD');
  const waitUntil = performance.now() + (options.waitMs ?? 0);
  let outgoing: ClientRequest | undefined;
  let retry: NodeJS.Timeout | undefined;
  res.once('close', () => {
    clearTimeout(retry);
    // The caller has its response or has disconnected. The rest of the request body is read and dropped, so that the caller's
    // connection can be used again.
    if (!req.complete) {
      if (outgoing) req.unpipe(outgoing);
      req.resume();
    }
    if (!res.writableFinished || !req.complete) outgoing?.destroy();
  });

  const retryOrFail = (error: NodeJS.ErrnoException): void => {
    if (performance.now() < waitUntil && repeatable && (isNotListening(error) || isClosedConnection(error))) {
      retry = setTimeout(() => attempt(false), retryMs);
    } else {
      options.onFailure(error);
    }
  };
  const attempt = (reuse: boolean): void => {
    const rejection = rejectionOf(options.upstream, proxy);
    if (rejection) {
      retryOrFail(rejection);
      return;
    }
    const isTls = usesTls(options.upstream);
    const current = (isTls ? requestTls : request)({
      ...options.upstream,
      ...strictParser,
      method: req.method,
      path: options.target,
      // The header is `keep-alive` even if the connection is used only once. With `close`, a server that rejects a body early
      // would close the connection immediately, and the reset of the connection would discard the response.
      headers: [...options.headers, ...body.headers, 'Connection', 'keep-alive'],
      agent: reuse ? (isTls ? proxy.tlsAgent : proxy.agent) : false,
    });
    outgoing = current;
    if (options.timeouts) limitTime(current, isTls, options.timeouts);
    const failed = (error: NodeJS.ErrnoException) => {
      if (res.destroyed) return;
      if (res.headersSent) {
        // The response is already on its way; only the rest of the request body could not be sent.
        options.log.debug({ err: error }, 'the upstream did not read the whole request');
      } else if (repeatable && reuse && current.reusedSocket && isClosedConnection(error)) {
        attempt(false);
      } else {
        retryOrFail(error);
      }
    };
    current.on('response', (incoming) => {
      if (!isInvalidResponse(incoming)) {
        if (options.interceptResponse?.(incoming)) incoming.resume();
        else sendResponse(incoming, res, options);
        return;
      }
      incoming.destroy();
      failed(new Error('the response is not valid HTTP'));
    });
    current.on('upgrade', (_incoming, upstreamSocket) => {
      upstreamSocket.destroy();
      failed(new Error('the response switches protocols although the request has no Upgrade header'));
    });
    current.on('error', failed);
    if (body.hasBody) req.pipe(current);
    else current.end();
  };
  attempt(repeatable || options.mayReuseWithBody === true);
}

/** Ends a request that takes too long, with the code ETIMEDOUT. */
function limitTime(
  outgoing: ClientRequest,
  isTls: boolean,
  { connectMs, idleMs }: NonNullable<ForwardOptions['timeouts']>,
) {
  const end = (message: string) => outgoing.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
  const timer = setTimeout(() => end(`no connection within ${connectMs} ms`), connectMs);
  const stop = () => clearTimeout(timer);
  outgoing.once('close', stop).once('socket', (socket) => {
    if (outgoing.reusedSocket) stop();
    else socket.once(isTls ? 'secureConnect' : 'connect', stop);
  });
  outgoing.setTimeout(idleMs, () => end(`no data for ${idleMs} ms`));
}

function isNotListening({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

function isClosedConnection({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function sendResponse(incoming: IncomingMessage, res: ServerResponse, options: ForwardOptions): void {
  if (res.destroyed) {
    incoming.destroy();
    return;
  }
  const change = options.responseBody?.(incoming);
  // A changed body has another length.
  const framing = change ? [] : responseFraming(incoming);
  const headers = [...changedHeaders(endToEnd(incoming.rawHeaders), options), ...framing];
  res.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, headers);
  // The body of a stream may begin long after its headers; a body of known length follows immediately.
  if (incoming.headers['content-length'] === undefined) res.flushHeaders();
  pipeline(change ? [incoming, change, res] : [incoming, res], (error) => {
    if (error) options.log.debug({ err: error }, 'the connection closed before the end of a response');
  });
}

function forwardUpgrade(proxy: Proxy, socket: Duplex, head: Buffer, options: ForwardOptions): void {
  const rejection = rejectionOf(options.upstream, proxy);
  if (rejection) {
    options.onFailure(rejection);
    return;
  }
  let responded = false;
  const outgoing = (usesTls(options.upstream) ? requestTls : request)({
    ...options.upstream,
    ...strictParser,
    method: 'GET',
    path: options.target,
    headers: [...options.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'],
    agent: false,
  });
  const stopWatching = watchForEnd(socket, () => outgoing.destroy());

  outgoing.on('upgrade', (incoming, upstreamSocket, upstreamHead) => {
    responded = true;
    stopWatching();
    if (socket.destroyed) {
      upstreamSocket.destroy();
      return;
    }
    socket.write(statusAndHeaders(incoming, ['Connection', 'Upgrade', 'Upgrade', 'websocket'], options), 'latin1');
    if (upstreamHead.length > 0) upstreamSocket.unshift(upstreamHead);
    if (head.length > 0) socket.unshift(head);
    pipeBothWays(socket, upstreamSocket);
  });
  outgoing.on('response', (incoming) => {
    if (isInvalidResponse(incoming)) {
      outgoing.destroy(new Error('the response is not valid HTTP'));
      return;
    }
    responded = true;
    const connection = [...responseFraming(incoming), 'Connection', 'close'];
    socket.write(statusAndHeaders(incoming, connection, options), 'latin1');
    pipeline(incoming, socket, (error) => {
      if (error) options.log.debug({ err: error }, 'the connection closed before a WebSocket was rejected');
    });
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    if (socket.destroyed) return;
    if (responded) socket.destroy();
    else options.onFailure(error);
  });
  outgoing.end();
}

function changedHeaders(headers: RawHeaders, { responseHeader }: ForwardOptions): RawHeaders {
  if (!responseHeader) return headers;
  const sent: RawHeaders = [];
  for (const [name, value] of pairs(headers)) {
    const changed = responseHeader(name.toLowerCase(), value);
    if (changed !== undefined) sent.push(name, changed);
  }
  return sent;
}

function statusAndHeaders(incoming: IncomingMessage, connection: RawHeaders, options: ForwardOptions): string {
  const headers = [...changedHeaders(endToEnd(incoming.rawHeaders), options), ...connection];
  const lines = [...pairs(headers)].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${incoming.statusCode} ${incoming.statusMessage}\r\n${lines.join('')}\r\n`;
}

/**
 * Calls `onEnd` when the caller closes its connection before the upstream has responded. Without a read, Node would not
 * notice. Returns the function that stops watching.
 */
function watchForEnd(socket: Duplex, onEnd: () => void): () => void {
  const read = () => void socket.read(0);
  socket.on('readable', read);
  socket.once('end', onEnd);
  socket.once('close', onEnd);
  read();
  return () => {
    socket.off('readable', read);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
  };
}

/** Copies in both directions until both sides have ended. If one side breaks, the other is closed. */
function pipeBothWays(a: Duplex, b: Duplex): void {
  pipeOneWay(a, b);
  pipeOneWay(b, a);
}

function pipeOneWay(from: Duplex, to: Duplex): void {
  if (from instanceof Socket) {
    from.setTimeout(0);
    from.setNoDelay(true);
    // Detects a peer that disappeared (a sleeping laptop, a killed browser) within minutes.
    from.setKeepAlive(true, 60_000);
  }
  from.pipe(to);
  from.once('error', () => to.destroy());
  from.once('end', () => {
    if (to instanceof Socket) to.setTimeout(halfOpenMs, () => to.destroy());
  });
  from.once('close', () => {
    // Data that was received before is still delivered.
    if (to instanceof Socket) to.destroySoon();
    else to.end();
  });
}
