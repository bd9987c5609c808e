import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { owner, TestSite } from '../../../tests/support/local/ingress.ts';

/** How the git proxies of sessions renew their tokens. */

let site: TestSite;
/** The tokens that the service gets, and gives to a session. */
let access: string;
let refresh: string;

beforeAll(async () => {
  site = new TestSite();
  await site.start();
  await site.service((req, res) => res.end(JSON.stringify(req.headers)));
  const { body } = await (await site.signedIn()).visit(`${site.pages}/notebooks/`);
  const headers = JSON.parse(body) as Record<string, string>;
  access = headers['renku-auth-access-token'] ?? '';
  refresh = headers['renku-auth-refresh-token'] ?? '';
});
afterAll(() => site.close());

const exchange = (token: string) =>
  fetch(`${site.pages}/api/auth/gitlab/exchange`, { headers: { authorization: `Bearer ${token}` } });
const renew = (form: Record<string, string>) =>
  fetch(`${site.pages}/auth/realms/Renku/protocol/openid-connect/token`, {
    ...{ method: 'POST', body: new URLSearchParams(form) },
  });
const withRefreshToken = (token: string) => renew({ grant_type: 'refresh_token', refresh_token: token });

describe('the renewal of tokens', () => {
  it('returns a git token for an access token', async () => {
    const response = await exchange(access);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { access_token, expires_at } = (await response.json()) as { access_token: string; expires_at: number };
    expect(access_token).toBe(`git-${owner.username}`);
    const hours = (expires_at * 1000 - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(1);
    expect(hours).toBeLessThanOrEqual(2);
  });

  it('returns new access and refresh tokens for a refresh token, also days later', async () => {
    site.later(59 * 24 * 3_600_000);
    expect((await exchange(access)).status).toBe(401);
    const response = await withRefreshToken(refresh);
    expect(response.status).toBe(200);
    const renewed = (await response.json()) as { access_token: string; refresh_token: string };
    expect((await exchange(renewed.access_token)).status).toBe(200);
    site.later(2 * 24 * 3_600_000);
    expect((await withRefreshToken(refresh)).status).toBe(400);
    expect((await withRefreshToken(renewed.refresh_token)).status).toBe(200);
  });

  it('accepts no other token', async () => {
    const [head, payload, signature = ''] = access.split('.');
    const other = signature.startsWith('A') ? 'B' : 'A';
    for (const token of ['', 'x', refresh, `${head}.${payload}.${other}${signature.slice(1)}`])
      expect((await exchange(token)).status).toBe(401);
    for (const token of ['', 'x', access]) {
      const response = await withRefreshToken(token);
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({ error: 'invalid_grant' });
    }
    expect((await renew({ grant_type: 'password' })).status).toBe(400);
  });

  it('is at the origin of the pages only', async () => {
    const [, port] = /:(\d+)$/.exec(site.pages) ?? [];
    const path = '/api/auth/gitlab/exchange';
    const response = await fetch(`http://localhost:${port}${path}`, { redirect: 'manual' });
    expect(response.status).toBe(307);
  });
});
