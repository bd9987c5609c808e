import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { hasCode } from '../../lib/error-code.ts';
import { invalidFraming, isWebSocketRequest, requestFraming } from '../../lib/reverse-proxy/framing.ts';
import { isDiskFull } from '../machine/disk.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { type ErrorResponse, rejectUpgrade, sendError } from './errors.ts';
import type { TlsMaterial } from './tls.ts';

export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void | Promise<void>;

export interface Handlers {
  handle: RequestHandler;
  /** Handles WebSockets. Every other Upgrade is ignored. Without this handler, WebSockets are ignored, too. */
  upgrade: UpgradeHandler;
}

export interface ListenOptions {
  /** 0: any free port. */
  port: number;
  handle: Handlers['handle'];
  upgrade?: Handlers['upgrade'];
  /** If absent, the port speaks plain HTTP. */
  tls?: TlsMaterial;
  log: Logger;
  /** Milliseconds within which the headers of a request must arrive. 30 s by default. */
  headerTimeoutMs?: number;
  limits?: ConnectionLimits;
}

export interface Listener {
  readonly port: number;
  /** 127.0.0.1 and, if the machine has IPv6, ::1. */
  readonly addresses: readonly string[];
  /**
   * Accepts no new connections, closes idle ones and WebSockets, and gives requests in flight `graceMs` milliseconds.
   * Resolves when all connections are closed.
   */
  close(graceMs: number): Promise<void>;
}

export class PortTaken extends Error {
  override readonly name = 'PortTaken';
  readonly port: number;
  constructor(port: number, options?: { cause?: unknown }) {
    super(`port ${port} is used by another program`, options);
    this.port = port;
  }
}

const headerLimitBytes = 32 * 1024;
const defaultHeaderTimeoutMs = 30_000;
const portAttempts = 20;
const idleCheckMs = 50;

/**
 * Listens on one port of 127.0.0.1 and ::1 (for `localhost`, a browser tries ::1 first): HTTP, or HTTPS with `tls`.
 * Rejects with PortTaken.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const connections = new Connections(options.limits);
  const v4 = (port: number) => bind(createServer(options, connections), '127.0.0.1', port, options.log);
  const v6 = (port: number) => bind(createServer(options, connections), '::1', port, options.log);
  for (let attempt = 1; ; attempt += 1) {
    const first = await v4(options.port);
    const port = portOf(first);
    try {
      const servers = [first, await v6(port)];
      return { port, addresses: ['127.0.0.1', '::1'], close: (graceMs) => close(servers, connections, graceMs) };
    } catch (error) {
      if (hasCode(error, 'EADDRNOTAVAIL', 'EAFNOSUPPORT')) {
        return { port, addresses: ['127.0.0.1'], close: (graceMs) => close([first], connections, graceMs) };
      }
      await close([first], connections, 0);
      // With port 0, the next port may be free on both addresses.
      if (options.port === 0 && error instanceof PortTaken && attempt < portAttempts) continue;
      throw error;
    }
  }
}

function createServer(options: ListenOptions, connections: Connections): Server {
  const { tls, upgrade, log } = options;
  const headersTimeout = options.headerTimeoutMs ?? defaultHeaderTimeoutMs;
  const settings = {
    maxHeaderSize: headerLimitBytes,
    headersTimeout,
    connectionsCheckingInterval: Math.min(headersTimeout, 5_000),
    // A push or an upload may take any time.
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
    noDelay: true,
    // Overrides NODE_OPTIONS.
    insecureHTTPParser: false,
    shouldUpgradeCallback: (req: IncomingMessage) => upgrade !== undefined && isWebSocketRequest(req),
  };
  const handle = guarded(options, connections);
  const server = tls
    ? createHttpsServer({ ...settings, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: headersTimeout }, handle)
    : createHttpServer(settings, handle);
  server.on('connection', (socket) => connections.add(socket));
  server.on('tlsClientError', (error) => log.debug({ err: error }, 'a TLS handshake failed'));
  if (upgrade) {
    server.on('upgrade', (req, socket, head) => startUpgrade(upgrade, log, connections, req, socket, head));
  }
  return server;
}

const internalError: ErrorResponse = {
  status: 500,
  message: 'The local platform could not handle the request.',
  detail: 'The log of the platform has the reason.',
};
const diskFull: ErrorResponse = {
  status: 507,
  message: 'The disk of this machine is full.',
  detail: 'Free some space, for example by stopping a session, and try again.',
};

/** An error of a handler ends its request, never the process. */
function guarded(
  { handle, log }: ListenOptions,
  connections: Connections,
): (req: IncomingMessage, res: ServerResponse) => void {
  const failed = (req: IncomingMessage, res: ServerResponse, error: unknown) => {
    log.error({ err: error, method: req.method }, 'a request failed');
    if (res.headersSent) res.destroy();
    else sendError(req, res, isDiskFull(error) ? diskFull : internalError);
  };
  // RFC 9112 9.6: requests that follow the last request of a connection are not handled.
  const closing = new WeakSet<Socket>();
  return (req, res) => {
    if (closing.has(req.socket)) return;
    res.once('close', connections.begin(req.socket));
    const invalid = invalidFraming(req);
    // After the headers of an Upgrade, Node drops all data, because the data may belong to the other protocol.
    if (invalid || req.headers.upgrade !== undefined) {
      closing.add(req.socket);
      res.setHeader('Connection', 'close');
    }
    if (invalid) {
      sendError(req, res, { ...invalid, detail: null });
      return;
    }
    try {
      Promise.resolve(handle(req, res)).catch((error: unknown) => failed(req, res, error));
    } catch (error) {
      failed(req, res, error);
    }
  };
}

const bodyNotAllowed: ErrorResponse = { status: 400, message: 'A WebSocket request has no body.', detail: null };

function startUpgrade(
  upgrade: UpgradeHandler,
  log: Logger,
  connections: Connections,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  socket.on('error', (error) => log.debug({ err: error }, 'a WebSocket connection failed'));
  connections.upgrade(socket);
  const invalid = invalidFraming(req);
  if (invalid || requestFraming(req).hasBody) {
    rejectUpgrade(socket, invalid ? { ...invalid, detail: null } : bodyNotAllowed);
    return;
  }
  const failed = (error: unknown) => {
    log.error({ err: error }, 'a WebSocket request failed');
    socket.destroy();
  };
  try {
    Promise.resolve(upgrade(req, socket, head)).catch(failed);
  } catch (error) {
    failed(error);
  }
}

function bind(server: Server, host: string, port: number, log: Logger): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(hasCode(error, 'EADDRINUSE') ? new PortTaken(port, { cause: error }) : error),
    );
    server.listen({ host, port, exclusive: true }, () => {
      // For example too many open files: this connection is lost, and the next one may succeed.
      server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
      resolve(server);
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return address.port;
}

async function close(servers: readonly Server[], connections: Connections, graceMs: number): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  const closeIdle = () => {
    for (const server of servers) server.closeIdleConnections();
  };
  for (const server of servers) {
    // The connection of a request in flight becomes idle, and is closed, after its response.
    server.prependListener('request', (_req, res: ServerResponse) => res.setHeader('Connection', 'close'));
  }
  closeIdle();
  const again = setInterval(closeIdle, idleCheckMs);
  connections.closeIdle();
  const force = setTimeout(() => connections.closeAll(), graceMs);
  await Promise.all(closed);
  clearTimeout(force);
  clearInterval(again);
}
