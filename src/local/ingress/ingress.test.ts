import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { owner, seen, TestSite } from '../../../tests/support/local/ingress.ts';

let site: TestSite;
beforeEach(async () => {
  site = new TestSite();
  await site.start();
});
afterEach(() => site.close());

test('the address of a session without a trailing slash is redirected with its query', async () => {
  await site.session('anon', { token: 'anon-token' });
  const response = await (await site.signedIn()).go(`${site.sessions}/sessions/anon?token=anon-token`);
  expect(response.status).toBe(200);
  expect(seen(response.body).url).toBe('/sessions/anon/?token=anon-token');
});

test('Jupyter gets its own cookies only, and no identity headers of the platform', async () => {
  await site.session('anon', { token: 'anon-token' });
  const host = new URL(site.sessions).port;
  const anonymous = await site.signedIn();
  await anonymous.go(`${site.sessions}/sessions/anon/?token=anon-token`);
  const pass = anonymous.cookie(/session-pass/)?.value;
  const Cookie = `notebook-sessions-gateway-${host}=g; notebook-sessions-anonymous=a; ${site.passName}=${pass}; _xsrf=own; username-localhost-${host}=own; other=x`;
  const pretended = {
    'Renku-Auth-Id-Token': 'x',
    'Renku-Auth-Anon-Id': 'x',
    'X-Forwarded-User': 'x',
    Cookie,
    Authorization: 'token anon-token',
  };
  const { headers } = seen((await anonymous.visit(`${site.sessions}/sessions/anon/lab`, { headers: pretended })).body);
  expect(headers['cookie']).toBe(`_xsrf=own; username-localhost-${host}=own`);
  expect(Object.keys(headers).filter((name) => /renku|forwarded-user/.test(name))).toEqual([]);
  expect(headers['authorization']).toBe('token anon-token');
  await site.session('mine', { emails: [owner.email] });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/`);
  const mine = await browser.visit(`${site.sessions}/sessions/mine/lab`, {
    headers: { Authorization: 'token of-another-user' },
  });
  expect(seen(mine.body).headers['authorization']).toBe('token secret-mine');
});

test('cookies of a session are limited to its path', async () => {
  await site.session('anon', { token: 't' });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/anon/?token=t`);
  const response = await browser.visit(`${site.sessions}/sessions/anon/set-cookies?token=t`);
  expect(response.headers['set-cookie']).toEqual(['_xsrf=x; Path=/sessions/anon/', 'tool=1; Path=/sessions/anon/']);
  expect(response.headers).not.toHaveProperty('service-worker-allowed');
  expect(response.headers).not.toHaveProperty('clear-site-data');
  expect(response.headers['x-kept']).toBe('yes');
  const again = await browser.visit(`${site.sessions}/sessions/anon/lab?token=t`);
  expect(seen(again.body).headers['cookie']).toBe('_xsrf=x; tool=1');
});

test('Jupyter itself checks the token of an anonymous session', async () => {
  await site.session('anon', { token: 'anon-token' });
  const browser = await site.signedIn();
  expect((await browser.go(`${site.sessions}/sessions/anon/lab`)).status).toBe(403);
  expect((await browser.go(`${site.sessions}/sessions/anon/lab?token=anon-token`)).status).toBe(200);
  expect((await new TestBrowser().go(`${site.sessions}/sessions/anon/lab?token=anon-token`)).status).toBe(401);
});

