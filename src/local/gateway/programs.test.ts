import type { RequestListener } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { TestSite } from '../../../tests/support/local/ingress.ts';

let site: TestSite;
/** Handles the requests to the service. */
let handler: RequestListener;
beforeEach(async () => {
  handler = (req, res) => res.end(JSON.stringify(req.headers));
  site = new TestSite();
  await site.start();
  await site.service((req, res) => handler(req, res));
});
afterEach(() => site.close());

async function anonymous(): Promise<TestBrowser> {
  const browser = await site.signedIn();
  await browser.visit(`${site.pages}/auth/anonymous`, { form: {}, from: site.pages });
  return browser;
}

type Headers = Record<string, string | undefined>;

test('the service responds at the paths of a platform, and to programs with a token of the forge', async () => {
  const seenAt = async (path: string, headers: Record<string, string>, from?: string) => {
    const got = await new TestBrowser().visit(site.pages + path, { headers, script: true, ...(from ? { from } : {}) });
    return {
      status: got.status,
      challenge: got.headers['www-authenticate'],
      seen: JSON.parse(got.body) as Headers,
    };
  };
  for (const path of ['/api/notebooks/servers', '/ui-server/api/notebooks/servers', '/notebooks/servers']) {
    const Authorization = 'Bearer git-grace';
    // The web server of a platform passes on the headers of browsers.
    const { status, seen } = await seenAt(path, { Authorization }, 'https://platform.example.org');
    expect(status, path).toBe(200);
    expect(seen).not.toHaveProperty('authorization');
    expect(Object.keys(seen).filter((name) => /^(origin|sec-fetch|referer)/.test(name))).toEqual([]);
    const token = seen['renku-auth-id-token']?.split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(token, 'base64url').toString())).toMatchObject({ preferred_username: 'grace' });
  }
  for (const path of ['/api/notebooksx', '/api', '/ui-server/notebooks', '/api/api/notebooks']) {
    expect((await (await site.signedIn()).visit(site.pages + path)).status, path).toBe(404);
  }
  // With invalid credentials, a valid cookie is ignored.
  for (const Authorization of ['Bearer x', 'Bearer ', 'bearer git-ada x']) {
    const { status, challenge } = await seenAt('/notebooks/servers', {
      Authorization,
      Cookie: site.gateway.cookieHeader,
    });
    expect([status, challenge], Authorization).toEqual([401, 'Bearer error="invalid_token"']);
  }
  const basic = { Authorization: 'Basic eDp5', Cookie: site.gateway.cookieHeader };
  expect((await seenAt('/notebooks/servers', basic, 'https://evil.test')).status).toBe(403);
});

test('a signed-in user gets a token of the forge, and an anonymous visitor does not', async () => {
  const ask = (browser: TestBrowser) => browser.visit(`${site.pages}/auth/tokens`, { form: {}, from: site.pages });
  const given = await ask(await site.signedIn());
  expect([given.status, JSON.parse(given.body)]).toEqual([
    201,
    { token: 'git-ada', username: 'ada', expires: expect.stringMatching(/^\d{4}-/) },
  ]);
  expect((await ask(await anonymous())).status).toBe(403);
  expect((await ask(new TestBrowser())).status).toBe(401);
  site.gitToken = { token: 'of GitLab', expiresAt: null };
  const elsewhere = await ask(await site.signedIn());
  expect(elsewhere.status).toBe(404);
  expect(elsewhere.body).not.toContain('of GitLab');
});

test('a stream is closed when its browser signs out or switches to another user', async () => {
  const browser = await site.signedIn();
  handler = (_req, res) => res.write('data: 1\n\n');
  for (const [path, form] of [
    ['/auth/become', { username: 'grace' }],
    ['/auth/anonymous', {}],
    ['/auth/sign-out', {}],
  ] as const) {
    const { name, value } = browser.cookie(/gateway/) ?? { name: '', value: '' };
    const stream = await fetch(`${site.pages}/notebooks/logs/x?follow=true`, {
      headers: { cookie: `${name}=${value}` },
    });
    const end = stream.text().then(
      () => 'ended',
      () => 'closed',
    );
    await browser.visit(site.pages + path, { form: { ...form }, from: site.pages });
    expect(await end, path).toBe('closed');
  }
});
