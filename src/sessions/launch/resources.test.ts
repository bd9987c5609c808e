import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import { type FakeClasses, startFakeClasses } from '../../../tests/support/sessions/fake-classes.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { anonymous, john, type TestService } from '../../../tests/support/sessions/service.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';

let backends: Backends;
let classes: FakeClasses;
let { cluster, gitlab } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab } = backends);
  classes = await startFakeClasses();
});
afterEach(async () => {
  await Promise.all([backends.close(), classes.close()]);
});

const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
const servers = (): JupyterServer[] => cluster.objects('jupyterservers');
const replica = (deadlineMs = 10_000): Promise<TestService> =>
  backends.replica({
    deadlineMs,
    config: { crc_url: classes.url, git: { url: gitlab.url, registry: backends.registry.host } },
  });
const json =
  (status: number, body: string, headers: Record<string, string> = {}) =>
  (res: ServerResponse) =>
    void res.writeHead(status, headers).end(body);

describe('resource classes of the resource class service', () => {
  it('determine the size of the session and the quota of their pool', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', { ...project, resource_class_id: 2, storage: 20 });
    expect([status, body.resources?.requests]).toEqual([201, { cpu: 2, memory: '8G', storage: '20G' }]);
    const [server] = servers();
    expect(server?.metadata.labels?.['renku.io/quota']).toBe('quota-of-all');
    expect(JSON.stringify(server?.spec?.patches)).toContain('"quota-of-all"');
  });

  it('default to the default class with its default storage and quota', async () => {
    const { status, body } = await (await replica()).as(anonymous(gitlab.url))('POST', '/servers', project);
    expect([status, body.resources?.requests]).toEqual([201, { cpu: 0.5, memory: '2G', storage: '5G' }]);
    expect(servers()[0]?.metadata.labels?.['renku.io/quota']).toBe('quota-of-all');
    expect(classes.callers).toEqual([undefined]);
  });

  it('are available only to the users to whom the service offers them', async () => {
    const service = await replica();
    const huge = { ...project, resource_class_id: 3 };
    expect((await service.as(john(gitlab.url))('POST', '/servers', huge)).status).toBe(201);
    const strangers = [anonymous(gitlab.url), { ...john(gitlab.url), id: 'other', accessToken: 'another-token' }];
    for (const stranger of strangers) {
      const { status, body } = await service.as(stranger)('POST', '/servers', huge);
      expect([status, body.error.code]).toEqual([422, 1005]);
    }
    expect(classes.callers).toEqual(['bearer the-access-token', undefined, 'bearer another-token']);
    expect(service.logged()).not.toMatch(/the-access-token|another-token/);
  });

  it('are chosen for older clients: the closest class with the requested disk', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const serverOptions = { cpu_request: '600m', mem_request: '2Gi', disk_request: '7G' };
    const { status, body } = await call('POST', '/servers', { ...project, serverOptions });
    expect([status, body.resources?.requests]).toEqual([201, { cpu: 2, memory: '8G', storage: '7G' }]);
  });

  it('keep the other server options of older clients', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const serverOptions = { defaultUrl: '/rstudio', lfs_auto_fetch: true };
    expect((await call('POST', '/servers', { ...project, serverOptions })).status).toBe(201);
    const spec = servers()[0]?.spec;
    expect(spec?.jupyterServer?.defaultUrl).toBe('/rstudio');
    expect(JSON.stringify(spec?.patches)).toContain('{"name":"GIT_CLONE_LFS_AUTO_FETCH","value":"1"}');
  });

  it('reject sizes together with everything that is missing, before anything is created', async () => {
    const call = (await replica()).as(john(gitlab.url));
    const wrong = { ...project, branch: 'mian', resource_class_id: 2, storage: 51 };
    const { status, body } = await call('POST', '/servers', wrong);
    expect([status, body.error.code]).toEqual([422, 1005]);
    expect(body.error.fields?.map(({ path }) => path)).toEqual(['body.storage', 'body.branch']);
    expect(body.error.detail).toContain('branch "mian" does not exist');
    expect(cluster.calls.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('come from the configuration if dummy_stores is set', async () => {
    const dummies = await backends.replica({
      config: { crc_url: null, git: { url: gitlab.url, registry: backends.registry.host } },
    });
    const { body } = await dummies.as(john(gitlab.url))('POST', '/servers', project);
    expect(body.resources?.requests).toMatchObject({ cpu: 0.1, memory: '1G' });
    expect(classes.callers).toEqual([]);
  });
});

describe('a resource class service that', () => {
  it.each([
    ['is broken', json(500, '{}'), 500, 3000],
    ['responses HTML', json(200, '<html>', { 'content-type': 'text/html' }), 500, 3000],
    ['is overloaded', json(429, '{}', { 'retry-after': '17' }), 500, 3000],
    ['breaks off', (res: ServerResponse) => void res.destroy(), 500, 3000],
    ['is silent', () => undefined, 500, 3004],
    ['refuses the token', json(401, '{}'), 401, 1401],
    ['has no default class', json(200, '[]'), 500, 2001],
  ])('%s fails the launch in time with its name, and nothing is created', async (_what, fault, status, code) => {
    classes.fault = fault;
    const call = (await replica(2_000)).as(john(gitlab.url));
    const began = performance.now();
    const response = await call('POST', '/servers', project);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect([response.status, response.body.error.code]).toEqual([status, code]);
    expect(response.body.error.message).toContain('resource class');
    expect(response.headers.get('retry-after')).toBe(
      code >= 3000 ? String(code === 3000 && _what === 'is overloaded' ? 17 : 5) : null,
    );
    expect(servers()).toEqual([]);
    classes.fault = undefined;
    expect((await call('POST', '/servers', project)).status).toBe(201);
  });

  it('is down is named in the error', async () => {
    await classes.close();
    const { status, body } = await (await replica()).as(john(gitlab.url))('POST', '/servers', project);
    expect([status, body.error.code]).toEqual([500, 3000]);
    expect(body.error.message).toBe('The resource class service cannot be reached.');
    classes = await startFakeClasses();
  });

  it('is unavailable does not hide what is missing', async () => {
    classes.fault = json(500, '{}');
    const call = (await replica()).as(john(gitlab.url));
    expect((await call('POST', '/servers', { ...project, branch: 'mian' })).body.error.code).toBe(1404);
  });
});