test('a program of the owner needs only the token of an anonymous session, and cookies are ignored', async () => {
  await site.session('anon', { token: 'anon-token' });
  const ask = (query: string, headers: Record<string, string> = {}) =>
    new TestBrowser().visit(`${site.sessions}/sessions/anon/api${query}`, {
      script: true,
      from: site.sessions,
      headers,
    });
  expect((await ask('')).status).toBe(401);
  expect((await ask('', { Cookie: 'username-localhost-1=x' })).status).toBe(401);
  expect((await ask('?token=wrong')).status).toBe(403);
  const { headers } = seen((await ask('?token=anon-token', { Cookie: '_xsrf=x' })).body);
  expect(headers).not.toHaveProperty('cookie');
  expect((await ask('', { Authorization: 'token anon-token' })).status).toBe(200);
  // A page in a signed-out browser does not have the access of a program.
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/anon/lab?token=anon-token`);
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  expect((await ask('?token=anon-token', { Cookie: `${name}=${value}` })).status).toBe(200);
  await browser.visit(`${site.pages}/auth/sign-out`, { form: {}, from: site.pages });
  expect((await ask('?token=anon-token', { Cookie: `${name}=${value}` })).status).toBe(401);
});

test('requests from pages of other sites are rejected, whatever their credentials', async () => {
  await site.session('mine', { emails: [owner.email] });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/`);
  const url = `${site.sessions}/sessions/mine/api/contents/x`;
  for (const from of ['https://evil.test', site.pages, 'http://localhost:1']) {
    expect((await browser.visit(url, { method: 'POST', from })).status, from).toBe(403);
    expect((await browser.visit(url, { from, script: true })).status, from).toBe(403);
    expect((await browser.visit(url, { from, headers: { 'Sec-Fetch-Dest': 'iframe' } })).status, from).toBe(403);
    expect((await browser.visit(url, { from })).status, from).toBe(200);
  }
  expect(
    (await browser.visit(url, { method: 'PUT', headers: { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' } })).status,
  ).toBe(403);
  expect((await browser.visit(url, { method: 'POST', from: site.sessions })).status).toBe(200);
});

test('WebSockets need the pass and must come from pages of the sessions', async () => {
  await site.session('mine', { emails: [owner.email] });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/`);
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  const Cookie = `${name}=${value}; other=x`;
  const path = '/sessions/mine/api/kernels/1/channels';
  const ws = await site.webSocket(path, { Cookie, Origin: site.sessions });
  expect(ws).toBeInstanceOf(WebSocket);
  (ws as WebSocket).send('hello');
  expect(String((await once(ws as WebSocket, 'message'))[0])).toBe('hello');
  (ws as WebSocket).close();
  expect(await site.webSocket(path, { Cookie, Origin: 'https://evil.test' })).toBe(403);
  expect(await site.webSocket(path, { Cookie, Origin: site.pages })).toBe(403);
  expect(await site.webSocket(path, { Origin: site.sessions })).toBe(401);
  expect(await site.webSocket('/sessions/none/api', { Origin: site.sessions })).toBe(424);
  expect(await site.webSocket('/other', { Origin: site.sessions })).toBe(404);
  expect(await site.webSocket(path, { Cookie, Host: 'evil.test' })).toBe(421);
  await site.session('anon', { token: 'anon-token' });
  expect(await site.webSocket('/sessions/anon/api', { Origin: site.sessions })).toBe(401);
  expect(await site.webSocket('/sessions/anon/api?token=x', { Origin: site.sessions })).toBe(403);
  expect(await site.webSocket('/sessions/anon/api?token=anon-token', { Origin: site.sessions })).toBeInstanceOf(
    WebSocket,
  );
});

test('when Jupyter ends, its WebSockets are closed and the session is shown as starting', async () => {
  await site.session('anon', { token: 't' });
  const ws = (await site.webSocket('/sessions/anon/api?token=t', {})) as WebSocket;
  const closed = once(ws, 'close');
  site.jupyters[0]?.server.close();
  for (const socket of site.jupyters[0]?.upgraded ?? []) socket.destroy();
  await closed;
  const page = await (await site.signedIn()).go(`${site.sessions}/sessions/anon/lab?token=t`);
  expect(page.status).toBe(503);
  expect(page.body).toContain('http-equiv="refresh"');
  expect(await site.webSocket('/sessions/anon/api?token=t', {})).toBe(503);
});

test.runIf(process.getuid?.() === 0)(
  'a program of another user on the port of an ended server gets no requests',
  async () => {
    await site.session('mine', { emails: [owner.email] });
    const browser = await site.signedIn();
    const address = `${site.sessions}/sessions/mine/lab`;
    // Also on a keep-alive connection, which is closed when the server ends.
    expect((await browser.go(address)).status).toBe(200);
    const server = site.jupyters[0]?.server as Server;
    const { port } = server.address() as AddressInfo;
    server.close();
    server.closeAllConnections();
    const program = `import socket; s = socket.create_server(("127.0.0.1", ${port})); print("there", flush=True); print(s.accept()[0].recv(99).decode())`;
    const stranger = spawn('python3', ['-c', program], {
      uid: 65_534,
      gid: 65_534,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const printed = text(stranger.stdout);
    await once(stranger.stdout, 'readable');
    expect((await browser.visit(address)).status).toBe(503);
    const pass = `${site.passName}=${browser.cookie(/session-pass/)?.value}`;
    expect(await site.webSocket('/sessions/mine/api/kernels/x/channels', { Cookie: pass, Origin: site.sessions })).toBe(
      503,
    );
    connect(port, '127.0.0.1').end('the test itself');
    expect(await printed).toBe('there\nthe test itself\n');
  },
);

test('a session that is starting, failed, hibernated, stopping or unknown has an error page for that state', async () => {
  const browser = await site.signedIn();
  const page = async (name: string) => browser.go(`${site.sessions}/sessions/${name}/lab`);
  await site.session('starting', { token: 't', state: 'starting', running: false });
  const starting = await page('starting');
  expect(starting.status).toBe(503);
  expect(starting.headers['retry-after']).toBe('2');
  expect(starting.body).toContain('http-equiv="refresh"');
  expect(starting.body).toContain(`${site.pages}/notebooks/`);
  const program = await new TestBrowser().visit(`${site.sessions}/sessions/starting/api?token=t`, {
    script: true,
    from: site.sessions,
    headers: { Accept: 'application/json' },
  });
  expect(JSON.parse(program.body)).toMatchObject({ error: { code: 3503, requestId: expect.any(String) } });

  await site.session('failed', { token: 't', state: 'failed', running: false });
  const failed = await page('failed');
  expect(failed.status).toBe(503);
  expect(failed.body).not.toContain('http-equiv="refresh"');
  await site.session('hibernated', { token: 't', state: 'hibernated', running: false });
  expect((await page('hibernated')).body).toContain('shows how to resume it');
  await site.session('stopping', { token: 't', state: 'stopping', running: false });
  expect((await page('stopping')).status).toBe(404);
  await site.session('deleted', { token: 't' });
  const object = site.objects.get('ns/deleted');
  if (object) object.metadata.deletionTimestamp = new Date().toISOString();
  expect((await page('deleted')).status).toBe(404);
  expect((await page('unknown')).status).toBe(404);
  site.objects.set('ns/malformed', { metadata: { name: 'malformed' } });
  expect((await page('malformed')).status).toBe(404);
  // Callers without access do not see the state.
  await site.session('secret', { emails: ['x@y.test'], state: 'failed', running: false });
  expect((await browser.visit(`${site.sessions}/sessions/secret/lab`)).headers.location).toContain('/auth/session');
});

test('paths of pages are redirected to the origin of the pages, and paths of sessions to the origin of the sessions', async () => {
  const browser = new TestBrowser();
  for (const path of ['/sessions', '/sessions/']) {
    expect((await browser.visit(site.sessions + path)).headers.location, path).toBe(`${site.pages}/notebooks/`);
    expect((await browser.visit(site.sessions + path, { script: true, from: site.sessions })).status, path).toBe(404);
  }
  for (const path of ['/', '/notebooks/servers?x=1', '/auth/me', '/forge/', '/v2/', '//evil.test/', '/.//evil.test/']) {
    const { status, headers } = await browser.visit(site.sessions + path);
    expect([status, headers.location], path).toEqual([307, site.pages + path]);
  }
  expect((await browser.visit(`${site.sessions}/sessions/A/`)).status).toBe(404);
  const session = await browser.visit(`${site.pages}/sessions/mine/lab?x=1`, { method: 'POST' });
  expect([session.status, session.headers.location]).toEqual([307, `${site.sessions}/sessions/mine/lab?x=1`]);
});

test('ambiguous paths are rejected', async () => {
  await site.session('anon', { token: 't' });
  await site.session('other', { token: 't' });
  const { port, host } = new URL(site.sessions);
  const raw = async (target: string) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const response = await text(socket);
    return { status: Number(response.split(' ')[1]), body: response.split('\r\n\r\n')[1] ?? '' };
  };
  for (const target of [
    '/sessions/anon/../other/?token=t',
    '/sessions/anon/%2e%2e/other/?token=t',
    '/sessions/anon/..%2fother/',
  ]) {
    expect((await raw(target)).status, target).toBe(400);
  }
  for (const target of ['/sessions//anon/', '/sessions/anon%2flab', '/sessions/%61non/']) {
    expect((await raw(target)).status, target).toBe(404);
  }
  expect((await raw('//sessions/anon/')).status).toBe(307);
  expect((await raw(`http://${host}/sessions/anon/lab?token=t`)).status).toBe(200);
  expect((await raw('http://evil.test/sessions/anon/lab?token=t')).status).toBe(421);
  expect(seen((await raw('/sessions/anon//x?token=t&next=/../y')).body.replace(/^[0-9a-f]+\r\n|\r\n0$/g, '')).url).toBe(
    '/sessions/anon//x?token=t&next=/../y',
  );
});

test('requests below /sidecar go to the agent of the session with the token, and only from its users', async () => {
  await site.session('mine', { emails: [owner.email], hasAgent: true });
  const browser = await site.signedIn();
  const { body } = await browser.go(`${site.sessions}/sessions/mine/sidecar/jsonrpc/map`);
  expect(seen(body)).toMatchObject({
    url: '/sessions/mine/sidecar/jsonrpc/map',
    headers: { authorization: 'token secret-mine' },
  });
  const program = await new TestBrowser().visit(`${site.sessions}/sessions/mine/sidecar/health/`, { script: true });
  expect(program.status).toBe(401);

  await site.session('anon', { token: 'anon-token' });
  const response = await browser.go(`${site.sessions}/sessions/anon/sidecar/health/?token=anon-token`);
  expect(response).toMatchObject({ status: 404, body: expect.stringContaining('This session has no agent.') });

  await site.session('other', { emails: [owner.email] });
  expect((await browser.go(`${site.sessions}/sessions/other/sidecar/health/`)).status).toBe(503);
});
