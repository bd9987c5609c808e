import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { createAddresses } from '../origins/origins.ts';
import { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';

const owner = { username: 'ada', name: 'Ada', email: 'ada@localhost.localdomain' };
let directory: string;
let service: Server | undefined;
let front: Server;
let gateway: Gateway;
let origin: string;
let now = Date.now();
/** Milliseconds by which the clock advances with each call. */
let tick = 0;
let gitTokens = 0;
let issueGitToken: GatewayOptions['issueGitToken'];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-'));
  now = Date.now();
  tick = 0;
  gitTokens = 0;
  issueGitToken = (user, expiresAt) => {
    gitTokens += 1;
    return { token: `git-${user.username}`, expiresAt };
  };
  front = createServer((req, res) => void gateway.handle(req, res)).listen(0, '127.0.0.1');
  await once(front, 'listening');
  origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  await startGateway();
  await startService();
});
afterEach(() => {
  gateway.close();
  for (const server of [front, service]) {
    server?.closeAllConnections();
    server?.close();
  }
  rmSync(directory, { recursive: true });
});

async function startGateway(): Promise<void> {
  gateway = await createGateway({
    stateDir: join(directory, 'gateway'),
    cookieFile: join(directory, 'cookies.txt'),
    addresses: createAddresses(Number(new URL(origin).port)),
    user: owner,
    userOfGitToken: (token) => /^git-(.+)$/.exec(token)?.[1],
    gitUrl: `${origin}/forge`,
    issueGitToken: (user, expiresAt) => issueGitToken(user, expiresAt),
    serviceSocket: join(directory, 'service.sock'),
    serviceRestartMs: 0,
    log: pino({ level: 'silent' }),
    now: () => {
      now += tick;
      return now;
    },
  });
}

/** A service that responds with the headers of the request. */
async function startService(): Promise<void> {
  service = createServer((req, res) => {
    res.setHeader('Set-Cookie', 'notebook-sessions-anonymous=anon-1; Path=/notebooks').end(JSON.stringify(req.headers));
  }).listen(join(directory, 'service.sock'));
  await once(service, 'listening');
}

async function signedIn(): Promise<TestBrowser> {
  const browser = new TestBrowser();
  await browser.go(gateway.signInLink('/notebooks/'));
  return browser;
}

async function anonymous(): Promise<TestBrowser> {
  const browser = await signedIn();
  await browser.visit(`${origin}/auth/anonymous`, { form: {}, from: origin });
  return browser;
}

type Headers = Record<string, string | undefined>;
const seenBy = async (browser: TestBrowser, headers: Record<string, string> = {}): Promise<Headers> =>
  JSON.parse((await browser.visit(`${origin}/notebooks/servers`, { headers })).body) as Headers;

test('the link signs in once, within ten minutes, and redirects to its page', async () => {
  const link = gateway.signInLink('/notebooks/launch/demo/first-light?ref=main');
  const browser = new TestBrowser();
  const first = await browser.visit(link);
  expect(first.status).toBe(302);
  expect(first.headers.location).toBe('/notebooks/launch/demo/first-light?ref=main');
  expect(first.headers['set-cookie']?.[0]).toMatch(/HttpOnly.*SameSite=Lax/i);
  expect((await seenBy(browser))['renku-auth-id-token']).toBeDefined();
  // In the same browser, the used link only redirects. In another browser, the link is invalid.
  expect((await browser.visit(link)).headers.location).toContain('/notebooks/launch/');
  const second = await new TestBrowser().visit(link);
  expect(second.status).toBe(401);
  expect(second.body).toContain('npm start');
  expect(second.headers['set-cookie']).toBeUndefined();
  const late = gateway.signInLink();
  now += 10 * 60_000;
  expect((await new TestBrowser().visit(late)).status).toBe(401);
});

