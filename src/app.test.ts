import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../tests/support/app.ts';
import { seen, testRoutes } from '../tests/support/routes.ts';

const json = { 'content-type': 'application/json' };

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()] });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });

describe('the address', () => {
  it.each([
    ['//servers', 200],
    ['/servers/', 404],
    ['/Servers', 404],
    ['/nothing', 404],
    ['/servers/%zz', 404],
    ['/servers/%ff%fe', 404],
    ['/servers?project=%zz', 200],
    ['/servers?project=%ff', 200],
    ['/servers/a%2Fb', 404],
    ['/servers/a%00b', 404],
    [`/servers/${'x'.repeat(300)}`, 404],
    ['/servers/%7B%7D?x=%7B', 404],
  ])('%s is answered with %i', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    if (status !== 200) expect(answer.error().code).toBeGreaterThanOrEqual(1400);
  });

  it('outside of the prefix holds nothing, in any case of letters', async () => {
    for (const path of ['/', '/servers', '/NOTEBOOKS/servers', '/notebooksservers', '/notebooks/../health']) {
      expect((await app.send({ path })).status, path).toBe(404);
    }
  });

  it('that names a host is refused', async () => {
    expect((await app.send({ path: 'http://evil.example/notebooks/servers' })).status).toBe(400);
  });

  it('of a launch may have raw and encoded slashes', async () => {
    for (const path of ['group/sub/project', 'group%2Fsub/project', 'group%2fsub/project?ref=a/b:c']) {
      const answer = await get(`/launch/${path}`, { accept: 'text/html' });
      expect(answer.text, path).toBe('/launch/group%2Fsub/project');
    }
  });

  it('of a session or log called autosave is no list of autosaves', async () => {
    expect((await app.send({ method: 'DELETE', path: '/notebooks/servers/autosave' })).status).toBe(204);
    expect((await get('/servers/autosave')).error().message).toBe('It came through.');
    expect((await get('/logs/autosave')).status).toBe(200);
    expect((await get('/launch/group/autosave', { accept: 'text/html' })).text).toBe('/launch/group/autosave');
  });

  it('works under another prefix and under none', async () => {
    for (const prefix of ['/api/notebooks/', '/']) {
      await using other = await startApp({ routes: [testRoutes()], env: { NB_SERVICE_PREFIX: prefix } });
      expect((await other.send({ path: `${prefix}servers` })).status).toBe(200);
      expect((await other.send({ path: `${prefix}nothing` })).status).toBe(404);
      const { paths } = (await other.send({ path: `${prefix}spec.json` })).json();
      expect(Object.keys(paths as object)).toContain(`${prefix}servers`);
    }
  });
});

describe('the method', () => {
  it('HEAD answers as GET does, without a body', async () => {
    const answer = await app.send({ method: 'HEAD', path: '/notebooks/servers' });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(answer.headers['content-length']).toBe(String('{"servers":{}}'.length));
  });

  it('OPTIONS says what is allowed and changes nothing', async () => {
    const answer = await app.send({ method: 'OPTIONS', path: '/notebooks/servers/abc' });
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(answer.headers.allow).toBe('GET, HEAD, DELETE, OPTIONS');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'])('%s is not possible for a list', async (method) => {
    const answer = await app.send({ method, path: '/notebooks/servers' });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD, POST, OPTIONS');
    expect(answer.error().code).toBe(1405);
  });

  it('an Accept that cannot be met is 406', async () => {
    const answer = await get('/servers', { accept: 'image/png' });
    expect(answer.status).toBe(406);
    expect(answer.error()).toMatchObject({ code: 1406, fields: [{ path: 'header.Accept' }] });
    expect((await get('/servers', { accept: 'text/html, */*;q=0.1' })).status).toBe(200);
  });
});

