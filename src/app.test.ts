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

describe('an address', () => {
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
    const response = await get(path);
    expect(response.status).toBe(status);
    if (status !== 200) expect(response.error().code).toBeGreaterThanOrEqual(1400);
  });

  it('outside of the prefix is not found, in upper or lower case', async () => {
    for (const path of ['/', '/servers', '/NOTEBOOKS/servers', '/notebooksservers', '/notebooks/../health']) {
      expect((await app.send({ path })).status, path).toBe(404);
    }
  });

  it('with a host is rejected', async () => {
    expect((await app.send({ path: 'http://evil.example/notebooks/servers' })).status).toBe(400);
  });

  it('of a launch page accepts raw and encoded slashes', async () => {
    for (const path of ['group/sub/project', 'group%2Fsub/project', 'group%2fsub/project?ref=a/b:c']) {
      const response = await get(`/launch/${path}`, { accept: 'text/html' });
      expect(response.text, path).toBe('/launch/group%2Fsub/project');
    }
  });

  it('of a session or a log with the name autosave is not the list of autosaves', async () => {
    expect((await app.send({ method: 'DELETE', path: '/notebooks/servers/autosave' })).status).toBe(204);
    expect((await get('/servers/autosave')).error().message).toBe('The request reached the route.');
    expect((await get('/logs/autosave')).status).toBe(200);
    expect((await get('/launch/group/autosave', { accept: 'text/html' })).text).toBe('/launch/group/autosave');
  });

  it('works under another prefix and without a prefix', async () => {
    for (const prefix of ['/api/notebooks/', '/']) {
      await using other = await startApp({ routes: [testRoutes()], env: { NB_SERVICE_PREFIX: prefix } });
      expect((await other.send({ path: `${prefix}servers` })).status).toBe(200);
      expect((await other.send({ path: `${prefix}nothing` })).status).toBe(404);
      const { paths } = (await other.send({ path: `${prefix}spec.json` })).json();
      expect(Object.keys(paths as object)).toContain(`${prefix}servers`);
    }
  });
});

describe('a method', () => {
  it('HEAD sends the headers of GET without a body', async () => {
    const response = await app.send({ method: 'HEAD', path: '/notebooks/servers' });
    expect(response).toMatchObject({ status: 200, text: '' });
    expect(response.headers['content-length']).toBe(String('{"servers":{}}'.length));
  });

  it('OPTIONS names the allowed methods and changes nothing', async () => {
    const response = await app.send({ method: 'OPTIONS', path: '/notebooks/servers/abc' });
    expect(response).toMatchObject({ status: 204, text: '' });
    expect(response.headers.allow).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'])('%s is not allowed for a list', async (method) => {
    const response = await app.send({ method, path: '/notebooks/servers' });
    expect(response.status).toBe(405);
    expect(response.headers.allow).toBe('GET, HEAD, POST, OPTIONS');
    expect(response.error().code).toBe(1405);
  });

  it('responds with 406 if the Accept header allows no available content type', async () => {
    const response = await get('/servers', { accept: 'image/png' });
    expect(response.status).toBe(406);
    expect(response.error()).toMatchObject({ code: 1406, fields: [{ path: 'header.Accept' }] });
    expect((await get('/servers', { accept: 'text/html, */*;q=0.1' })).status).toBe(200);
  });
});

describe('the request id', () => {
  it('is the acceptable X-Request-Id of the caller, in the headers, the error and the log', async () => {
    const response = await get('/nothing', { 'x-request-id': 'gateway-0815.abc' });
    expect(response.headers['x-request-id']).toBe('gateway-0815.abc');
    expect(response.error().requestId).toBe('gateway-0815.abc');
    expect(app.log()).toContain('"requestId":"gateway-0815.abc"');
    for (const invalid of ['short', 'x'.repeat(65), 'with space in it', '"}{"a":1']) {
      const other = await get('/nothing', { 'x-request-id': invalid });
      expect(other.error().requestId).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('a traceparent', () => {
  it('is in the log of the request if it is valid', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await get('/nothing', { traceparent });
    expect(app.log()).toContain(`"traceparent":"${traceparent}"`);
    await get('/nothing', { traceparent: 'not-a-trace' });
    expect(app.log()).not.toContain('not-a-trace');
  });
});

describe('identity', () => {
  it('is checked before the body is read', async () => {
    await using closed = await startApp({ routes: [testRoutes()], env: { NB_ANONYMOUS_SESSIONS_ENABLED: 'false' } });
    for (const body of ['{', '{}', 'x'.repeat(2_000_000)]) {
      const response = await closed.send({ method: 'POST', path: '/notebooks/servers', headers: json, body });
      expect(response.status).toBe(401);
      expect(response.error()).toMatchObject({
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

  it('of an anonymous caller is kept in a cookie for the prefix of this service', async () => {
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

describe('a caller that disconnects', () => {
  it('aborts the work for its request', async () => {
    await using other = await startApp({ routes: [testRoutes()] });
    delete seen.signal;
    const leaving = new AbortController();
    const request = other.send({ path: '/notebooks/logs/slow', signal: leaving.signal });
    while (!seen.signal) await new Promise((resolve) => setImmediate(resolve));
    const aborted = once(seen.signal as AbortSignal, 'abort');
    leaving.abort();
    await expect(request).rejects.toThrow();
    await aborted;
    // The service answers the next request.
    expect((await other.send({ path: '/notebooks/servers' })).status).toBe(200);
    expect(other.log()).not.toContain('"level":50');
  });
});

describe('every response', () => {
  it('has the security headers', async () => {
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

  it('is logged without headers and query', async () => {
    await get('/servers?token=query-secret', { cookie: 'a=cookie-secret', authorization: 'Bearer header-secret-0123' });
    await get('/nothing', { 'renku-auth-access-token': 'gateway-secret-0123' });
    expect(app.log()).toContain('"path":"/notebooks/servers"');
    expect(app.log()).not.toMatch(/query-secret|cookie-secret|header-secret|gateway-secret/);
  });
});