test('the cookie is valid even if time passes while it is created', async () => {
  tick = 7;
  const cookie = (await new TestBrowser().visit(gateway.signInLink())).headers['set-cookie']?.[0] ?? '';
  const maxAge = Number(/Max-Age=(\d+);/.exec(cookie)?.[1]);
  expect(maxAge).toBeGreaterThan(29.9 * 24 * 3600);
  expect(maxAge).toBeLessThanOrEqual(30 * 24 * 3600);
});

test('prefetching does not invalidate the link', async () => {
  const link = gateway.signInLink();
  expect((await new TestBrowser().visit(link, { method: 'HEAD' })).status).toBe(503);
  expect((await new TestBrowser().visit(link, { headers: { 'Sec-Purpose': 'prefetch;prerender' } })).status).toBe(503);
  expect((await new TestBrowser().visit(link)).status).toBe(302);
});

test('the service gets tokens that it can verify, and not the cookie of the gateway', async () => {
  const browser = await signedIn();
  browser.jar.push({ host: '127.0.0.1', path: '/', name: 'other', value: 'kept' });
  const headers = await seenBy(browser);
  expect(headers['cookie']).toBe('notebook-sessions-anonymous=anon-1; other=kept');
  const jwks = JSON.parse((await new TestBrowser().visit(`${origin}/auth/jwks.json`)).body) as JSONWebKeySet;
  expect(JSON.stringify(jwks)).not.toContain('"d"');
  const verify = (token = '', audience = 'notebook-sessions') =>
    jwtVerify(token, createLocalJWKSet(jwks), { issuer: `${origin}/auth`, audience, currentDate: new Date(now) });
  const { payload } = await verify(headers['renku-auth-id-token']);
  expect(payload).toMatchObject({ sub: 'local-ada', preferred_username: 'ada', name: 'Ada', email: owner.email });
  expect((payload.exp ?? 0) - now / 1000).toBeLessThanOrEqual(300);
  await expect(verify(headers['renku-auth-access-token'])).rejects.toThrow(/aud/);
  await expect(verify(headers['renku-auth-refresh-token'])).rejects.toThrow(/aud/);
  const credentials = JSON.parse(
    Buffer.from(headers['renku-auth-git-credentials'] ?? '', 'base64').toString(),
  ) as object;
  expect(credentials).toEqual({
    [`${origin}/forge`]: { AuthorizationHeader: 'bearer git-ada', AccessTokenExpiresAt: expect.any(Number) },
  });
});

