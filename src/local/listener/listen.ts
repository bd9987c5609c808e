import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { answerProblem, refuseUpgrade } from './answers.ts';
import type { TlsMaterial } from './tls.ts';

export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void | Promise<void>;

export interface ListenOptions {
  /** 0: any free one. */
  port: number;
  /** What comes over TLS. */
  api: RequestHandler;
  /** What comes as plain HTTP. */
  http: RequestHandler;
  /** WebSockets, plain HTTP only. */
  upgrade: UpgradeHandler;
  tls: TlsMaterial;
  log: Logger;
  /** Milliseconds a new connection may stay silent, and then may take for its headers. */
  headerTimeoutMs?: number;
}

export interface Listener {
  readonly port: number;
  /** Addresses it listens on: 127.0.0.1 and, where the machine has IPv6, ::1. */
  readonly addresses: readonly string[];
  /**
   * Takes no new connections, ends idle ones and WebSockets at once, and gives running requests `graceMs`
   * milliseconds. Resolves when every connection is gone.
   */
  close(graceMs: number): Promise<void>;
}

/** Somebody else listens on the port. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken';
  readonly port: number;
  constructor(port: number, options?: { cause?: unknown }) {
    super(`port ${port} is taken by another program`, options);
    this.port = port;
  }
}

const headerLimitBytes = 32 * 1024;
const defaultHeaderTimeoutMs = 30_000;
const maxConnections = 4096;
/** First byte of a TLS record that opens a connection (RFC 8446 5.1: handshake). No HTTP method begins with it. */
const tlsHandshake = 0x16;
const portAttempts = 20;

/**
 * One port for everything: on 127.0.0.1 and ::1 (a browser that is told `localhost` tries ::1 first). The first byte
 * of a connection decides whether it is TLS. Throws PortTaken.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { log } = options;
  const headersTimeout = options.headerTimeoutMs ?? defaultHeaderTimeoutMs;
  const limits = {
    maxHeaderSize: headerLimitBytes,
    headersTimeout,
    connectionsCheckingInterval: Math.min(headersTimeout, 5_000),
    // A push or an upload may take as long as it takes.
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
  };
  const sockets: Sockets = { all: new Set(), upgraded: new WeakSet() };
  const http = createHttpServer(limits, guarded(options.http, log));
  const https = createHttpsServer({ ...limits, ...options.tls, minVersion: 'TLSv1.2' }, guarded(options.api, log));
  http.on('upgrade', (req, socket, head) => startUpgrade(options, sockets, req, socket, head));
  https.on('tlsClientError', (error) => log.debug({ err: error }, 'no TLS connection came about'));
  // These two never listen themselves; this is what starts their watch over slow headers and idle connections.
  for (const server of [http, https]) server.emit('listening');

  const accept = (socket: Socket) => {
    sockets.all.add(socket);
    socket.once('close', () => sockets.all.delete(socket));
    sniff(socket, headersTimeout, (isTls) => (isTls ? https : http).emit('connection', socket), log);
  };
  const { servers, port, addresses } = await bind(options.port, accept, log);
  return { port, addresses, close: (graceMs) => close(servers, [http, https], sockets, graceMs) };
}

interface Sockets {
  readonly all: Set<Socket>;
  /** Those that are WebSockets by now. */
  readonly upgraded: WeakSet<Duplex>;
}

/** A handler's failure ends its request, never the process. */
function guarded(handler: RequestHandler, log: Logger): (req: IncomingMessage, res: ServerResponse) => void {
  const failed = (req: IncomingMessage, res: ServerResponse, error: unknown) => {
    log.error({ err: error, method: req.method }, 'a request failed');
    if (res.headersSent) res.destroy();
    else
      answerProblem(req, res, { status: 500, message: 'The local platform could not answer.', detail: 'See its log.' });
  };
  return (req, res) => {
    try {
      Promise.resolve(handler(req, res)).catch((error: unknown) => failed(req, res, error));
    } catch (error) {
      failed(req, res, error);
    }
  };
}

