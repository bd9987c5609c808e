import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { owner, seen, TestSite } from '../../../tests/support/local/ingress.ts';

let site: TestSite;
beforeEach(async () => {
  site = new TestSite();
  await site.start();
});
afterEach(() => site.close());

test('a signed-in browser gets the requested page of its session, and Jupyter gets the token', async () => {
  await site.session('mine', { emails: [owner.email] });
  const browser = await site.signedIn();
  const response = await browser.go(`${site.sessions}/sessions/mine/lab/tree/a%20b?reset&x=1`);
  expect(response.status).toBe(200);
  expect(response.url).toBe(`${site.sessions}/sessions/mine/lab/tree/a%20b?reset&x=1`);
  const { url, headers } = seen(response.body);
  expect(url).toBe('/sessions/mine/lab/tree/a%20b?reset&x=1');
  expect(headers['authorization']).toBe('token secret-mine');
  expect(headers['host']).toBe(new URL(site.sessions).host);
  expect(headers).not.toHaveProperty('cookie');
  const pass = browser.cookie(/session-pass/);
  expect(pass).toMatchObject({ host: 'localhost', path: '/sessions/mine/' });
  // Later requests need no redirect, for scripts, too.
  expect(
    (await browser.visit(`${site.sessions}/sessions/mine/api/status`, { from: site.sessions, script: true })).status,
  ).toBe(200);
});

test('browsers that are not signed in, anonymous or of another user have no access', async () => {
  await site.session('mine', { emails: [owner.email] });
  const stranger = await new TestBrowser().go(`${site.sessions}/sessions/mine/lab`);
  expect(stranger.status).toBe(401);
  expect(stranger.url).toContain(`${site.pages}/auth/session`);
  expect(
    (await new TestBrowser().visit(`${site.sessions}/sessions/mine/api`, { script: true, from: site.sessions })).status,
  ).toBe(401);

  const browser = await site.signedIn();
  const post = (path: string, form: Record<string, string> = {}) =>
    browser.visit(site.pages + path, { form, from: site.pages });
  await post('/auth/anonymous');
  expect((await browser.go(`${site.sessions}/sessions/mine/lab`)).status).toBe(403);
  await post('/auth/become', { username: 'grace' });
  const other = await browser.go(`${site.sessions}/sessions/mine/lab`);
  expect(other.status).toBe(403);
  expect(other.body).toContain('grace');
});

test('a pass becomes invalid at sign-out, after a switch of the user and with the session, and stays valid after a restart', async () => {
  await site.session('mine', { emails: [owner.email] });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/`);
  const api = async () =>
    (await browser.visit(`${site.sessions}/sessions/mine/api`, { script: true, from: site.sessions })).status;
  expect(await api()).toBe(200);
  await site.restart();
  expect(await api()).toBe(200);
  await browser.visit(`${site.pages}/auth/become`, { form: { username: 'grace' }, from: site.pages });
  expect(await api()).toBe(401);
  await browser.visit(`${site.pages}/auth/become`, { form: { username: 'ada' }, from: site.pages });
  expect(await api()).toBe(200);
  // A new session with the same name is another session.
  await site.session('mine', { emails: [owner.email], uid: 'another' });
  expect(await api()).toBe(401);
  await browser.go(`${site.sessions}/sessions/mine/`);
  expect(await api()).toBe(200);
  await site.session('mine', { emails: ['another@else.test'], uid: 'another' });
  expect(await api()).toBe(401);
  await site.session('mine', { emails: [owner.email], uid: 'another' });
  await browser.visit(`${site.pages}/auth/sign-out`, { form: {}, from: site.pages });
  expect(await api()).toBe(401);
});

test('a pass is valid for one session only, and a changed pass is invalid', async () => {
  await site.session('mine', { emails: [owner.email] });
  await site.session('other', { emails: [owner.email] });
  const browser = await site.signedIn();
  await browser.go(`${site.sessions}/sessions/mine/`);
  const { name, value } = browser.cookie(/session-pass/) ?? { name: '', value: '' };
  const status = async (session: string, pass: string) =>
    (
      await new TestBrowser().visit(`${site.sessions}/sessions/${session}/api`, {
        script: true,
        from: site.sessions,
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
  // A page of another session can set a second cookie of that name; the valid one still works.
  expect(await status('mine', `planted; ${name}=${value}`)).toBe(200);
});

test('a code works once, within 30 s, for its session, and is issued for navigation only', async () => {
  await site.session('mine', { emails: [owner.email] });
  await site.session('other', { emails: [owner.email] });
  const browser = await site.signedIn();
  const ask = async () =>
    (await browser.visit(`${site.pages}/auth/session?name=mine&next=%2Fsessions%2Fmine%2Flab`, { from: site.sessions }))
      .headers.location ?? '';
  const first = await ask();
  expect(first).toMatch(new RegExp(`^${site.sessions}/sessions/mine/\\.signed-in\\?code=`));
  expect((await new TestBrowser().visit(first.replace('/mine/', '/other/'))).status).toBe(401);
  const second = await ask();
  expect((await new TestBrowser().visit(second)).headers.location).toBe('/sessions/mine/lab');
  expect((await new TestBrowser().visit(second)).status).toBe(401);
  const third = await ask();
  site.later(30_000);
  expect((await new TestBrowser().visit(third)).status).toBe(401);
  const script = await browser.visit(`${site.pages}/auth/session?name=mine`, { from: site.pages, script: true });
  expect(script.status).toBe(401);
  expect(
    (await browser.visit(`${site.pages}/auth/session?name=mine`, { from: site.sessions, script: true })).status,
  ).toBe(403);
  const leave = new URL(first);
  leave.searchParams.set('next', 'https://evil.test/');
  leave.searchParams.set('code', new URL(await ask()).searchParams.get('code') ?? '');
  expect((await new TestBrowser().visit(leave.href)).headers.location).toBe('/sessions/mine/');
});

test.each([
  ['/auth/sign-out', {}],
  ['/auth/become', { username: 'grace' }],
  ['/auth/anonymous', {}],
])('%s closes the open WebSockets of that browser only', async (path, form) => {
  await site.session('mine', { emails: [owner.email] });
  await site.session('anon', { token: 't' });
  const open = async (browser: TestBrowser, session: string, query = '') => {
    await browser.go(`${site.sessions}/sessions/${session}/${query}`);
    const pass = browser.jar.find((cookie) => cookie.path === `/sessions/${session}/`);
    const Cookie = `${pass?.name}=${pass?.value}`;
    const socket = await site.webSocket(`/sessions/${session}/api${query}`, { Cookie, Origin: site.sessions });
    if (typeof socket === 'number') throw new Error(`the WebSocket was rejected with ${socket}`);
    return { socket, closed: once(socket, 'close') };
  };
  const [browser, other] = [await site.signedIn(), await site.signedIn()];
  const opened = [await open(browser, 'mine'), await open(browser, 'anon', '?token=t')];
  const kept = await open(other, 'mine');
  await browser.visit(site.pages + path, { form, from: site.pages });
  await Promise.all(opened.map(({ closed }) => closed));
  expect(kept.socket.readyState).toBe(kept.socket.OPEN);
  kept.socket.send('still here');
  expect(String((await once(kept.socket, 'message'))[0])).toBe('still here');
});