test('tokens are reused while they are valid for two more minutes, and the git token is reused for longer', async () => {
  const browser = await signedIn();
  const idToken = async () => (await seenBy(browser))['renku-auth-id-token'] ?? '';
  const [first, second] = await Promise.all([idToken(), idToken()]);
  expect(second).toBe(first);
  for (let minute = 0; minute < 59; minute += 1) {
    now += 60_000;
    const { exp } = JSON.parse(Buffer.from((await idToken()).split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number;
    };
    expect(exp * 1000 - now).toBeGreaterThan(120_000);
  }
  expect(await idToken()).not.toBe(first);
  expect(gitTokens).toBe(1);
});

test('a failure to create a git token is a 503 and not cached', async () => {
  const browser = new TestBrowser();
  await browser.visit(gateway.signInLink());
  const working = issueGitToken;
  issueGitToken = () => Promise.reject(new Error('the disk is full'));
  expect((await browser.visit(`${origin}/notebooks/`)).status).toBe(503);
  issueGitToken = working;
  expect((await browser.visit(`${origin}/notebooks/`)).status).toBe(200);
});

test('without a git token there are no registered users, and the account page shows the reason', async () => {
  issueGitToken = () => ({ token: null, expiresAt: null });
  const browser = await signedIn();
  expect(await seenBy(browser)).not.toHaveProperty('renku-auth-id-token');
  expect((await browser.visit(`${origin}/auth/`)).body).toContain('GITLAB_TOKEN');
});

test('headers that only a gateway may set are removed from every request', async () => {
  const pretended = {
    'Renku-Auth-Id-Token': 'x',
    renku_auth_access_token: 'x',
    'Renku-Auth-Anon-Id': 'anon-x',
    'X-Forwarded-For': '6.6.6.6',
    'X-Forwarded-Prefix': '/x',
    Forwarded: 'for=6.6.6.6',
    'X-Script-Name': '/x',
  };
  const seen = await seenBy(await anonymous(), pretended);
  expect(Object.keys(seen).filter((name) => /renku|script|prefix|^forwarded/.test(name))).toEqual([
    'renku-auth-anon-id',
  ]);
  expect(seen['renku-auth-anon-id']).toMatch(/^anon-[0-9a-f]{32}$/);
  expect(seen['x-forwarded-for']).toBe('127.0.0.1');
  const tokens = await seenBy(await signedIn(), pretended);
  expect(tokens['renku-auth-id-token']).toMatch(/^ey/);
  // Connection cannot remove the gateway's own header, which is added later.
  const trick = await seenBy(await signedIn(), { Connection: 'close, Renku-Auth-Id-Token, Cookie' });
  expect(trick['renku-auth-id-token']).toMatch(/^ey/);
});

test('a forged, changed or foreign cookie does not sign in', async () => {
  const browser = await signedIn();
  const cookie = browser.cookie(/gateway/);
  for (const value of ['', 'x', `${cookie?.value}x`, cookie?.value.slice(1), cookie?.value.toUpperCase()]) {
    const headers = { Cookie: `${cookie?.name}=${value}` };
    expect((await new TestBrowser().visit(`${origin}/notebooks/servers`, { headers })).status).toBe(401);
  }
  // A page on another port of the host can set a second cookie of that name; the valid one still works.
  for (const path of ['/', '/notebooks/servers']) {
    browser.jar.unshift({ host: '127.0.0.1', path, name: cookie?.name ?? '', value: 'planted' });
  }
  expect(await seenBy(browser)).toHaveProperty('renku-auth-id-token');
  now += 31 * 24 * 3_600_000;
  expect((await browser.visit(`${origin}/notebooks/servers`)).status).toBe(401);
});

test('a browser can switch to another user, to an anonymous visitor and back, and sign out, without effect on other browsers', async () => {
  const browser = await signedIn();
  const other = await signedIn();
  const me = async (who: TestBrowser) => JSON.parse((await who.visit(`${origin}/auth/me`)).body) as Headers;
  const post = (path: string, form: Record<string, string> = {}) =>
    browser.visit(origin + path, { form, from: origin });
  expect(await me(browser)).toMatchObject({ kind: 'registered', username: 'ada', name: 'Ada', switch_url: '/auth/' });

  expect((await post('/auth/become', { username: 'Grace' })).headers.location).toBe('/auth/');
  expect(await me(browser)).toMatchObject({ username: 'Grace', id: 'local-Grace' });
  expect((await post('/auth/become', { username: '<script>' })).status).toBe(422);
  await post('/auth/anonymous');
  expect(await me(browser)).toEqual({ kind: 'anonymous', signed_in: true, switch_url: '/auth/' });
  const visitor = await seenBy(browser);
  expect(visitor).not.toHaveProperty('renku-auth-id-token');
  expect(visitor['renku-auth-anon-id']).not.toBe((await seenBy(await anonymous()))['renku-auth-anon-id']);
  expect((await browser.visit(`${origin}/auth/`)).body).toContain('Switch back to ada');
  await post('/auth/become', { username: 'ada' });
  expect(await me(browser)).toMatchObject({ username: 'ada', email: owner.email });
  // The visitor is the same, also after another sign-in, so that the visitor's sessions are found.
  await browser.visit(gateway.signInLink());
  await post('/auth/anonymous');
  expect((await seenBy(browser))['renku-auth-anon-id']).toBe(visitor['renku-auth-anon-id']);

  const stolen = browser.cookie(/gateway/);
  await post('/auth/sign-out');
  expect(browser.cookie(/gateway/)).toBeUndefined();
  browser.jar.push(stolen as NonNullable<typeof stolen>);
  expect(await me(browser)).toMatchObject({ kind: 'anonymous', signed_in: false });
  expect(await me(other)).toMatchObject({ username: 'ada' });
});

test('changes need a signed-in browser, and are rejected from pages of other sites', async () => {
  const browser = await signedIn();
  const localhost = origin.replace('127.0.0.1', 'localhost');
  for (const from of ['https://evil.test', localhost, 'http://127.0.0.1:1', 'null']) {
    const options = from === 'null' ? { headers: { Origin: 'null' } } : { from };
    expect((await browser.visit(`${origin}/auth/become`, { form: { username: 'x' }, ...options })).status, from).toBe(
      403,
    );
    expect((await browser.visit(`${origin}/notebooks/servers`, { method: 'POST', ...options })).status, from).toBe(403);
  }
  expect(
    (await new TestBrowser().visit(`${origin}/auth/become`, { form: { username: 'x' }, from: origin })).status,
  ).toBe(401);
  expect((await browser.visit(`${origin}/auth/become?username=x`)).status).toBe(404);
  expect(
    (await browser.visit(`${origin}/auth/become`, { form: { username: 'x'.repeat(9000) }, from: origin })).status,
  ).toBe(413);
  // Scripts of other sites cannot read either. Following a link on another site is accepted.
  expect((await browser.visit(`${origin}/notebooks/servers`, { from: localhost, script: true })).status).toBe(403);
  expect(
    (await browser.visit(`${origin}/notebooks/servers`, { from: 'http://127.0.0.1:1', script: true })).status,
  ).toBe(403);
  const framed = { from: 'https://evil.test', headers: { 'Sec-Fetch-Dest': 'iframe' } };
  expect((await browser.visit(`${origin}/notebooks/`, framed)).status).toBe(403);
  expect((await browser.visit(`${origin}/notebooks/`, { from: 'https://evil.test' })).status).toBe(200);
});

test('every other Host header is rejected', async () => {
  const browser = await signedIn();
  const { port } = new URL(origin);
  const others = [
    'evil.test',
    '127.0.0.1.',
    '127.1',
    '127.0.0.1.evil.test',
    'localhost.evil.test',
    'localhost',
    '[::1]',
  ];
  for (const host of [...others.map((name) => `${name}:${port}`), '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:']) {
    expect((await browser.visit(`${origin}/notebooks/`, { headers: { Host: host } })).status, host).toBe(421);
  }
  const own = `127.0.0.1:${port}`;
  const statusOf = async (head: string) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`${head}\r\nConnection: close\r\n\r\n`);
    return Number((await text(socket)).split(' ')[1]);
  };
  expect(await statusOf(`GET http://evil.test/notebooks/ HTTP/1.1\r\nHost: ${own}`)).toBe(421);
  expect(await statusOf(`GET http://${own}/health HTTP/1.1\r\nHost: ${own}`)).toBe(200);
  expect(await statusOf(`GET /notebooks/ HTTP/1.1\r\nHost: ${own}\r\nHost: evil.test`)).toBeGreaterThanOrEqual(400);
  expect(await statusOf('GET /notebooks/ HTTP/1.0')).toBe(421);
  expect(await statusOf('GET /notebooks/ HTTP/1.1\r\nHost:')).toBe(421);
  expect(await statusOf(`OPTIONS * HTTP/1.1\r\nHost: ${own}`)).toBe(400);
});

