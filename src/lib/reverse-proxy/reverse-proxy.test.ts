import { createHash, randomBytes } from 'node:crypto';
import dns, { type LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { cleanUp, cleanup, listening, proxyTo, proxyToListener, send } from '../../../tests/support/reverse-proxy.ts';
import { waitFor } from '../../../tests/support/wait-for.ts';

afterEach(cleanUp);

type Found = (error: Error | null, addresses: LookupAddress[]) => void;

test('a server on ::1 with the same port gets no requests, even if localhost is ::1, too', async () => {
  const own = createServer((_req, res) => res.end('own'));
  new WebSocketServer({ server: own }).on('connection', (socket) => socket.send('own'));
  const port = await listening(own);
  let stolen = 0;
  const strangers = createNetServer((socket) => {
    stolen += 1;
    socket.destroy();
  }).listen(port, '::1');
  cleanup.push(() => strangers.close());
  await once(strangers, 'listening');
  const front = await proxyTo({ port });
  // As in the hosts file of Debian and Fedora.
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: unknown, done: Found) =>
    done(null, [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ])) as unknown as typeof dns.lookup);
  cleanup.push(() => lookup.mockRestore());
  for (const method of ['GET', 'POST']) expect((await send(front, { method })).body).toBe('own');
  const socket = new WebSocket(`ws://127.0.0.1:${front}/`);
  cleanup.push(() => socket.terminate());
  const [message] = (await once(socket, 'message')) as [Buffer];
  expect(message.toString()).toBe('own');
  expect(stolen).toBe(0);
});

test('status, headers, duplicate headers, query and bodies are passed on unchanged in both directions', async () => {
  const port = await proxyToListener(async (req, res) => {
    const body = await text(req);
    res.writeHead(418, 'Short and stout', [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'X-Seen',
      `${req.method} ${req.url}`,
    ]);
    res.end(`${req.headers['x-mine']}|${req.headers['content-length']}|${body}`);
  });
  const response = await send(port, {
    method: 'PUT',
    path: '/a%2Fb/../c?x=1&y',
    headers: { 'X-Mine': 'yes' },
    body: Buffer.from('body'),
  });
  expect(response.status).toBe(418);
  expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(response.headers['x-seen']).toBe('PUT /a%2Fb/../c?x=1&y');
  expect(response.body).toBe('yes|4|body');
});

test('hop-by-hop headers, including those that Connection lists, are not passed on', async () => {
  const port = await proxyToListener((req, res) => res.end(JSON.stringify(req.headers)));
  const response = await send(port, {
    headers: {
      Connection: 'close, X-Secret',
      'X-Secret': 'hop',
      'Proxy-Authorization': 'p',
      TE: 'trailers',
      'X-Kept': 'k',
    },
  });
  const seen = JSON.parse(response.body) as Record<string, string>;
  expect(seen['x-kept']).toBe('k');
  for (const name of ['x-secret', 'proxy-authorization', 'te']) expect(seen).not.toHaveProperty(name);
});

test('the bodies of a POST without a body, a HEAD and a 204 end correctly on one keep-alive connection', async () => {
  const port = await proxyToListener((req, res) => {
    if (req.method === 'HEAD') return void res.writeHead(200, { 'Content-Length': 7 }).end();
    if (req.url === '/none') return void res.writeHead(204).end();
    text(req).then(
      (body) => res.end(`${req.headers['transfer-encoding'] ?? ''}|${body.length}`),
      () => res.destroy(),
    );
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanup.push(() => agent.destroy());
  expect((await send(port, { method: 'POST', agent, headers: { 'Content-Length': '0' } })).body).toBe('|0');
  expect((await send(port, { method: 'HEAD', agent })).headers['content-length']).toBe('7');
  expect((await send(port, { path: '/none', agent })).status).toBe(204);
  const raw = connect(port, '127.0.0.1');
  raw.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(await text(raw)).toContain('|0');
});

test('a large body is passed on in both directions, chunked and with a length', async () => {
  const body = randomBytes(20_000_000);
  const port = await proxyToListener((req, res) => void req.pipe(res));
  for (const headers of [{ 'Content-Length': String(body.length) }, { 'Transfer-Encoding': 'chunked' }] as Record<
    string,
    string
  >[]) {
    const hash = await new Promise<string>((resolve, reject) => {
      const req = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers }, (res) => {
        const digest = createHash('sha256');
        res.on('data', (chunk: Buffer) => digest.update(chunk));
        res.on('end', () => resolve(digest.digest('hex')));
        res.on('error', reject);
      });
      req.on('error', reject);
      req.end(body);
    });
    expect(hash).toBe(createHash('sha256').update(body).digest('hex'));
  }
});

