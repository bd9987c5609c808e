import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError, errorBody, errorKind } from '../errors.ts';

export type Address = { readonly socket: string } | { readonly host: string; readonly port: number };

/** A gateway adds three JSON Web Tokens of some kilobytes each; Node's default limit for all headers is 16 KiB. */
const maxHeaderBytes = 64 * 1024;

/**
 * Returns an HTTP server that answers malformed HTTP with the same error body as every other error.
 * @param draining after its abort, responses close their connections, so that clients connect to another replica
 */
export function createHttpServer(listener: RequestListener, draining?: AbortSignal): Server {
  const server = createServer(
    {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: 20_000,
      requestTimeout: 60_000,
      // The interval of the check of the two timeouts above. Node's default of 30 s would more than double the first timeout.
      connectionsCheckingInterval: 2_000,
      // Reverse proxies close an idle connection after 60 s. The proxy must close it first, so this timeout is longer.
      keepAliveTimeout: 65_000,
      // Overrides NODE_OPTIONS: behind a proxy, a lenient parser permits request smuggling.
      insecureHTTPParser: false,
    },
    (req, res) => {
      // The service ignores Upgrade (RFC 9110 7.8), and Node's parser drops all later data of the connection: the client
      // must send further requests on a new connection.
      if (req.headers.upgrade !== undefined || draining?.aborted) res.setHeader('Connection', 'close');
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
  return new ApiError(errorKind.badRequest, 'This is not a valid HTTP request.');
}

/**
 * Resolves when the server listens. A Unix socket has the mode 0600 from the start. The socket file of an ended process is
 * replaced. Throws an Error with the remedy if another program uses the address.
 */
export async function listen(server: Server, address: Address): Promise<void> {
  if ('socket' in address) await removeStale(address.socket);
  const listening = once(server, 'listening');
  if ('socket' in address) {
    // The socket gets its mode when it is bound, during this call.
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

/** Removes the socket file if no process listens on the socket. Throws an Error if a process listens. */
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
  throw new Error(`another program listens on the socket ${path}`);
}

/** Accepts no new connections, and closes those whose requests have not finished within `graceMs` milliseconds. */
export async function close(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  // A kept-alive connection becomes idle only after its response.
  const tidy = setInterval(() => server.closeIdleConnections(), 50);
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(tidy);
  clearTimeout(force);
}
