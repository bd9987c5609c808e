import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startGitProxy } from '../../../tests/support/git-proxy/start-git-proxy.ts';
import { createTokenStore, type TokenStoreOptions, type UserTokens } from './tokens.ts';

/** The platform's gateway and OIDC issuer, over HTTP. */
let server: ReturnType<typeof createServer>;
let url: URL;
let requests: string[];
let answer: (req: IncomingMessage, res: ServerResponse, body: string) => void;
let time: number;
let logged: string[];

const jwt = (exp: number) => `h.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.s`;
const seconds = () => time / 1000;
const json = (res: ServerResponse, status: number, body: object) =>
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

beforeEach(async () => {
  requests = [];
  logged = [];
  time = 1_700_000_000_000;
  answer = (_req, res) => json(res, 200, { access_token: `new-${requests.length}`, expires_at: seconds() + 7200 });
  server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    req.on('end', () => {
      requests.push(`${req.method} ${req.url} ${req.headers.authorization ?? '-'} ${body}`);
      answer(req, res, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function store(tokens: Partial<UserTokens>, clientSecret: string | null = 'client-secret', more?: TokenStoreOptions) {
  const platform = { url, realm: 'Renku', clientId: 'renku', clientSecret, secureContext: undefined };
  const initial = { gitToken: 'old', gitTokenExpiresAt: -1, accessToken: null, refreshToken: null, ...tokens };
  return createTokenStore(initial, { platform, log: (line) => logged.push(line), now: () => time, ...more });
}

describe('a git token', () => {
  it('that does not expire soon is used without a request', async () => {
    for (const gitTokenExpiresAt of [-1, 0, seconds() + 3600]) {
      expect(await store({ gitTokenExpiresAt, accessToken: jwt(seconds() + 60) }).gitToken()).toBe('old');
    }
    expect(await store({ gitToken: null }).gitToken()).toBeNull();
    expect(requests).toEqual([]);
  });

  it('that has expired is exchanged once for 50 requests at the same time', async () => {
    const access = jwt(seconds() + 3600);
    const tokens = store({ gitTokenExpiresAt: seconds() - 1, accessToken: access });
    const all = await Promise.all(Array.from({ length: 50 }, () => tokens.gitToken()));
    expect(new Set(all)).toEqual(new Set(['new-1']));
    expect(requests).toEqual([`GET /api/auth/gitlab/exchange Bearer ${access} `]);
    expect(await tokens.gitToken()).toBe('new-1');
    expect(requests).toHaveLength(1);
  });

  it('that expires within minutes is used while it is renewed', async () => {
    const tokens = store({ gitTokenExpiresAt: seconds() + 300, accessToken: jwt(seconds() + 3600) });
    expect(await tokens.gitToken()).toBe('old');
    await expect.poll(() => tokens.gitToken()).toBe('new-1');
  });

  it('is renewed with a new access token if that has expired, and the new refresh token is used next', async () => {
    answer = (req, res) => {
      if (req.url?.startsWith('/auth/'))
        json(res, 200, { access_token: jwt(seconds() + 300), refresh_token: 'refresh-2' });
      else json(res, 200, { access_token: `new-${requests.length}`, expires_at: seconds() + 100 });
    };
    const tokens = store({ gitTokenExpiresAt: 1, accessToken: jwt(seconds() - 1), refreshToken: 'refresh-1' });
    expect(await tokens.gitToken()).toBe('new-2');
    time += 400_000;
    await tokens.gitToken();
    const renewals = requests.filter((line) => line.startsWith('POST'));
    const basic = `Basic ${Buffer.from('renku:client-secret').toString('base64')}`;
    const path = '/auth/realms/Renku/protocol/openid-connect/token';
    expect(renewals).toEqual(
      ['refresh-1', 'refresh-2'].map(
        (token) => `POST ${path} ${basic} grant_type=refresh_token&refresh_token=${token}`,
      ),
    );
  });

  it('is renewed by a public client without a secret, also if the gateway rejects the access token', async () => {
    const access = jwt(seconds() + 3600);
    answer = (req, res) => {
      if (req.url?.startsWith('/auth/')) json(res, 200, { access_token: 'second' });
      else if (req.headers.authorization === `Bearer ${access}`) json(res, 401, {});
      else json(res, 200, { access_token: 'new', expires_at: seconds() + 7200 });
    };
    const tokens = store({ gitTokenExpiresAt: 1, accessToken: access, refreshToken: 'r' }, null);
    expect(await tokens.gitToken()).toBe('new');
    expect(requests[1]).toContain('- grant_type=refresh_token&refresh_token=r&client_id=renku');
  });

  it.each<[string, (res: ServerResponse) => void, number, RegExp]>([
    [
      'the sign-in has expired',
      (res) => json(res, 400, { error: 'invalid_grant' }),
      401,
      /has expired\. Sign in to the platform again/,
    ],
    [
      'the issuer rejects the client',
      (res) => json(res, 401, { error: 'invalid_client' }),
      401,
      /does not renew the access token .*\(HTTP 401\)/,
    ],
    ['the issuer has an error', (res) => json(res, 500, {}), 502, /did not renew it \(HTTP 500\)\. Try again later/],
    ['the response is not JSON', (res) => res.end('<html>'), 502, /did not renew it \(HTTP 200\)/],
    ['the issuer closes the connection', (res) => res.destroy(), 502, /is unavailable \(ECONNRESET\)/],
    ['the issuer redirects', (res) => res.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), 502, /HTTP 302/],
  ])(
    'fails with the reason if %s, and the attempt is not repeated at once',
    async (_what, respond, status, message) => {
      answer = (_req, res) => respond(res);
      const tokens = store({ gitTokenExpiresAt: 1, refreshToken: 'secret-refresh' });
      await expect(tokens.gitToken()).rejects.toMatchObject({ status, message: expect.stringMatching(message) });
      await expect(tokens.gitToken()).rejects.toMatchObject({ status });
      expect(requests).toHaveLength(1);
      expect(logged.join()).not.toContain('secret-refresh');
      time += 120_000;
      await expect(tokens.gitToken()).rejects.toMatchObject({ status });
      expect(requests).toHaveLength(2);
    },
  );

  it('that the git server has rejected is renewed before its next use', async () => {
    const tokens = store({ accessToken: jwt(seconds() + 3600) });
    tokens.reject('another');
    expect(await tokens.gitToken()).toBe('old');
    tokens.reject('old');
    expect(await tokens.gitToken()).toBe('new-1');
  });

  it('that has expired is used if there is nothing to renew it with, because the git server decides', async () => {
    expect(await store({ gitTokenExpiresAt: 1 }).gitToken()).toBe('old');
    expect(requests).toEqual([]);
  });

  it('from outside replaces the token at once, and a renewal that runs does not replace it', async () => {
    let respond: (() => void) | undefined;
    answer = (_req, res) => {
      respond = () => json(res, 200, { access_token: 'late', expires_at: -1 });
    };
    const tokens = store({ gitTokenExpiresAt: seconds() + 300, accessToken: jwt(seconds() + 3600) });
    await tokens.gitToken();
    await expect.poll(() => requests.length).toBe(1);
    tokens.replace({ gitToken: 'given', gitTokenExpiresAt: -1 });
    respond?.();
    await expect.poll(() => logged).toContain('The git token was renewed.');
    expect(await tokens.gitToken()).toBe('given');
  });
});

describe('PUT /tokens', () => {
  it('gives the proxy other tokens, which stay in memory, with the key only', async () => {
    const seen: (string | undefined)[] = [];
    answer = (req, res) => {
      seen.push(req.headers.authorization);
      res.end();
    };
    await using proxy = await startGitProxy({ repositoryUrl: `${url.href}a/b.git`, gitToken: 'first' });
    const put = (body: object, authorization: string) =>
      fetch(`${proxy.origin}/tokens`, { method: 'PUT', headers: { authorization }, body: JSON.stringify(body) });
    const key = `Basic ${btoa(`session:${proxy.key}`)}`;
    const tokens = { gitToken: 'second', gitTokenExpiresAt: -1 };
    expect((await put(tokens, 'Basic eDp5')).status).toBe(401);
    for (const wrong of [
      {},
      { gitToken: 'a\nb', gitTokenExpiresAt: 1 },
      { gitToken: 'a' },
      { ...tokens, accessToken: 1 },
    ])
      expect((await put(wrong, key)).status).toBe(422);
    const get = () => fetch(`${proxy.origin}/http/${url.host}/a/b.git/info/refs`, { headers: { authorization: key } });
    await get();
    expect((await put(tokens, key)).status).toBe(204);
    await get();
    expect(seen).toEqual(['first', 'second'].map((token) => `Basic ${btoa(`oauth2:${token}`)}`));
    expect(proxy.output()).not.toMatch(/first|second/);
  });
});

/** Returns `fetch` with the key of the proxy, for a path of the repository at the server of the test. */
const requester = (proxy: { readonly origin: string; readonly key: string }, init: RequestInit = {}) => {
  const authorization = `Basic ${btoa(`session:${proxy.key}`)}`;
  return (path: string) => fetch(`${proxy.origin}${path}`, { ...init, headers: { authorization } });
};

describe('requests of git', () => {
  it('at the same time wait for one renewal of an expired token, and use the new token', async () => {
    const used: (string | undefined)[] = [];
    const exchanges: ServerResponse[] = [];
    answer = (req, res) => {
      if (req.url?.startsWith('/api/auth/')) exchanges.push(res);
      else {
        used.push(req.headers.authorization);
        res.end();
      }
    };
    await using proxy = await startGitProxy({
      repositoryUrl: `${url.href}a/b.git`,
      gitToken: 'old',
      gitTokenExpiresAt: 1,
      accessToken: jwt(Date.now() / 1000 + 3600),
      platformUrl: url.origin,
    });
    const get = requester(proxy);
    const all = Array.from({ length: 50 }, () => get(`/http/${url.host}/a/b.git/info/refs`));
    await expect.poll(() => exchanges.length).toBe(1);
    // All requests have arrived when the health check, which comes later, is answered.
    await get('/unknown');
    for (const res of exchanges)
      json(res, 200, { access_token: 'another', expires_at: Math.floor(Date.now() / 1000) + 7200 });
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(exchanges).toHaveLength(1);
    expect(new Set(used)).toEqual(new Set([`Basic ${btoa('oauth2:another')}`]));
    expect(proxy.output()).toContain('The git token was renewed.');
  });

  it('get the reason while the platform that renews the token does not respond, and succeed later', async () => {
    let isDown = true;
    answer = (req, res) => {
      if (!req.url?.startsWith('/api/auth/')) res.end();
      else if (isDown) res.destroy();
      else json(res, 200, { access_token: 'new', expires_at: -1 });
    };
    await using proxy = await startGitProxy({
      repositoryUrl: `${url.href}a/b.git`,
      gitToken: 'old',
      gitTokenExpiresAt: 1,
      accessToken: jwt(Date.now() / 1000 + 3600),
      platformUrl: url.origin,
    });
    const get = () => requester(proxy)(`/http/${url.host}/a/b.git/info/refs`);
    const failed = await get();
    expect([failed.status, await failed.text()]).toEqual([
      502,
      `The git token has expired, and ${url.host}, which renews it, is unavailable (ECONNRESET).\n`,
    ]);
    isDown = false;
    await expect.poll(async () => (await get()).status, { timeout: 20_000 }).toBe(200);
  });
});

describe('a body that is too long', () => {
  it('is rejected, and the connection can be used further', async () => {
    answer = (_req, res) => res.end();
    await using proxy = await startGitProxy({ repositoryUrl: `${url.href}a/b.git`, gitToken: 'first' });
    const response = await requester(proxy, { method: 'PUT', body: 'x'.repeat(5_000_000) })('/tokens');
    expect([response.status, await response.text()]).toEqual([413, 'The body is longer than 65536 bytes.\n']);
    expect((await requester(proxy)(`/http/${url.host}/a/b.git/info/refs`)).status).toBe(200);
  });
});
