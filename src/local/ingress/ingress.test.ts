import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { Cluster, SessionEndpoint } from '../cluster.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { TestBrowser } from '../gateway/testing.ts';
import { type Listener, listen } from '../listener/listen.ts';
import { ensureTls } from '../listener/tls.ts';
import { virtualHosts } from '../listener/virtual-hosts.ts';
import { createIngress } from './ingress.ts';

const log = pino({ level: 'silent' });
const owner = { username: 'ada', name: 'Ada', email: 'ada@localhost.localdomain' };
let directory: string;
let listener: Listener;
let gateway: Gateway;
let ingress: ReturnType<typeof createIngress>;
let pages: string;
let sessions: string;
let now = Date.now();
const objects = new Map<string, JupyterServer>();
const endpoints = new Map<string, SessionEndpoint>();
const jupyters: Server[] = [];
let upgraded: Duplex[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'ingress-'));
  now = Date.now();
  objects.clear();
  endpoints.clear();
  upgraded = [];
  // The port is in every origin, so it is found first.
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  pages = `http://127.0.0.1:${port}`;
  sessions = `http://localhost:${port}`;
  await start();
});
afterEach(async () => {
  await stop();
  for (const server of jupyters.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(directory, { recursive: true });
});

async function start(): Promise<void> {
  gateway = await createGateway({
    stateDir: join(directory, 'gateway'),
    cookieFile: join(directory, 'cookies.txt'),
    publicOrigin: pages,
    sessionOrigin: sessions,
    user: owner,
    gitUrl: `${pages}/forge`,
    issueGitToken: () => ({ token: 't', expiresAt: null }),
    serviceTarget: { socketPath: join(directory, 'service.sock') },
    log,
    now: () => now,
  });
  ingress = createIngress({
    cluster: { get: ((_type, namespace, name) => objects.get(`${namespace}/${name}`)) as Cluster['get'] },
    endpoint: (namespace, pod) => endpoints.get(`${namespace}/${pod}`),
    gateway,
    namespace: 'ns',
    log,
  });
  const refuse = (_req: unknown, socket: Duplex) => void socket.destroy();
  const hosts = virtualHosts(
    new Map([
      [new URL(pages).host, { handle: gateway.handle, upgrade: refuse }],
      [new URL(sessions).host, ingress],
    ]),
  );
  const tls = await ensureTls(join(directory, 'tls'));
  const port = Number(new URL(pages).port);
  listener = await listen({
    port,
    api: (_req, res) => void res.end(),
    http: hosts.handle,
    upgrade: hosts.upgrade,
    tls,
    log,
  });
}

async function stop(): Promise<void> {
  await listener.close(0);
  ingress.close();
  gateway.close();
}

/** Stands for Jupyter: says what it got, checks its token, echoes over WebSockets. */
async function jupyter(token: string): Promise<number> {
  const server = createServer((req, res) => {
    if (req.url?.includes('/set-cookies')) {
      res.setHeader('Set-Cookie', [
        '_xsrf=x; Path=/',
        'tool=1; Path=/; Domain=localhost',
        `${passName()}=evil; Path=/`,
      ]);
      res.setHeader('Service-Worker-Allowed', '/').setHeader('Clear-Site-Data', '"*"').setHeader('X-Kept', 'yes');
    }
    const query = new URLSearchParams(req.url?.split('?')[1]);
    const known = req.headers['authorization'] === `token ${token}` || query.get('token') === token;
    res.writeHead(known ? 200 : 403).end(JSON.stringify({ url: req.url, method: req.method, headers: req.headers }));
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (req: IncomingMessage, socket, head) => {
    if (req.headers['authorization'] !== `token ${token}` && !req.url?.includes(`token=${token}`)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    upgraded.push(socket);
    sockets.handleUpgrade(req, socket, head, (ws) => {
      ws.send(JSON.stringify(req.headers));
      ws.on('message', (data) => ws.send(String(data)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  jupyters.push(server);
  return (server.address() as AddressInfo).port;
}

const passName = () => `notebook-session-pass-${new URL(sessions).port}`;

interface SessionOptions {
  uid?: string;
  emails?: string[];
  token?: string;
  state?: 'starting' | 'running' | 'failed' | 'stopping' | 'hibernated';
  running?: boolean;
}

async function session(
  name: string,
  { uid = `uid-${name}`, emails, token = '', state = 'running', running = true }: SessionOptions = {},
): Promise<void> {
  const auth = emails
    ? { token: '', oidc: { enabled: true, authorizedEmails: emails } }
    : { token, oidc: { enabled: false } };
  objects.set(`ns/${name}`, { metadata: { name, namespace: 'ns', uid }, spec: { auth }, status: { state } });
  if (running)
    endpoints.set(`ns/${name}-0`, { port: await jupyter(token || `secret-${name}`), token: token || `secret-${name}` });
}

async function signedIn(): Promise<TestBrowser> {
  const browser = new TestBrowser();
  await browser.visit(gateway.signInLink());
  return browser;
}

interface Seen {
  url: string;
  headers: Record<string, string>;
}
const seen = (body: string) => JSON.parse(body) as Seen;

test('a signed-in browser goes to its session and back to the page it wanted, and Jupyter gets the token', async () => {
  await session('mine', { emails: [owner.email] });
  const browser = await signedIn();
  const answer = await browser.go(`${sessions}/sessions/mine/lab/tree/a%20b?reset&x=1`);
  expect(answer.status).toBe(200);
  expect(answer.url).toBe(`${sessions}/sessions/mine/lab/tree/a%20b?reset&x=1`);
  const { url, headers } = seen(answer.body);
  expect(url).toBe('/sessions/mine/lab/tree/a%20b?reset&x=1');
  expect(headers['authorization']).toBe('token secret-mine');
  expect(headers['host']).toBe(new URL(sessions).host);
  expect(headers).not.toHaveProperty('cookie');
  const pass = browser.cookie(/session-pass/);
  expect(pass).toMatchObject({ host: 'localhost', path: '/sessions/mine/' });
  // From now on without a way round, for scripts too.
  expect((await browser.visit(`${sessions}/sessions/mine/api/status`, { from: sessions, script: true })).status).toBe(
    200,
  );
});

test('without a trailing slash the session’s address leads to it, and its query stays', async () => {
  await session('anon', { token: 'anon-token' });
  const answer = await new TestBrowser().go(`${sessions}/sessions/anon?token=anon-token`);
  expect(answer.status).toBe(200);
  expect(seen(answer.body).url).toBe('/sessions/anon/?token=anon-token');
});

test('who is not signed in, anonymous or somebody else does not come in', async () => {
  await session('mine', { emails: [owner.email] });
  const stranger = await new TestBrowser().go(`${sessions}/sessions/mine/lab`);
  expect(stranger.status).toBe(401);
  expect(stranger.url).toContain(`${pages}/auth/session`);
  expect(
    (await new TestBrowser().visit(`${sessions}/sessions/mine/api`, { script: true, from: sessions })).status,
  ).toBe(401);

  const browser = await signedIn();
  const post = (path: string, form: Record<string, string> = {}) => browser.visit(pages + path, { form, from: pages });
  await post('/auth/anonymous');
  expect((await browser.go(`${sessions}/sessions/mine/lab`)).status).toBe(403);
  await post('/auth/become', { username: 'grace' });
  const other = await browser.go(`${sessions}/sessions/mine/lab`);
  expect(other.status).toBe(403);
  expect(other.body).toContain('grace');
});

test('a pass ends with the sign-in, with a change of user, and with the session; a restart does not end it', async () => {
  await session('mine', { emails: [owner.email] });
  const browser = await signedIn();
  await browser.go(`${sessions}/sessions/mine/`);
  const api = async () =>
    (await browser.visit(`${sessions}/sessions/mine/api`, { script: true, from: sessions })).status;
  expect(await api()).toBe(200);
  await stop();
  await start();
  expect(await api()).toBe(200);
  await browser.visit(`${pages}/auth/become`, { form: { username: 'grace' }, from: pages });
  expect(await api()).toBe(401);
  await browser.visit(`${pages}/auth/become`, { form: { username: 'ada' }, from: pages });
  expect(await api()).toBe(200);
  // Launched again under the same name: another session.
  await session('mine', { emails: [owner.email], uid: 'another' });
  expect(await api()).toBe(401);
  await browser.go(`${sessions}/sessions/mine/`);
  expect(await api()).toBe(200);
  await session('mine', { emails: ['somebody@else.test'], uid: 'another' });
  expect(await api()).toBe(401);
  await session('mine', { emails: [owner.email], uid: 'another' });
  await browser.visit(`${pages}/auth/sign-out`, { form: {}, from: pages });
  expect(await api()).toBe(401);
});

test('a pass of one session opens no other, nor does a changed one', async () => {
  await session('mine', { emails: [owner.email] });
  await session('other', { emails: [owner.email] });
  const browser = await signedIn();
  await browser.go(`${sessions}/sessions/mine/`);
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  const status = async (session: string, pass: string) =>
    (
      await new TestBrowser().visit(`${sessions}/sessions/${session}/api`, {
        script: true,
        from: sessions,
        headers: { Cookie: `${name}=${pass}` },
      })
    ).status;
  expect(await status('mine', value)).toBe(200);
  expect(await status('other', value)).toBe(401);
  const payload = Buffer.from(JSON.stringify(['uid-other', 'x', 'ada'])).toString('base64url');
  for (const pass of [
    '',
    '.',
    'x.y',
    `${value}x`,
    `${payload}.${value.split('.')[1]}`,
    `${value}.z`,
    value.replace('.', ''),
  ]) {
    expect(await status('mine', pass), pass).toBe(401);
    expect(await status('other', pass), pass).toBe(401);
  }
  // A page of another session can set a second cookie of that name; the good one still counts.
  expect(await status('mine', `planted; ${name}=${value}`)).toBe(200);
});

test('a code works once, for 30 s, for its session, and only a person who goes to a page gets one', async () => {
  await session('mine', { emails: [owner.email] });
  await session('other', { emails: [owner.email] });
  const browser = await signedIn();
  const ask = async () =>
    (await browser.visit(`${pages}/auth/session?name=mine&next=%2Fsessions%2Fmine%2Flab`, { from: sessions })).headers
      .location ?? '';
  const first = await ask();
  expect(first).toMatch(new RegExp(`^${sessions}/sessions/mine/\\.signed-in\\?code=`));
  expect((await new TestBrowser().visit(first.replace('/mine/', '/other/'))).status).toBe(401);
  const second = await ask();
  expect((await new TestBrowser().visit(second)).headers.location).toBe('/sessions/mine/lab');
  expect((await new TestBrowser().visit(second)).status).toBe(401);
  const third = await ask();
  now += 30_000;
  expect((await new TestBrowser().visit(third)).status).toBe(401);
  const script = await browser.visit(`${pages}/auth/session?name=mine`, { from: pages, script: true });
  expect(script.status).toBe(401);
  expect((await browser.visit(`${pages}/auth/session?name=mine`, { from: sessions, script: true })).status).toBe(403);
  const leave = new URL(first);
  leave.searchParams.set('next', 'https://evil.test/');
  leave.searchParams.set('code', new URL(await ask()).searchParams.get('code') ?? '');
  expect((await new TestBrowser().visit(leave.href)).headers.location).toBe('/sessions/mine/');
});

test('Jupyter sees no identity of the platform and no cookie that is not its own', async () => {
  await session('anon', { token: 'anon-token' });
  const host = new URL(sessions).port;
  const Cookie = `notebook-sessions-gateway-${host}=g; notebook-sessions-anonymous=a; ${passName()}=p; _xsrf=own; username-localhost-${host}=own; other=x`;
  const pretended = {
    'Renku-Auth-Id-Token': 'x',
    'Renku-Auth-Anon-Id': 'x',
    'X-Forwarded-User': 'x',
    Cookie,
    Authorization: 'token anon-token',
  };
  const { headers } = seen(
    (await new TestBrowser().visit(`${sessions}/sessions/anon/lab`, { headers: pretended })).body,
  );
  expect(headers['cookie']).toBe(`_xsrf=own; username-localhost-${host}=own`);
  expect(Object.keys(headers).filter((name) => /renku|forwarded-user/.test(name))).toEqual([]);
  expect(headers['authorization']).toBe('token anon-token');
  await session('mine', { emails: [owner.email] });
  const browser = await signedIn();
  await browser.go(`${sessions}/sessions/mine/`);
  const mine = await browser.visit(`${sessions}/sessions/mine/lab`, {
    headers: { Authorization: 'token of-somebody' },
  });
  expect(seen(mine.body).headers['authorization']).toBe('token secret-mine');
});

test('what a session sets stays in the session', async () => {
  await session('anon', { token: 't' });
  const browser = new TestBrowser();
  const answer = await browser.visit(`${sessions}/sessions/anon/set-cookies?token=t`);
  expect(answer.headers['set-cookie']).toEqual(['_xsrf=x; Path=/sessions/anon/', 'tool=1; Path=/sessions/anon/']);
  expect(answer.headers).not.toHaveProperty('service-worker-allowed');
  expect(answer.headers).not.toHaveProperty('clear-site-data');
  expect(answer.headers['x-kept']).toBe('yes');
  const again = await browser.visit(`${sessions}/sessions/anon/lab?token=t`);
  expect(seen(again.body).headers['cookie']).toBe('_xsrf=x; tool=1');
});

test('an anonymous session is Jupyter’s to guard', async () => {
  await session('anon', { token: 'anon-token' });
  expect((await new TestBrowser().visit(`${sessions}/sessions/anon/lab`)).status).toBe(403);
  expect((await new TestBrowser().visit(`${sessions}/sessions/anon/lab?token=anon-token`)).status).toBe(200);
});

test('other sites’ pages get nothing through, whatever the credentials', async () => {
  await session('mine', { emails: [owner.email] });
  const browser = await signedIn();
  await browser.go(`${sessions}/sessions/mine/`);
  const url = `${sessions}/sessions/mine/api/contents/x`;
  for (const from of ['https://evil.test', pages, 'http://localhost:1']) {
    expect((await browser.visit(url, { method: 'POST', from })).status, from).toBe(403);
    expect((await browser.visit(url, { from, script: true })).status, from).toBe(403);
    expect((await browser.visit(url, { from, headers: { 'Sec-Fetch-Dest': 'iframe' } })).status, from).toBe(403);
    expect((await browser.visit(url, { from })).status, from).toBe(200);
  }
  expect(
    (await browser.visit(url, { method: 'PUT', headers: { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' } })).status,
  ).toBe(403);
  expect((await browser.visit(url, { method: 'POST', from: sessions })).status).toBe(200);
});

function webSocket(path: string, headers: Record<string, string>): Promise<WebSocket | number> {
  const { host, port } = new URL(sessions);
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { Host: host, ...headers } });
    ws.once('message', () => resolve(ws));
    ws.once('unexpected-response', (_req, res) => resolve(res.statusCode ?? 0));
    ws.once('error', reject);
  });
}

test('WebSockets: with the pass and from the session’s own pages only', async () => {
  await session('mine', { emails: [owner.email] });
  const browser = await signedIn();
  await browser.go(`${sessions}/sessions/mine/`);
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  const Cookie = `${name}=${value}; other=x`;
  const path = '/sessions/mine/api/kernels/1/channels';
  const ws = await webSocket(path, { Cookie, Origin: sessions });
  expect(ws).toBeInstanceOf(WebSocket);
  (ws as WebSocket).send('hello');
  expect(String((await once(ws as WebSocket, 'message'))[0])).toBe('hello');
  (ws as WebSocket).close();
  expect(await webSocket(path, { Cookie, Origin: 'https://evil.test' })).toBe(403);
  expect(await webSocket(path, { Cookie, Origin: pages })).toBe(403);
  expect(await webSocket(path, { Origin: sessions })).toBe(401);
  expect(await webSocket('/sessions/none/api', { Origin: sessions })).toBe(404);
  expect(await webSocket('/other', { Origin: sessions })).toBe(404);
  expect(await webSocket(path, { Cookie, Host: 'evil.test' })).toBe(421);
  await session('anon', { token: 'anon-token' });
  expect(await webSocket('/sessions/anon/api', { Origin: sessions })).toBe(403);
  expect(await webSocket('/sessions/anon/api?token=anon-token', { Origin: sessions })).toBeInstanceOf(WebSocket);
});

test('an end of Jupyter ends the WebSocket; then it is said to be starting', async () => {
  await session('anon', { token: 't' });
  const ws = (await webSocket('/sessions/anon/api?token=t', {})) as WebSocket;
  const closed = once(ws, 'close');
  jupyters[0]?.close();
  for (const socket of upgraded) socket.destroy();
  await closed;
  const page = await new TestBrowser().visit(`${sessions}/sessions/anon/lab?token=t`);
  expect(page.status).toBe(503);
  expect(page.body).toContain('http-equiv="refresh"');
  expect(await webSocket('/sessions/anon/api?token=t', {})).toBe(503);
});

test('a session that is not there yet, failed, is paused, stops or is unknown says so', async () => {
  const page = async (name: string) => new TestBrowser().visit(`${sessions}/sessions/${name}/lab`);
  await session('starting', { token: 't', state: 'starting', running: false });
  const starting = await page('starting');
  expect(starting.status).toBe(503);
  expect(starting.headers['retry-after']).toBe('2');
  expect(starting.body).toContain('http-equiv="refresh"');
  expect(starting.body).toContain(`${pages}/notebooks/`);
  const program = await new TestBrowser().visit(`${sessions}/sessions/starting/api`, {
    headers: { Accept: 'application/json' },
  });
  expect(JSON.parse(program.body)).toMatchObject({ error: { code: 3503, requestId: expect.any(String) } });

  await session('failed', { token: 't', state: 'failed', running: false });
  const failed = await page('failed');
  expect(failed.status).toBe(503);
  expect(failed.body).not.toContain('http-equiv="refresh"');
  await session('paused', { token: 't', state: 'hibernated', running: false });
  expect((await page('paused')).body).toContain('paused');
  await session('stopping', { token: 't', state: 'stopping', running: false });
  expect((await page('stopping')).status).toBe(404);
  await session('deleted', { token: 't' });
  const object = objects.get('ns/deleted');
  if (object) object.metadata.deletionTimestamp = new Date().toISOString();
  expect((await page('deleted')).status).toBe(404);
  expect((await page('unknown')).status).toBe(404);
  objects.set('ns/malformed', { metadata: { name: 'malformed' } });
  expect((await page('malformed')).status).toBe(404);
  // Who may not come in learns nothing about the state.
  await session('secret', { emails: ['x@y.test'], state: 'failed', running: false });
  expect((await page('secret')).headers.location).toContain('/auth/session');
});

test('this site has sessions only: its front leads to the pages, everything else is nowhere', async () => {
  const browser = new TestBrowser();
  for (const path of ['/', '/sessions', '/sessions/']) {
    expect((await browser.visit(sessions + path)).headers.location, path).toBe(`${pages}/notebooks/`);
    expect((await browser.visit(sessions + path, { script: true, from: sessions })).status, path).toBe(404);
  }
  for (const path of ['/notebooks/servers', '/auth/me', '/forge/', '/v2/', '/favicon.ico', '/sessions/A/']) {
    expect((await browser.visit(sessions + path)).status, path).toBe(404);
  }
  expect((await browser.visit(`${pages}/sessions/mine/`)).status).toBe(404);
});

test('paths that two readers could read differently do not get through', async () => {
  await session('anon', { token: 't' });
  await session('other', { token: 't' });
  const { port, host } = new URL(sessions);
  const raw = async (target: string) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const answer = await text(socket);
    return { status: Number(answer.split(' ')[1]), body: answer.split('\r\n\r\n')[1] ?? '' };
  };
  for (const target of [
    '/sessions/anon/../other/?token=t',
    '/sessions/anon/%2e%2e/other/?token=t',
    '/sessions/anon/..%2fother/',
  ]) {
    expect((await raw(target)).status, target).toBe(400);
  }
  for (const target of ['//sessions/anon/', '/sessions//anon/', '/sessions/anon%2flab', '/sessions/%61non/']) {
    expect((await raw(target)).status, target).toBe(404);
  }
  expect((await raw(`http://${host}/sessions/anon/lab?token=t`)).status).toBe(200);
  expect((await raw('http://evil.test/sessions/anon/lab?token=t')).status).toBe(421);
  expect(seen((await raw('/sessions/anon//x?token=t&next=/../y')).body.replace(/^[0-9a-f]+\r\n|\r\n0$/g, '')).url).toBe(
    '/sessions/anon//x?token=t&next=/../y',
  );
});
