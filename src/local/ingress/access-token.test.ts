import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { WebSocket } from 'ws';
import { TestBrowser } from '../../../tests/support/local/gateway.ts';
import { owner, seen, TestSite } from '../../../tests/support/local/ingress.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { formatAccessToken, hashAccessToken, writeAccessTokens } from '../../session-contract/access-tokens.ts';
import { withoutToken } from './given-token.ts';

let site: TestSite;
beforeEach(async () => {
  site = new TestSite();
  await site.start();
});
afterEach(() => site.close());

/** Sets the tokens of the session and returns them. `lifetimes` in milliseconds from now. */
function give(name: string, ...lifetimes: number[]): string[] {
  const secrets = lifetimes.map(() => formatAccessToken(randomBytes(32)));
  const tokens = secrets.map((secret, index) => ({
    id: String(index),
    label: '',
    hash: hashAccessToken(secret),
    created: new Date().toISOString(),
    expires: new Date(Date.now() + (lifetimes[index] ?? 0)).toISOString(),
  }));
  site.annotate(name, { [annotation.accessTokens]: writeAccessTokens(tokens) });
  return secrets;
}

const ask = (path: string, headers: Record<string, string> = {}) =>
  new TestBrowser().visit(`${site.sessions}/sessions/${path}`, { script: true, from: site.sessions, headers });

describe('a program with an access token', () => {
  it.each(['registered', 'anonymous'])(
    'has access to the session of a %s user, with each of the three forms of the token',
    async (kind) => {
      await site.session('mine', kind === 'registered' ? { emails: [owner.email] } : { token: 'jupyters-own' });
      const [token] = give('mine', 60_000);
      for (const headers of [{ Authorization: `token ${token}` }, { Authorization: `Bearer ${token}` }]) {
        const response = seen((await ask('mine/api/kernels?a=1', { ...headers, Cookie: 'username-localhost=x' })).body);
        expect(response.url).toBe('/sessions/mine/api/kernels?a=1');
        expect(response.headers['authorization']).toMatch(/^token (secret-mine|jupyters-own)$/);
        expect(response.headers).not.toHaveProperty('cookie');
      }
      const byQuery = await ask(`mine/api/kernels?a=1&token=${token}&b=%20`);
      expect(seen(byQuery.body).url).toBe('/sessions/mine/api/kernels?a=1&b=%20');
      expect(byQuery.body).not.toContain(token);
      // Some programs send their own Origin.
      expect(
        (await ask('mine/api', { Authorization: `token ${token}`, Origin: 'vscode-file://vscode-app' })).status,
      ).toBe(200);
    },
  );

  it('has no access to other sessions, nor with an expired or deleted token', async () => {
    await site.session('mine', { emails: [owner.email] });
    await site.session('other', { emails: [owner.email] });
    const [token = '', old = ''] = give('mine', 60_000, -1);
    expect((await ask('mine/api', { Authorization: `token ${token}` })).status).toBe(200);
    expect((await ask('other/api', { Authorization: `token ${token}` })).status).toBe(401);
    expect((await ask('mine/api', { Authorization: `token ${old}` })).status).toBe(401);
    expect((await ask(`mine/api?token=${hashAccessToken(token)}`)).status).toBe(401);
    give('mine', 60_000);
    expect((await ask('mine/api', { Authorization: `token ${token}` })).status).toBe(401);
  });

  it('has its WebSockets closed when the token is deleted or expires, and other programs do not', async () => {
    await site.session('mine', { emails: [owner.email] });
    const open = async (token: string | undefined): Promise<WebSocket> => {
      const socket = await site.webSocket('/sessions/mine/api/kernels/x/channels', { Authorization: `token ${token}` });
      if (!(socket instanceof WebSocket)) throw new Error(`refused with ${socket}`);
      return socket;
    };
    const [first, short] = give('mine', 60_000, 1_500);
    const [deleted, expiring] = [await open(first), await open(short)];
    await once(expiring, 'close');
    expect(deleted.readyState).toBe(WebSocket.OPEN);
    const closed = once(deleted, 'close');
    const [second] = give('mine', 60_000);
    await closed;
    const kept = await open(second);
    site.annotate('mine', site.objects.get('ns/mine')?.metadata.annotations ?? {});
    kept.send('still there');
    expect(String((await once(kept, 'message'))[0])).toBe('still there');
    kept.close();
  });
});

test('a browser with an access token in the URL signs in, and the token is removed from the URL', async () => {
  await site.session('mine', { emails: [owner.email] });
  const [token] = give('mine', 60_000);
  const address = `${site.sessions}/sessions/mine/lab?a=1&token=${token}`;
  expect((await new TestBrowser().visit(address)).headers.location).toBe('/sessions/mine/lab?a=1');
  const page = await (await site.signedIn()).go(address);
  expect(seen(page.body).url).toBe('/sessions/mine/lab?a=1');
});

test.each([
  ['', ''],
  ['?', ''],
  ['?token=x', ''],
  ['?a=1&token=x&b=2', '?a=1&b=2'],
  ['?%74oken=x&token', ''],
  ['?tokens=x&a=token=', '?tokens=x&a=token='],
  ['?a=%zz&&b', '?a=%zz&&b'],
])('removes the token from the query %j: %j', (query, rest) => {
  expect(withoutToken(query)).toBe(rest);
});