test('pages cannot be shown in frames, and escape names', async () => {
  const browser = await signedIn();
  const page = await browser.visit(`${origin}/auth/`);
  expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(page.headers['x-frame-options']).toBe('DENY');
  expect(page.headers['cache-control']).toBe('no-store');
  expect(page.headers['referrer-policy']).toBe('same-origin');
});

test('browsers stay signed in and keys are kept after a restart; secrets are private and cookies are not stored', async () => {
  const browser = await signedIn();
  const idToken = (await seenBy(browser))['renku-auth-id-token'] ?? '';
  const cookieFile = readFileSync(join(directory, 'cookies.txt'), 'utf8');
  gateway.close();
  await startGateway();
  expect(await seenBy(browser)).toHaveProperty('renku-auth-id-token');
  const jwks = JSON.parse((await browser.visit(`${origin}/auth/jwks.json`)).body) as JSONWebKeySet;
  await jwtVerify(idToken, createLocalJWKSet(jwks), { currentDate: new Date(now) });
  expect(readFileSync(join(directory, 'cookies.txt'), 'utf8')).toBe(cookieFile);

  const state = join(directory, 'gateway');
  for (const name of readdirSync(state)) {
    expect(statSync(join(state, name)).mode & 0o777, name).toBe(0o600);
    expect(readFileSync(join(state, name), 'utf8')).not.toContain(browser.cookie(/gateway/)?.value ?? 'none');
  }
  expect(statSync(state).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'cookies.txt')).mode & 0o777).toBe(0o600);
});

