import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { TestSite } from '../../../tests/support/local/ingress.ts';

let site: TestSite;
beforeEach(async () => {
  site = new TestSite();
  await site.start();
  await site.service((req, res) => res.end(JSON.stringify(req.headers)));
});
afterEach(() => site.close());

test('without a sign-in, only sign-in, health checks, styles and scripts are available', async () => {
  const stranger = new TestBrowser();
  for (const path of ['/notebooks/', '/notebooks/servers', '/api/notebooks/servers', '/notebooks/docs', '/other']) {
    const person = await stranger.visit(site.pages + path);
    expect(person.status, path).toBe(401);
    expect(person.body).toContain('npm start');
    expect(person.headers['set-cookie']).toBeUndefined();
    const program = await stranger.visit(site.pages + path, { script: true, method: 'POST', from: site.pages });
    expect([program.status, JSON.parse(program.body)], path).toEqual([
      401,
      {
        error: {
          code: 1401,
          message: 'Sign in first.',
          detail: expect.stringContaining('cookies.txt'),
          requestId: expect.any(String),
        },
      },
    ]);
  }
  const trick = [
    '/notebooks/assets/',
    '/notebooks/assets/../servers',
    '/notebooks/assets/x/..%2Fy.js',
    '/health/x',
    '//health',
  ];
  for (const path of trick) expect((await stranger.visit(site.pages + path)).status, path).toBe(401);
  expect((await stranger.visit(`${site.pages}/health`, { method: 'POST', from: site.pages })).status).toBe(401);
  for (const path of ['/health', '/ready', '/notebooks/assets/0a1b/sessions.js']) {
    const { status, body } = await stranger.visit(site.pages + path);
    expect(status, path).toBe(200);
    expect(body).not.toContain('renku-auth');
  }
  expect(JSON.parse((await stranger.visit(`${site.pages}/auth/me`)).body)).toEqual({
    kind: 'anonymous',
    signed_in: false,
    switch_url: '/auth/',
  });
});

test.each([
  '//evil.test/',
  '/\\evil.test/',
  'https://evil.test/',
  'javascript:alert(1)',
  '/\t/evil.test',
  '/.//evil.test/x',
  '/..//evil.test/x',
  '/./\\evil.test/x',
  '/%2e//evil.test/x',
  '/a/..//evil.test/x',
  '/.\t//evil.test',
  '/\n//evil.test',
  '///evil.test',
  '/.//127.0.0.1:9/x',
  '/@evil.test/../..//evil.test',
  '',
  'notebooks',
])('the link does not redirect to %j', async (next) => {
  const link = new URL(site.gateway.signInLink());
  link.searchParams.set('next', next);
  expect((await new TestBrowser().visit(link.href)).headers.location).toBe('/notebooks/');
});

test.each([
  '/notebooks/launch/demo/first-light?ref=main#x',
  '/notebooks/?next=//evil.test',
  '/a//evil.test',
  '/@evil.test',
  '/auth/',
])('the link redirects to %j', async (next) => {
  expect((await new TestBrowser().visit(site.gateway.signInLink(next))).headers.location).toBe(next);
});

test('a caller that closes its connection after sending the link does not invalidate the link', async () => {
  const link = new URL(site.gateway.signInLink());
  const caller = connect(Number(link.port), '127.0.0.1');
  await once(caller, 'connect');
  caller.write(`GET ${link.pathname}${link.search} HTTP/1.1\r\nHost: ${link.host}\r\n\r\n`);
  caller.destroy();
  // After the next response, the first request has been handled.
  await new TestBrowser().visit(`${site.pages}/auth/`);
  const opened = await new TestBrowser().visit(link.href);
  expect([opened.status, opened.headers['set-cookie']?.length]).toEqual([302, 1]);
});