function startUpgrade(
  options: ListenOptions,
  sockets: Sockets,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const { log } = options;
  socket.on('error', (error) => log.debug({ err: error }, 'an upgraded connection broke'));
  sockets.upgraded.add(socket);
  if (req.headers['upgrade']?.toLowerCase() !== 'websocket' || req.method !== 'GET') {
    const detail = 'Send the request without an Upgrade header.';
    refuseUpgrade(socket, { status: 400, message: 'Only WebSockets are upgraded to.', detail });
    return;
  }
  const failed = (error: unknown) => {
    log.error({ err: error }, 'a WebSocket failed');
    socket.destroy();
  };
  try {
    Promise.resolve(options.upgrade(req, socket, head)).catch(failed);
  } catch (error) {
    failed(error);
  }
}

/** Looks at the first byte and puts it back. */
function sniff(socket: Socket, timeoutMs: number, decided: (isTls: boolean) => void, log: Logger): void {
  const onError = (error: Error) => log.debug({ err: error }, 'a connection broke before it said anything');
  const onSilence = () => socket.destroy();
  socket.on('error', onError);
  socket.setTimeout(timeoutMs, onSilence);
  socket.once('readable', () => {
    const first = socket.read() as Buffer | null;
    if (first === null) {
      socket.destroy();
      return;
    }
    socket.setTimeout(0);
    socket.off('timeout', onSilence);
    socket.off('error', onError);
    socket.unshift(first);
    decided(first[0] === tlsHandshake);
  });
}

async function bind(
  wanted: number,
  accept: (socket: Socket) => void,
  log: Logger,
): Promise<{ servers: Server[]; port: number; addresses: string[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const v4 = await bindOne('127.0.0.1', wanted, accept, log);
    const port = (v4.address() as AddressInfo).port;
    try {
      const v6 = await bindOne('::1', port, accept, log);
      return { servers: [v4, v6], port, addresses: ['127.0.0.1', '::1'] };
    } catch (error) {
      if (isCode(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) return { servers: [v4], port, addresses: ['127.0.0.1'] };
      await new Promise((resolve) => v4.close(resolve));
      // Any port will do: the next one may be free on both addresses.
      if (wanted === 0 && error instanceof PortTaken && attempt < portAttempts) continue;
      throw error;
    }
  }
}

function bindOne(host: string, port: number, accept: (socket: Socket) => void, log: Logger): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Half-open connections are the HTTP servers' business, as they are in servers of their own.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
    server.maxConnections = maxConnections;
    server.once('error', (error) =>
      reject(isCode(error, 'EADDRINUSE') ? new PortTaken(port, { cause: error }) : error),
    );
    server.listen({ host, port, exclusive: true }, () => {
      // Such as too many open files: this connection is lost, the next may be taken.
      server.on('error', (error) => log.error({ err: error }, 'a connection could not be taken'));
      resolve(server);
    });
  });
}

function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

async function close(servers: Server[], protocols: HttpServer[], sockets: Sockets, graceMs: number): Promise<void> {
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  const endIdle = () => {
    for (const protocol of protocols) protocol.closeIdleConnections();
  };
  for (const protocol of protocols) {
    // A running request's connection is idle, and ends, once it has been answered.
    protocol.prependListener('request', (_req: IncomingMessage, res: ServerResponse) =>
      res.setHeader('Connection', 'close'),
    );
    protocol.close();
  }
  endIdle();
  const again = setInterval(endIdle, 50);
  for (const socket of sockets.all) if (sockets.upgraded.has(socket) || socket.bytesRead === 0) socket.destroySoon();
  const force = setTimeout(() => {
    for (const socket of sockets.all) socket.destroy();
  }, graceMs);
  await Promise.all(closed);
  clearTimeout(force);
  clearInterval(again);
}