test('with a damaged list of browsers, users have to sign in again', async () => {
  const browser = await signedIn();
  for (const damage of ['', '{', 'null', '[]', '{"version":1,"browsers":[null,{"id":5}]}', '{"version":9}']) {
    writeFileSync(join(directory, 'gateway', 'browsers.json'), damage);
    await startGateway();
    expect((await browser.visit(`${origin}/notebooks/servers`)).status, damage).toBe(401);
  }
  expect(await seenBy(await signedIn())).toHaveProperty('renku-auth-id-token');
});

test('the cookie file signs programs in, and creates new links', async () => {
  const cookieFile = join(directory, 'cookies.txt');
  const line = readFileSync(cookieFile, 'utf8').trim().split('\n').at(-1)?.split('\t') ?? [];
  expect(line.slice(0, 4)).toEqual(['#HttpOnly_127.0.0.1', 'FALSE', '/', 'FALSE']);
  expect(`${line[5]}=${line[6]}`).toBe(gateway.cookieHeader);
  expect(await seenBy(new TestBrowser(), { Cookie: gateway.cookieHeader })).toHaveProperty('renku-auth-id-token');
  if (existsSync('/usr/bin/curl')) {
    const curl = spawn('curl', ['-sS', '-b', cookieFile, '-X', 'POST', `${origin}/auth/links`]);
    const { link } = JSON.parse(await text(curl.stdout)) as { link: string };
    expect((await new TestBrowser().visit(link)).status).toBe(302);
  }
  // The browser may have switched to another user. After a restart, the file has the owner's cookie again.
  await new TestBrowser().visit(`${origin}/auth/become`, {
    form: { username: 'grace' },
    headers: { Cookie: gateway.cookieHeader },
  });
  await startGateway();
  expect(readFileSync(cookieFile, 'utf8')).not.toContain(line[6]);
});

test('while the service is not running, programs and browsers get a 503', async () => {
  service?.closeAllConnections();
  service?.close();
  const browser = await signedIn();
  const program = await browser.visit(`${origin}/notebooks/servers`, { script: true, from: origin });
  expect(program.status).toBe(503);
  expect(program.headers['retry-after']).toBe('2');
  expect(JSON.parse(program.body)).toMatchObject({
    error: { code: 3503, requestId: expect.any(String), message: expect.any(String) },
  });
  const person = await browser.visit(`${origin}/notebooks/`);
  expect(person.body).toContain('http-equiv="refresh"');
  await startService();
  expect((await browser.visit(`${origin}/notebooks/`)).status).toBe(200);
});

test('the first page redirects to the service, paths of the service are passed to it, and other paths are 404', async () => {
  const browser = await signedIn();
  expect((await browser.visit(`${origin}/`)).headers.location).toBe('/notebooks/');
  for (const path of ['/health', '/ready', '/notebooks', '/notebooks/servers?x=1']) {
    expect((await browser.visit(origin + path)).status, path).toBe(200);
  }
  for (const path of ['/notebooksx', '/other', '/healthy', '/auth/other', '/auth/session']) {
    expect((await browser.visit(origin + path)).status, path).toBe(path === '/auth/session' ? 400 : 404);
  }
});
