import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestBrowser } from '../../tests/support/local/gateway.ts';
import { owner, seen, TestSite } from '../../tests/support/local/ingress.ts';

let site: TestSite;
const forwarders: Server[] = [];
beforeEach(async () => {
  site = new TestSite();
  await site.start();
  await site.service(response);
});
afterEach(async () => {
  await site.close();
  for (const server of forwarders.splice(0)) server.close();
});

/** The last request that the service got. */
let received: IncomingHttpHeaders = {};

/** Links with both local addresses, sent byte by byte. */
const response: Parameters<TestSite['service']>[0] = (req, res) => {
  const links = [`${site.sessions}/sessions/mine/lab`, `${site.pages}/forge/x.git`, site.pages, `${site.pages}1/other`];
  const body = JSON.stringify({ links, name: 'Zoë' });
  received = req.headers;
  if (req.url === '/notebooks/moved') res.writeHead(307, { Location: `${site.pages}/notebooks/` }).end();
  else if (req.url === '/notebooks/events') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const byte of Buffer.from(`data: ${body}\n\n`)) res.write(Buffer.from([byte]));
    // The stream stays open.
  } else {
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    });
    for (const byte of Buffer.from(body)) res.write(Buffer.from([byte]));
    res.end();
  }
};

/** `ssh -L PORT:127.0.0.1:8000`: the port that a browser on another computer uses. */
async function forward(): Promise<number> {
  const server = createServer((socket) => {
    const behind = connect(Number(new URL(site.pages).port), '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    socket.on('error', () => behind.destroy());
    behind.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  forwarders.push(server);
  return (server.address() as AddressInfo).port;
}

/** Signs in, uses the API and opens a session at these addresses. */
async function workAt(pages: string, sessions: string): Promise<TestBrowser> {
  await site.session('mine', { emails: [owner.email] });
  const browser = new TestBrowser();
  const link = new URL(site.gateway.signInLink('/notebooks/'));
  const signedIn = await browser.visit(pages + link.pathname + link.search);
  expect([signedIn.status, signedIn.headers.location]).toEqual([302, '/notebooks/']);

  const posted = await browser.visit(`${pages}/notebooks/servers`, { method: 'POST', from: pages, script: true });
  const links = [`${sessions}/sessions/mine/lab`, `${pages}/forge/x.git`, pages, `${site.pages}1/other`];
  expect(JSON.parse(posted.body)).toEqual({ links, name: 'Zoë' });
  const { host } = new URL(site.pages);
  expect(received).toMatchObject({ host, origin: site.pages, 'x-forwarded-host': host });
  expect(received).toHaveProperty('renku-auth-id-token');
  expect((await browser.visit(`${pages}/notebooks/moved`)).headers.location).toBe(`${pages}/notebooks/`);
  const stream = await browser.visit(`${pages}/notebooks/events`, { until: '\n\n' });
  expect(JSON.parse(stream.body.slice('data: '.length))).toEqual({ links, name: 'Zoë' });

  const opened = await browser.go(`${sessions}/sessions/mine/lab?x=1`);
  expect([opened.status, opened.url]).toEqual([200, `${sessions}/sessions/mine/lab?x=1`]);
  const from = { from: sessions, method: 'POST', headers: { Referer: `${sessions}/sessions/mine/lab` } };
  const { headers } = seen((await browser.visit(`${sessions}/sessions/mine/api/contents`, from)).body);
  expect(headers).toMatchObject({
    host: new URL(site.sessions).host,
    origin: site.sessions,
    referer: `${site.sessions}/sessions/mine/lab`,
  });
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  const Cookie = `${name}=${value}`;
  const webSocket = (Origin: string) => site.webSocket('/sessions/mine/api', { Cookie, Origin }, sessions);
  expect(await webSocket(sessions)).toBeInstanceOf(WebSocket);
  for (const other of [pages, 'https://evil.test', site.sessions].filter((origin) => origin !== sessions)) {
    expect(await webSocket(other), other).toBe(403);
    const options = { method: 'POST', from: other, script: true };
    expect((await browser.visit(`${pages}/notebooks/servers`, options)).status, other).toBe(
      other === pages ? 200 : 403,
    );
  }
  return browser;
}

test('pages and sessions work at the local addresses', () => workAt(site.pages, site.sessions));

test('with a forwarded port, every link and redirect has that port', async () => {
  const port = await forward();
  const browser = await workAt(`http://127.0.0.1:${port}`, `http://localhost:${port}`);
  // On another port, the same browser has another cookie.
  expect(browser.jar.map(({ name }) => name).sort()).toEqual([
    `notebook-session-pass-${port}`,
    `notebook-sessions-gateway-${port}`,
  ]);
  expect((await browser.visit(`${site.pages}/notebooks/servers`)).status).toBe(401);
  const again = await browser.visit(`http://127.0.0.1:${port}/auth/links`, {
    form: {},
    from: `http://127.0.0.1:${port}`,
  });
  expect((JSON.parse(again.body) as { link: string }).link).toContain(`http://127.0.0.1:${port}/auth/sign-in?`);
});

test('every other loopback name is redirected to the address of the page, with its port', async () => {
  for (const name of ['localhost', '[::1]', '127.0.0.2', 'notebooks.localhost', '127.0.0.1']) {
    const headers = { Host: `${name}:9999` };
    for (const [path, to] of [
      ['/notebooks/?x=1', 'http://127.0.0.1:9999'],
      ['/auth/sign-in?code=x', 'http://127.0.0.1:9999'],
      ['//evil.test/x', 'http://127.0.0.1:9999'],
      ['/sessions/mine/lab', 'http://localhost:9999'],
    ] as const) {
      if (to.includes(`/${name}:`)) continue;
      const { status, headers: got } = await new TestBrowser().visit(site.pages + path, { headers });
      expect([status, got.location], `${name} ${path}`).toEqual([307, to + path]);
    }
  }
  const port80 = await new TestBrowser().visit(`${site.pages}/notebooks/`, { headers: { Host: 'localhost' } });
  expect(port80.headers.location).toBe('http://127.0.0.1/notebooks/');
});

test('a host name that is not a loopback name is rejected with a remedy', async () => {
  const names = ['evil.test', 'localhost.evil.test', '127.0.0.1.evil.test', 'xlocalhost', '10.0.0.1', '[::2]', '127.1'];
  const browser = await site.signedIn();
  for (const name of names) {
    for (const path of ['/notebooks/', '/sessions/mine/', '/auth/me', '/v2/']) {
      const response = await browser.visit(site.pages + path, { headers: { Host: `${name}:9999` } });
      expect(response.status, name + path).toBe(421);
      expect(response.body).toContain('ssh -L');
      expect(response.body).toContain('--public-url');
      expect(response.headers.location).toBeUndefined();
    }
    expect(await site.webSocket('/sessions/mine/api', { Host: name })).toBe(421);
  }
  expect(await site.webSocket('/sessions/mine/api', { Host: '127.0.0.1:9999' })).toBe(400);
});

test('behind a reverse proxy, pages and sessions are at their public addresses, as in the first link', async () => {
  await site.close();
  site = new TestSite();
  site.published = { pages: 'http://pages.example.org:PORT', sessions: 'http://sessions.example.org:PORT' };
  await site.start();
  await site.service(response);
  const { pages, sessions } = site.published;
  expect(site.gateway.signInLink()).toContain(`${pages}/auth/sign-in?`);
  await workAt(pages, sessions);
  // Programs of the machine use the local address.
  expect((await new TestBrowser().visit(`${site.pages}/health`)).status).toBe(200);
  // Each public name serves only one origin.
  const swapped = await new TestBrowser().visit(`${sessions}/notebooks/`);
  expect([swapped.status, swapped.headers.location]).toEqual([307, `${pages}/notebooks/`]);
});