test('a slow reader stops the writer, and when the reader disconnects, the upstream request ends', async () => {
  let written = 0;
  let ended: (at: number) => void = () => undefined;
  const gone = new Promise<number>((resolve) => {
    ended = resolve;
  });
  let stalled: () => void = () => undefined;
  const isStalled = new Promise<void>((resolve) => {
    stalled = resolve;
  });
  const port = await proxyToListener((_req, res) => {
    res.on('close', () => ended(written));
    const chunk = Buffer.alloc(65_536);
    const pump = () => {
      // All buffers together are much smaller.
      while (written < 512 * 1024 * 1024) {
        written += chunk.length;
        if (!res.write(chunk)) {
          // No drain event for some time: the writer is blocked.
          const still = setTimeout(stalled, 500);
          res.once('drain', () => {
            clearTimeout(still);
            pump();
          });
          return;
        }
      }
      res.end();
    };
    pump();
  });
  const req = request({ port, host: '127.0.0.1', agent: false });
  req.on('error', () => undefined);
  req.end();
  await once(req, 'response');
  await isStalled;
  expect(written).toBeLessThan(128 * 1024 * 1024);
  req.destroy();
  expect(await gone).toBeLessThan(128 * 1024 * 1024);
});

test('the upstream request ends when the caller disconnects during an upload', async () => {
  const aborted = Promise.withResolvers<string>();
  const started = Promise.withResolvers<void>();
  const port = await proxyToListener((req) => {
    req.once('data', () => started.resolve());
    req.on('error', (error: NodeJS.ErrnoException) => aborted.resolve(error.code ?? ''));
  });
  const socket = connect(port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf');
  await started.promise;
  socket.resetAndDestroy();
  expect(await aborted.promise).toBe('ECONNRESET');
});

test('an incomplete response of the upstream is incomplete for the caller, too', async () => {
  const port = await proxyToListener((req, res) => {
    res.writeHead(200, req.url === '/length' ? { 'Content-Length': 100 } : {});
    res.write('part', () => (req.socket as Socket).resetAndDestroy());
  });
  await expect(send(port, { path: '/length' })).rejects.toThrow();
  await expect(send(port, { path: '/chunked' })).rejects.toThrow();
});

test('an upstream that resets or closes the connection, or does not listen, is reported once as a failure', async () => {
  const resetting = await listening(createNetServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
  expect(await send(await proxyTo({ port: resetting }))).toMatchObject({ status: 502, body: 'ECONNRESET' });
  const nonsense = await listening(createNetServer((socket) => socket.end('this is not HTTP\r\n\r\n')));
  expect((await send(await proxyTo({ port: nonsense }))).status).toBe(502);
  expect(await send(await proxyTo({ socketPath: '/nowhere/service.sock' }))).toMatchObject({
    status: 502,
    body: 'ENOENT',
  });
});

test('a response before the end of the request body reaches the caller, and the connection is kept', async () => {
  const port = await proxyToListener((req, res) => {
    if (req.method === 'GET') return void res.end('next');
    res.writeHead(413).end('too large');
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanup.push(() => agent.destroy());
  expect(await send(port, { method: 'POST', body: Buffer.alloc(5_000_000), agent })).toMatchObject({
    status: 413,
    body: 'too large',
  });
  expect((await send(port, { agent })).body).toBe('next');
});

test('a request on a keep-alive connection that the upstream is closing is sent again', async () => {
  const connections: Socket[] = [];
  let requests = 0;
  const server = createNetServer((socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => {
      requests += 1;
      // The second request uses the first connection, which is being closed.
      if (requests === 2) socket.resetAndDestroy();
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  const port = await proxyTo({ port: await listening(server) });
  cleanup.push(() => connections.forEach((socket) => void socket.destroy()));
  expect((await send(port)).body).toBe('ok');
  expect((await send(port)).body).toBe('ok');
  expect(requests).toBe(3);
  expect(connections).toHaveLength(2);
});

async function webSocketsBehind(onConnection: (ws: WebSocket, socket: Socket) => void): Promise<number> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (ws, req) => onConnection(ws, req.socket));
  return proxyTo({ port: await listening(server) });
}

test('WebSockets: messages of any size are passed on, and closing codes from both sides', async () => {
  const closedBehind = Promise.withResolvers<number>();
  const port = await webSocketsBehind((ws) => {
    ws.on('message', (data, binary) => (String(data) === 'close' ? ws.close(4001) : ws.send(data, { binary })));
    ws.on('close', (code) => closedBehind.resolve(code));
  });
  const large = randomBytes(8_000_000);
  const first = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(first, 'open');
  first.send(large);
  const [data] = (await once(first, 'message')) as [Buffer];
  expect(data.equals(large)).toBe(true);
  first.close(4002);
  expect(await closedBehind.promise).toBe(4002);
  const second = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(second, 'open');
  second.send('close');
  expect((await once(second, 'close'))[0]).toBe(4001);
});

test('WebSockets: a reset on one side closes the other', async () => {
  const behindClosed = Promise.withResolvers<void>();
  const sides: Socket[] = [];
  const port = await webSocketsBehind((ws, socket) => {
    sides.push(socket);
    ws.on('error', () => undefined);
    ws.on('close', () => behindClosed.resolve());
  });
  const raw = connect(port, '127.0.0.1');
  raw.write(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  await once(raw, 'data');
  raw.resetAndDestroy();
  await behindClosed.promise;
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(ws, 'open');
  const closed = once(ws, 'close');
  sides[1]?.resetAndDestroy();
  expect((await closed)[0]).toBe(1006);
});

test('WebSockets: a rejection is passed on with its body; an upstream that does not listen or resets is a 502', async () => {
  const refusing = createServer();
  refusing.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nno go'));
  const refused = new WebSocket(`ws://127.0.0.1:${await proxyTo({ port: await listening(refusing) })}/`);
  const [, response] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(403);
  expect(await text(response)).toBe('no go');
  const resetting = await listening(createNetServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
  for (const upstream of [{ port: resetting }, { socketPath: '/nowhere' }]) {
    const ws = new WebSocket(`ws://127.0.0.1:${await proxyTo(upstream)}/`);
    const [, failed] = (await once(ws, 'unexpected-response')) as [unknown, IncomingMessage];
    expect(failed.statusCode).toBe(502);
  }
});

test('WebSockets: the upstream request ends when the caller disconnects before the response', async () => {
  const left = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const silent = await listening(
    createNetServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => arrived.resolve());
      socket.on('close', () => left.resolve());
    }),
  );
  const ws = new WebSocket(`ws://127.0.0.1:${await proxyTo({ port: silent })}/`);
  ws.on('error', () => undefined);
  await waitFor(arrived.promise, 'the request at the server behind');
  ws.terminate();
  await waitFor(left.promise, 'the end of the connection to the server behind');
});

test('WebSockets: data that the caller sends before the response arrives', async () => {
  const proceed = Promise.withResolvers<void>();
  const server = createServer();
  server.on('upgrade', (_req, socket) => {
    const response = () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.pipe(socket);
    };
    proceed.promise.then(response, () => socket.destroy());
  });
  const raw = connect(await proxyTo({ port: await listening(server) }), '127.0.0.1');
  raw.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst ');
  await new Promise((resolve) => raw.write('second ', resolve));
  proceed.resolve();
  raw.write('third');
  let response = '';
  for await (const chunk of raw) {
    response += String(chunk);
    if (response.endsWith('first second third')) break;
  }
  expect(response).toMatch(/^HTTP\/1.1 101 /);
});
