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
import { isDiskFull } from '../machine/disk.ts';
import { answerProblem, type Problem, refuseUpgrade } from './answers.ts';
import { type ConnectionLimits, Connections } from './connections.ts';
import { requestFraming, unclearRequest, wantsWebSocket } from './framing.ts';
import type { TlsMaterial } from './tls.ts';

export type RequestHandler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
export type UpgradeHandler = (req: IncomingMessage, socket: Duplex, head: Buffer) => void | Promise<void>;

export interface ListenOptions {
  /** 0: any free one. */
  port: number;
  handle: RequestHandler;
  /** WebSockets. Every other Upgrade is ignored, and without this one all are. */
  upgrade?: UpgradeHandler;
  /** Absent: plain HTTP. */
  tls?: TlsMaterial;
  log: Logger;
  /** Milliseconds a new connection may stay silent, and then may take for its headers. */
  headerTimeoutMs?: number;
  limits?: ConnectionLimits;
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

/** Another program listens on the port. */
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
const portAttempts = 20;

/**
 * One port, on 127.0.0.1 and ::1 (a browser that is told `localhost` tries ::1 first), for HTTP or, with `tls`, HTTPS.
 * Throws PortTaken.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { tls, upgrade, log } = options;
  const headersTimeout = options.headerTimeoutMs ?? defaultHeaderTimeoutMs;
  const connections = new Connections(options.limits);
  const settings = {
    maxHeaderSize: headerLimitBytes,
    headersTimeout,
    connectionsCheckingInterval: Math.min(headersTimeout, 5_000),
    // A push or an upload may take as long as it takes.
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
    // Whatever NODE_OPTIONS says.
    insecureHTTPParser: false,
    shouldUpgradeCallback: (req: IncomingMessage) => upgrade !== undefined && wantsWebSocket(req),
  };
  const handle = guarded(options, connections);
  const protocol = tls
    ? createHttpsServer({ ...settings, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: headersTimeout }, handle)
    : createHttpServer(settings, handle);
  if (upgrade) {
    protocol.on('upgrade', (req, socket, head) => startUpgrade(upgrade, log, connections, req, socket, head));
  }
  protocol.on('tlsClientError', (error) => log.debug({ err: error }, 'no TLS connection came about'));
  // It never listens itself; this is what starts its watch over slow headers and idle connections.
  protocol.emit('listening');

  const accept = (socket: Socket) => {
    connections.add(socket);
    protocol.emit('connection', socket);
  };
  const { servers, port, addresses } = await bind(options.port, accept, log);
  return { port, addresses, close: (graceMs) => close(servers, protocol, connections, graceMs) };
}

const broken: Problem = { status: 500, message: 'The local platform could not answer.', detail: 'See its log.' };
const diskFull: Problem = {
  status: 507,
  message: 'The disk of this machine is full.',
  detail: 'Free some space, for example by stopping a session, and try again.',
};

/** A handler's failure ends its request, never the process. */
function guarded(
  { handle, log }: ListenOptions,
  connections: Connections,
): (req: IncomingMessage, res: ServerResponse) => void {
  const failed = (req: IncomingMessage, res: ServerResponse, error: unknown) => {
    log.error({ err: error, method: req.method }, 'a request failed');
    if (res.headersSent) res.destroy();
    else answerProblem(req, res, isDiskFull(error) ? diskFull : broken);
  };
  // RFC 9112 9.6: what comes over a connection after the request that ends it is not answered, so it is not done either.
  const ending = new WeakSet<Socket>();
  return (req, res) => {
    if (ending.has(req.socket)) return;
    res.once('close', connections.begin(req.socket));
    const unclear = unclearRequest(req);
    // What the caller sent behind an Upgrade that is ignored, the parser takes for the other protocol and loses.
    if (unclear || req.headers.upgrade !== undefined) {
      ending.add(req.socket);
      res.setHeader('Connection', 'close');
    }
    if (unclear) {
      answerProblem(req, res, { ...unclear, detail: null });
      return;
    }
    try {
      Promise.resolve(handle(req, res)).catch((error: unknown) => failed(req, res, error));
    } catch (error) {
      failed(req, res, error);
    }
  };
}

const noBody: Problem = { status: 400, message: 'A request for a WebSocket has no body.', detail: null };

function startUpgrade(
  upgrade: UpgradeHandler,
  log: Logger,
  connections: Connections,
  req: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  socket.on('error', (error) => log.debug({ err: error }, 'an upgraded connection broke'));
  connections.upgrade(socket);
  const unclear = unclearRequest(req);
  if (unclear || requestFraming(req).hasBody) {
    refuseUpgrade(socket, unclear ? { ...unclear, detail: null } : noBody);
    return;
  }
  const failed = (error: unknown) => {
    log.error({ err: error }, 'a WebSocket failed');
    socket.destroy();
  };
  try {
    Promise.resolve(upgrade(req, socket, head)).catch(failed);
  } catch (error) {
    failed(error);
  }
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

async function close(
  servers: Server[],
  protocol: HttpServer,
  connections: Connections,
  graceMs: number,
): Promise<void> {
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  // A running request's connection is idle, and ends, once it has been answered.
  protocol.prependListener('request', (_req: IncomingMessage, res: ServerResponse) =>
    res.setHeader('Connection', 'close'),
  );
  protocol.close();
  const endIdle = () => protocol.closeIdleConnections();
  endIdle();
  const again = setInterval(endIdle, 50);
  connections.endSilent();
  const force = setTimeout(() => connections.endAll(), graceMs);
  await Promise.all(closed);
  clearTimeout(force);
  clearInterval(again);
}