describe('the request id', () => {
  it('is the caller’s if it is a sane one, and stands in the answer, the error and the log', async () => {
    const answer = await get('/nothing', { 'x-request-id': 'gateway-0815.abc' });
    expect(answer.headers['x-request-id']).toBe('gateway-0815.abc');
    expect(answer.error().requestId).toBe('gateway-0815.abc');
    expect(app.log()).toContain('"requestId":"gateway-0815.abc"');
    for (const insane of ['short', 'x'.repeat(65), 'with space in it', '"}{"a":1']) {
      const other = await get('/nothing', { 'x-request-id': insane });
      expect(other.error().requestId).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('who is calling', () => {
  it('is asked before the body is read', async () => {
    await using closed = await startApp({ routes: [testRoutes()], env: { NB_ANONYMOUS_SESSIONS_ENABLED: 'false' } });
    for (const body of ['{', '{}', 'x'.repeat(2_000_000)]) {
      const answer = await closed.send({ method: 'POST', path: '/notebooks/servers', headers: json, body });
      expect(answer.status).toBe(401);
      expect(answer.error()).toMatchObject({
        code: 1401,
        fields: [{ path: 'header.Renku-Auth-Access-Token' }, {}, {}],
      });
    }
    expect((await closed.send({ path: '/notebooks/servers', headers: { authorization: 'Bearer abc' } })).status).toBe(
      401,
    );
    for (const path of ['/notebooks/version', '/notebooks/spec.json', '/notebooks/docs/', '/health', '/ready']) {
      expect((await closed.send({ path })).status, path).toBe(200);
    }
  });

  it('is remembered by a cookie, which only this service’s prefix gets', async () => {
    const first = await get('/servers');
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      /^notebook-sessions-anonymous=[^;]+; Max-Age=\d+; Path=\/notebooks; HttpOnly; SameSite=Lax$/,
    );
    const again = await get('/servers', { cookie: cookie.split(';')[0] ?? '' });
    expect(again.headers['set-cookie']).toBeUndefined();
    const forged = await get('/servers', { cookie: `${cookie.split(';')[0]}x` });
    expect(forged.status).toBe(401);
    const [replacement = ''] = forged.headers['set-cookie'] ?? [];
    const both = `${cookie.split(';')[0]}x; ${replacement.split(';')[0]}`;
    expect((await get('/servers', { cookie: both })).status).toBe(200);
  });
});

describe('a caller who goes away', () => {
  it('ends what was begun for them', async () => {
    await using patient = await startApp({ routes: [testRoutes()] });
    delete seen.signal;
    const leaving = new AbortController();
    const asked = patient.send({ path: '/notebooks/logs/slow', signal: leaving.signal });
    while (!seen.signal) await new Promise((resolve) => setImmediate(resolve));
    const aborted = once(seen.signal as AbortSignal, 'abort');
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await aborted;
    // The next request finds the service as it was.
    expect((await patient.send({ path: '/notebooks/servers' })).status).toBe(200);
    expect(patient.log()).not.toContain('"level":50');
  });
});

describe('every answer', () => {
  it('has headers that keep browsers out of trouble', async () => {
    for (const path of ['/servers', '/nothing', '/docs/', '/version']) {
      const { headers } = await get(path);
      expect(headers['x-content-type-options'], path).toBe('nosniff');
      expect(headers['content-security-policy'], path).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy'], path).not.toMatch(/\*|https?:/);
      expect(headers['x-powered-by'], path).toBeUndefined();
    }
    expect((await get('/servers')).headers).toMatchObject({
      'cache-control': 'no-store',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect((await get('/servers')).headers.etag).toBeUndefined();
  });

  it('is logged without headers and queries', async () => {
    await get('/servers?token=query-secret', { cookie: 'a=cookie-secret', authorization: 'Bearer header-secret-0123' });
    await get('/nothing', { 'renku-auth-access-token': 'gateway-secret-0123' });
    expect(app.log()).toContain('"path":"/notebooks/servers"');
    expect(app.log()).not.toMatch(/query-secret|cookie-secret|header-secret|gateway-secret/);
  });
});
