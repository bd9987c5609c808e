import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Backends, startBackends } from '../../../tests/support/sessions/backends.ts';
import type { Call } from '../../../tests/support/sessions/fake-cluster.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

let backends: Backends;
let { cluster, gitlab, registry, replica } = {} as Backends;

beforeEach(async () => {
  backends = await startBackends();
  ({ cluster, gitlab, registry, replica } = backends);
});

afterEach(() => backends.close());

const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
const servers = (): KubernetesObject[] => cluster.objects('jupyterservers');
const isCreation = (call: Call): boolean => call.method === 'POST' && call.resource === 'jupyterservers';

describe('a launch', () => {
  it('reports everything that is missing together', async () => {
    const image = `${registry.host}/a/b:1`;
    registry.fault = () => 404;
    const call = (await replica()).as(john(gitlab.url));
    const { status, body } = await call('POST', '/servers', { ...project, branch: 'mian', image });
    expect([status, body.error.code]).toEqual([404, 1404]);
    expect(body.error.message).toBe(`Cannot launch the session: branch "mian" and image "${image}" do not exist.`);
    expect(body.error.fields?.map(({ path }) => path)).toEqual(['body.branch', 'body.image']);
    const nothing = await call('POST', '/servers', { namespace: 'no', project: 'where', commit_sha: 'abc' });
    expect(nothing.body.error.message).toContain(
      'project "no/where", the default branch of the project, and commit "abc" do not exist',
    );
    expect(servers()).toEqual([]);
  });

  it('reports what is missing even if the registry is unavailable', async () => {
    registry.fault = () => 503;
    const call = (await replica()).as(john(gitlab.url));
    expect((await call('POST', '/servers', { ...project, branch: 'mian' })).body.error.code).toBe(1404);
  });

  it.each([
    [503, 500, 3000],
    [429, 500, 3000],
    [401, 401, 1401],
  ])('reports nothing as missing when GitLab responds with %d', async (response, status, code) => {
    gitlab.fault = (path) => (path.includes('/branches/') ? response : undefined);
    const rejected = await (await replica({ deadlineMs: 4_000 })).as(john(gitlab.url))('POST', '/servers', {
      ...project,
      commit_sha: 'no',
    });
    expect([rejected.status, rejected.body.error.code]).toEqual([status, code]);
    expect(rejected.body.error.message).toContain('GitLab');
    if (status === 500) expect(rejected.headers.get('retry-after')).not.toBeNull();
  });

  it('reports nothing as missing when GitLab does not respond, and meets its deadline', async () => {
    gitlab.fault = () => 'silence';
    const began = performance.now();
    const { status, body } = await (await replica({ deadlineMs: 1_000 })).as(john(gitlab.url))(
      'POST',
      '/servers',
      project,
    );
    expect([status, body.error.code]).toEqual([500, 3004]);
    expect(body.error.message).toContain('GitLab');
    expect(performance.now() - began).toBeLessThan(30_000);
  });

  it('does not report the image as missing when its registry is unavailable, silent or not allowed', async () => {
    const call = (await replica({ deadlineMs: 2_000 })).as(john(gitlab.url));
    const rejected = { ...project, image: '127.0.0.1:1/a/b', branch: 'mian' };
    expect(await call('POST', '/servers', rejected)).toMatchObject({ status: 422, body: { error: { code: 1000 } } });
    registry.fault = () => 503;
    const unavailable = await call('POST', '/servers', { ...project, image: `${registry.host}/a/b` });
    expect([unavailable.status, unavailable.body.error.code]).toEqual([500, 3000]);
    registry.fault = () => 'silence';
    const silent = await call('POST', '/servers', project);
    expect([silent.status, silent.headers.get('retry-after')]).toEqual([500, '5']);
    expect(silent.body.error.message).toContain('registry');
  });

  it.each([
    [{ resource_class_id: 99 }, 1005],
    [{ image: ':::?-+^' }, 1002],
    [{ storage: 0 }, 1000],
    [{ environment_variables: { CI_COMMIT_SHA: 'x' } }, 1004],
    [{ environment_variables: { 'NOT VALID': 'x' } }, 1422],
    [{ environment_variables: { A: 'a\0b' } }, 1422],
    [{ default_url: '//evil.example.org' }, 1422],
    [{ default_url: '/lab"; import os #' }, 1422],
    [{ namespace: '/', project: '/' }, 1422],
  ])('rejects %j with 422 and code %d', async (change, code) => {
    const { status, body } = await (await replica()).as(john(gitlab.url))('POST', '/servers', {
      ...project,
      ...change,
    });
    expect([status, body.error.code]).toEqual([422, code]);
    expect(body.error.fields?.length).toBeGreaterThan(0);
    expect(servers()).toEqual([]);
  });
});

describe('when the Kubernetes API', () => {
  it('rejects the object, the launch fails with 3002', async () => {
    cluster.fault = (call) => (isCreation(call) ? { status: 422, reason: 'Invalid' } : undefined);
    const { status, body } = await (await replica()).as(john(gitlab.url))('POST', '/servers', project);
    expect([status, body.error.code]).toEqual([500, 3002]);
  });

  it('does not respond, the launch fails in time and reads continue', async () => {
    const call = (await replica({ deadlineMs: 1_500 })).as(john(gitlab.url));
    const { body } = await call('POST', '/servers', project);
    cluster.fault = () => 'silence';
    const rejected = await call('POST', '/servers', { ...project, branch: 'feature/x' });
    expect([rejected.status, rejected.body.error.code]).toEqual([500, 3000]);
    expect(rejected.body.error.detail).toContain('Kubernetes');
    expect((await call('GET', `/servers/${body.name}`)).status).toBe(200);
    expect(Object.keys((await call('GET', '/servers')).body.servers)).toEqual([body.name]);
  });
});
