import { once } from 'node:events';
import { type Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { endToEnd } from '../../src/lib/reverse-proxy/headers.ts';
import { createReverseProxy, type Upstream } from '../../src/lib/reverse-proxy/reverse-proxy.ts';

const log = pino({ level: 'silent' });
/** Functions that `cleanUp` calls after each test. */
export const cleanup: (() => void)[] = [];
export function cleanUp(): void {
  for (const end of cleanup.splice(0)) end();
}

/** Starts a server on a free port of 127.0.0.1, until `cleanUp`, and returns the port. */
export async function listening(server: Server | NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Starts a proxy in front of a port of 127.0.0.1 or of a socket, and returns the proxy's port. */
export async function proxyTo(target: { port: number } | { socketPath: string }, waitMs = 0): Promise<number> {
  const upstream: Upstream = 'port' in target ? { host: '127.0.0.1', ...target } : target;
  const proxy = createReverseProxy();
  cleanup.push(() => proxy.close());
  const common = (req: IncomingMessage) => ({
    upstream,
    target: req.url ?? '/',
    headers: endToEnd(req.rawHeaders),
    waitMs,
    log,
  });
  const front = createServer((req, res) => {
    const onFailure = (error: NodeJS.ErrnoException) => res.writeHead(502).end(error.code ?? 'failed');
    proxy.forward(req, res, { ...common(req), onFailure });
  });
  front.on('upgrade', (req, socket, head) => {
    socket.on('error', () => undefined);
    const onFailure = () => socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
    proxy.forwardUpgrade(socket, head, { ...common(req), onFailure });
  });
  return listening(front);
}

/** Starts a server and a proxy in front of it, and returns the port of the proxy. */
export async function proxyToListener(listener: (...args: Parameters<RequestListener>) => unknown): Promise<number> {
  return proxyTo({ port: await listening(createServer((req, res) => void listener(req, res))) });
}

export interface ReceivedResponse {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

export function send(
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: Buffer; agent?: Agent } = {},
): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    const { body, agent, ...rest } = options;
    const req = request({ port, host: '127.0.0.1', agent: agent ?? false, ...rest }, (res) => {
      text(res).then(
        (content) => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: content }),
        reject,
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}
