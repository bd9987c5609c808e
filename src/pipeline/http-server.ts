import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError, errorBody, errorKind } from '../errors.ts';

export type Address = { readonly socket: string } | { readonly host: string; readonly port: number };

/** The tokens of a gateway are three JSON Web Tokens of some kilobytes; Node's own limit for all headers is 16 KiB. */
const maxHeaderBytes = 64 * 1024;

/** An HTTP server whose answers to what is no HTTP have the shape of all other errors. */
export function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 20_000,
      requestTimeout: 60_000,
      // How often the two are looked at; Node's own 30 s would more than double the first.
      connectionsCheckingInterval: 2_000,
      // Longer than the 60 s after which reverse proxies give up an idle connection: it must be they who close it.
      keepAliveTimeout: 65_000,
      // Whatever NODE_OPTIONS says: behind a proxy, a lenient parser is how requests are smuggled.
      insecureHTTPParser: false,
    },
    (req, res) => {
      // Ignored (RFC 9110 7.8), and what comes behind it is lost to the parser: the caller is told to send that anew.
      if (req.headers.upgrade !== undefined) res.setHeader('Connection', 'close');
      listener(req, res);
    },
  );
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const known = unreadable(error.code);
    const id = randomUUID();
    const body = JSON.stringify(errorBody(known, id));
    const { status } = known.kind;
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${id}`,
      'Connection: close',
    ];
    const isHead = error.rawPacket?.toString('latin1', 0, 5) === 'HEAD ';
    socket.end(`${head.join('\r\n')}\r\n\r\n${isHead ? '' : body}`);
  });
  return server;
}

function unreadable(code: string | undefined): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ApiError(errorKind.headersTooLarge, `The headers are larger than ${maxHeaderBytes} bytes.`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError(errorKind.requestTimeout, 'The request did not arrive in time.');
  return new ApiError(errorKind.badRequest, 'This is not a request of HTTP.');
}

/**
 * Resolves when the server listens. A Unix socket is only its owner's (0600), from its first moment; one that a killed
 * process left behind is replaced, one that answers is not.
 */
export async function listen(server: Server, address: Address): Promise<void> {
  if ('socket' in address) await removeStale(address.socket);
  const listening = once(server, 'listening');
  if ('socket' in address) {
    // The socket gets its mode when it is bound, which happens inside of this call.
    const umask = process.umask(0o177);
    try {
      server.listen(address.socket);
    } finally {
      process.umask(umask);
    }
  } else {
    server.listen(address.port, address.host);
  }
  try {
    await listening;
  } catch (cause) {
    throw new Error(explanation(cause, address), { cause });
  }
}

function explanation(error: unknown, address: Address): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  if ('socket' in address) return `cannot listen on the socket ${address.socket} (${code})`;
  const where = `${address.host}:${address.port}`;
  if (code === 'EADDRINUSE') return `${where} is already taken by another program; choose another port with PORT`;
  if (code === 'EACCES') return `this user may not listen on ${where}; choose a port from 1024 with PORT`;
  return `cannot listen on ${where} (${code})`;
}

async function removeStale(path: string): Promise<void> {
  const probe = connect(path);
  try {
    await once(probe, 'connect');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return;
    if (code !== 'ECONNREFUSED') throw error;
    rmSync(path);
    return;
  } finally {
    probe.destroy();
  }
  throw new Error(`another program answers on the socket ${path}`);
}

/** Takes no more connections, lets requests finish for `graceMs`, then ends them. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // A connection that is kept alive becomes idle only when its answer is out.
  const tidy = setInterval(() => server.closeIdleConnections(), 50);
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(tidy);
  clearTimeout(force);
}
