import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { javaRequest } from '../../../tests/support/local/http/java-request.ts';
import { type Listener, type ListenOptions, listen, PortTaken } from './listen.ts';
import { ensureTls, type TlsMaterial } from './tls.ts';

const log = pino({ level: 'silent' });
const directory = mkdtempSync(join(tmpdir(), 'listener-'));
let tls: TlsMaterial;
let listeners: Listener[] = [];

beforeAll(async () => {
  tls = await ensureTls(directory);
});
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.close(0)));
  listeners = [];
});
afterAll(() => rmSync(directory, { recursive: true }));

async function start(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const listener = await listen({
    port: 0,
    handle: (_req, res) => void res.end('response'),
    log,
    ...options,
  });
  listeners.push(listener);
  return listener;
}

function get(url: string, options: { agent?: Agent; body?: Buffer } = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const req = send(
      url,
      { ca: tls.cert, method: options.body ? 'POST' : 'GET', agent: options.agent ?? false },
      (res) => {
        text(res).then((body) => resolve({ status: res.statusCode ?? 0, body }), reject);
      },
    );
    req.on('error', reject);
    req.end(options.body);
  });
}

/** Sends the text and returns everything that is received until the connection ends. */
async function conversation(port: number, sent: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(sent);
  return text(socket);
}

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

