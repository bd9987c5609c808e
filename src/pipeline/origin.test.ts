import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { testRoutes } from '../../tests/support/routes.ts';

const json = { 'content-type': 'application/json' };
const launch = { namespace: 'group', project: 'project', commit_sha: 'abc1234' };

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()] });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });

describe('requests of other sites', () => {
  const own = () => `127.0.0.1:${app.port}`;
  const cases: [string, () => Record<string, string>, number][] = [
    ['a program', () => ({}), 404],
    ['a program with any cookie', () => ({ cookie: 'other=1' }), 404],
    ['a page of this service', () => ({ origin: `http://${own()}`, 'sec-fetch-site': 'same-origin' }), 404],
    ['a page of this service in an old browser', () => ({ origin: `http://${own()}` }), 404],
    [
      'a page of this service behind a gateway with another host',
      () => ({ origin: 'https://own.example.org', 'sec-fetch-site': 'same-origin' }),
      404,
    ],
    ['an allowed origin', () => ({ origin: 'https://Portal.example.org', 'sec-fetch-site': 'same-site' }), 404],
    ['another host', () => ({ origin: 'https://evil.example' }), 403],
    ['another port', () => ({ origin: 'http://127.0.0.1:1' }), 403],
    ['a session on localhost', () => ({ origin: `http://localhost:${app.port}`, 'sec-fetch-site': 'cross-site' }), 403],
    ['a sandboxed frame', () => ({ origin: 'null' }), 403],
    ['an invalid origin', () => ({ origin: 'evil' }), 403],
    ['a page of the same site', () => ({ 'sec-fetch-site': 'same-site' }), 403],
    [
      'a form of another site',
      () => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
      403,
    ],
    ['the http page of the same host', () => ({ origin: `http://${own()}`, 'x-forwarded-proto': 'https' }), 403],
  ];
  let guarded: TestApp;
  beforeAll(async () => {
    guarded = await startApp({
      routes: [testRoutes()],
      env: { NB_REQUEST__ALLOWED_ORIGINS_0: 'https://portal.example.org' },
    });
  });
  afterAll(() => guarded[Symbol.asyncDispose]());

  it.each(cases)('returns the expected status for a POST of %s', async (_source, headers, status) => {
    const own = headers();
    const port = String(guarded.port);
    const moved = Object.fromEntries(
      Object.entries(own).map(([name, value]) => [name, value.replace(String(app.port), port)]),
    );
    const response = await guarded.send({
      method: 'POST',
      path: '/notebooks/servers',
      headers: { ...json, ...moved },
      body: JSON.stringify(launch),
    });
    expect(response.status).toBe(status);
    if (status === 403) expect(response.error().code).toBe(1403);
  });

  it('may be a followed link, but not a frame or a script', async () => {
    const site = { 'sec-fetch-site': 'cross-site' };
    const path = '/servers';
    expect((await get(path, { ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })).status).toBe(200);
    expect((await get(path, { ...site, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' })).status).toBe(403);
    expect((await get(path, { ...site, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' })).status).toBe(403);
    expect((await get(path, { origin: 'https://evil.example' })).status).toBe(403);
  });

  it('are rejected if they have another host name, except health probes', async () => {
    await using strict = await startApp({
      routes: [testRoutes()],
      env: { NB_REQUEST__ALLOWED_HOSTS_0: 'API.example.org:8000' },
    });
    const status = async (path: string, host: string) => (await strict.send({ path, headers: { host } })).status;
    expect(await status('/notebooks/servers', 'api.example.org:8000')).toBe(200);
    expect(await status('/notebooks/servers', 'API.example.org:8000')).toBe(200);
    for (const host of [
      'evil.example',
      'api.example.org',
      'api.example.org:8001',
      'api.example.org:8000.evil.example',
      '',
    ]) {
      expect(await status('/notebooks/servers', host), host).toBe(421);
      expect(await status('/notebooks/docs/', host), host).toBe(421);
    }
    expect(await status('/health', '10.1.2.3:8000')).toBe(200);
    expect(await status('/ready', '10.1.2.3:8000')).toBe(200);
  });
});