test.each(['http', 'https'])('a port accepts only %s, on both loopback addresses', async (scheme) => {
  const { port, addresses } = await start(scheme === 'https' ? { tls } : {});
  const hosts = hasIpv6 ? ['127.0.0.1', 'localhost', '[::1]'] : ['127.0.0.1', 'localhost'];
  for (const host of hosts) {
    expect(await get(`${scheme}://${host}:${port}/`)).toEqual({ status: 200, body: 'response' });
  }
  expect(addresses).toEqual(hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']);
  const other = scheme === 'https' ? 'http' : 'https';
  await expect(get(`${other}://127.0.0.1:${port}/`)).rejects.toThrow();
});

test('bodies that begin in the first packet arrive complete, with both protocols', async () => {
  const handle = async (req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    res.end(Buffer.concat(chunks));
  };
  const body = Buffer.alloc(3_000_000, 'abcdefghij');
  for (const [scheme, options] of Object.entries({ http: { handle }, https: { handle, tls } })) {
    const { port } = await start(options);
    const response = await get(`${scheme}://127.0.0.1:${port}/`, { body });
    expect(response.body.length).toBe(body.length);
    expect(response.body === body.toString()).toBe(true);
  }
});

test('pipelined requests get their responses in order', async () => {
  const { port } = await start({ handle: (req, res) => void res.end(req.url) });
  const response = await conversation(
    port,
    'GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  expect(response.match(/\/one|\/two/g)).toEqual(['/one', '/two']);
});

test('a connection that sends nothing, or never ends its headers, is closed', async () => {
  const { port } = await start({ headerTimeoutMs: 200 });
  expect(await conversation(port, '')).toMatch(/^(HTTP\/1.1 408 |$)/);
  expect(await conversation(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ')).toContain('408');
});

test('headers of more than 32 KiB, invalid HTTP and invalid TLS are rejected, and later requests are handled', async () => {
  const { port } = await start();
  const long = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`;
  expect(await conversation(port, long)).toContain('431');
  expect(await conversation(port, 'nonsense\r\n\r\n')).toContain('400');
  expect((await get(`http://127.0.0.1:${port}/`)).status).toBe(200);
  const secure = await start({ tls });
  await conversation(secure.port, '\x16\x03\x01nonsense that is no TLS at all, long enough to be looked at');
  expect((await get(`https://127.0.0.1:${secure.port}/`)).status).toBe(200);
});

test('an error of a handler ends its request only', async () => {
  const { port } = await start({
    handle: (req, res) => {
      if (req.url === '/throws') throw new Error('thrown');
      if (req.url === '/rejects') return Promise.reject(new Error('rejected'));
      res.end('fine');
      return undefined;
    },
  });
  expect((await get(`http://127.0.0.1:${port}/throws`)).status).toBe(500);
  const { status, body } = await get(`http://127.0.0.1:${port}/rejects`);
  expect(status).toBe(500);
  expect(JSON.parse(body)).toMatchObject({ error: { code: 2500 } });
  expect((await get(`http://127.0.0.1:${port}/`)).body).toBe('fine');
});

test('a port that another program uses on either address is PortTaken', async () => {
  for (const host of hasIpv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1']) {
    const other = createServer().listen(0, host);
    await once(other, 'listening');
    const { port } = other.address() as import('node:net').AddressInfo;
    await expect(start({ port })).rejects.toThrow(PortTaken);
    // The first address is released if the second one is in use.
    other.close();
    await once(other, 'close');
    await start({ port });
  }
});

test('WebSockets are passed to their handler', async () => {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
  const { port } = await start({
    upgrade: (req, socket, head) =>
      sockets.handleUpgrade(req, socket as Socket, head, (ws) => sockets.emit('connection', ws)),
  });
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(ws, 'open');
  ws.send('hello');
  expect(String((await once(ws, 'message'))[0])).toBe('hello');
  const closed = once(ws, 'close');
  await Promise.all(listeners.splice(0).map((listener) => listener.close(60_000)));
  await closed;
});

test.each(['Content-Length: 4\r\n\r\nbody', 'Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n'])(
  'a WebSocket request with a body is rejected immediately: %j',
  async (rest) => {
    const { port } = await start({ upgrade: (_req, socket) => void socket.destroy() });
    const head = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    expect(await conversation(port, `${head}${rest}`)).toContain('HTTP/1.1 400 ');
  },
);

test('an Upgrade to another protocol than WebSocket is ignored: the request is handled, with its body', async () => {
  const { port } = await start({
    handle: (req, res) =>
      void text(req).then(
        (body) => res.end(`${req.method} ${req.url} ${body}`),
        () => res.destroy(),
      ),
    upgrade: (_req, socket) => void socket.destroy(),
  });
  for (const [request, response] of [
    [javaRequest('GET', '/one'), 'GET /one '],
    [javaRequest('POST', '/two', 'some body'), 'POST /two some body'],
    [javaRequest('DELETE', '/three'), 'DELETE /three '],
  ] as const) {
    const received = await conversation(port, request);
    expect(received).toMatch(/^HTTP\/1.1 200 /);
    expect(received.endsWith(response)).toBe(true);
  }
});

test.each([
  [
    'a transfer coding besides chunked',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    501,
  ],
  ['a transfer coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['another version', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na', 400],
  [
    'a length beside a transfer coding',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n', 400],
  ['a bare line feed', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n', 400],
  ['a bare carriage return', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n', 400],
])('a request with %s is rejected and the connection is closed', async (_what, request, status) => {
  const reached: string[] = [];
  const { port } = await start({
    handle: (req, res) => {
      reached.push(req.url ?? '');
      res.end();
    },
  });
  const received = await conversation(port, `${request}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(received.match(/^HTTP\//gm)).toHaveLength(1);
  expect(reached).toEqual([]);
});

test('the error of a request on a full disk names the disk', async () => {
  const { port } = await start({
    handle: () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })),
  });
  const { status, body } = await get(`http://127.0.0.1:${port}/`);
  expect(status).toBe(507);
  expect(body).toContain('The disk of this machine is full.');
});

test('close closes idle and silent connections immediately and waits for a request in flight', async () => {
  let finish: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let started: () => void = () => undefined;
  const received = new Promise<void>((resolve) => {
    started = resolve;
  });
  const handle = async (req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => {
    if (req.url !== '/slow') return void res.end('quick');
    started();
    await running;
    res.end('slow');
  };
  const listener = await start({ handle });
  const { port } = listener;
  const agent = new Agent({ keepAlive: true });
  await get(`http://127.0.0.1:${port}/`, { agent });
  const idle = Object.values(agent.freeSockets).flatMap((list) => list ?? []);
  expect(idle).toHaveLength(1);
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const slow = get(`http://127.0.0.1:${port}/slow`);
  await received;

  let done = false;
  const closing = listener.close(60_000).then(() => {
    done = true;
  });
  await Promise.all([once(idle[0] as Socket, 'close'), text(silent)]);
  await expect(get(`http://127.0.0.1:${port}/`)).rejects.toThrow(/ECONNREFUSED/);
  expect(done).toBe(false);
  finish();
  expect((await slow).body).toBe('slow');
  await closing;
});

test('close without a grace period aborts requests in flight', async () => {
  const listener = await start({ handle: (_req, res) => void res.write('first') });
  const response = get(`http://127.0.0.1:${listener.port}/`);
  const cut = expect(response).rejects.toThrow();
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  await listener.close(0);
  await cut;
});

test('key and certificate are readable by the owner only, and are replaced before they expire or if they are damaged', async () => {
  const fresh = mkdtempSync(join(tmpdir(), 'tls-'));
  const first = await ensureTls(fresh);
  const file = join(fresh, 'server.pem');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await ensureTls(fresh)).cert.trim()).toBe(first.cert.trim());
  const inElevenMonths = new Date(Date.now() + 330 * 24 * 3600 * 1000);
  const renewed = await ensureTls(fresh, inElevenMonths);
  expect(renewed.cert.trim()).not.toBe(first.cert.trim());
  // A key and the certificate of another key.
  writeFileSync(file, `${first.key}\n${renewed.cert}`);
  const repaired = await ensureTls(fresh);
  expect(repaired.cert.trim()).not.toBe(renewed.cert.trim());
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 200));
  expect((await ensureTls(fresh)).key).toContain('PRIVATE KEY');
  rmSync(fresh, { recursive: true });
});
