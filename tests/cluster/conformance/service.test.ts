import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NotebookResponse } from '../../../src/generated/openapi.ts';
import type { Identity } from '../../../src/identity/types.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { EventStream } from '../../support/event-stream.ts';
import { operatedSessions } from '../../support/operated-sessions.ts';
import { type ServiceReplicas, serviceReplicas } from '../../support/service-replicas.ts';
import { commitSha } from '../../support/sessions/fake-gitlab.ts';
import { anonymous, john } from '../../support/sessions/service.ts';
import { eventually } from './api.ts';

/** The service and the operator on one API server, with their roles if it has roles. */

const { secrets } = resource;
const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };

let cluster: ClusterUnderTest;
let service: ServiceReplicas;
const { startOperator, stopOperators, makeHealthy, patch } = operatedSessions(() => cluster);

beforeAll(async () => {
  cluster = await openClusterUnderTest();
  service = await serviceReplicas(cluster);
});
afterEach(async () => {
  await Promise.all([stopOperators(), service.stopAll()]);
});
afterAll(async () => {
  await service?.close();
  await cluster?.close();
});

/** Each test has its own user, and so its own session. */
const user = (username: string): Identity => ({ ...john(service.gitlab.url), id: `uuid-${username}`, username });

const stored = (name: string) =>
  cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, name, testDeadline());
const secretOf = (name: string, which = 'credentials') =>
  cluster.client.get<KubernetesObject & { data?: Record<string, string> }>(
    secrets,
    cluster.namespace,
    `${name}-${which}`,
    testDeadline(),
  );

describe('a stream of events', () => {
  it('has the changes that any replica makes, and continues on another replica', async () => {
    const [first, second] = await Promise.all([service.start(), service.start()]);
    const owner = user('events');
    const follow = async (replica: typeof first, lastEventId = '') => {
      const headers = { ...replica.headersOf(owner), 'last-event-id': lastEventId };
      return (await EventStream.open(`${replica.url}/servers`, headers)).read();
    };
    const repositories = (stream: EventStream) =>
      stream.named<NotebookResponse>('session').map(({ annotations }) => annotations['renku.io/repository']);
    const soon = { timeout: 30_000 };
    const [left, staying] = [await follow(first), await follow(second)];
    try {
      const { name, annotations } = (await first.as(owner)('POST', '/servers', project)).body;
      const launched = annotations['renku.io/repository'];
      for (const stream of [left, staying]) await expect.poll(() => repositories(stream), soon).toEqual([launched]);
      left.close();
      await patch(name, { metadata: { annotations: { 'renku.io/repository': 'https://changed.example.org' } } });
      const resumed = await follow(second, left.lastId);
      await expect.poll(() => repositories(resumed), soon).toEqual(['https://changed.example.org']);
      await expect.poll(() => repositories(staying), soon).toEqual([launched, 'https://changed.example.org']);
      expect((await first.as(owner)('DELETE', `/servers/${name}`)).status).toBe(204);
      for (const stream of [resumed, staying]) {
        await expect.poll(() => stream.named('deleted'), soon).toEqual([{ name }]);
        stream.close();
      }
      expect(resumed.named('snapshot')).toEqual([]);
    } finally {
      for (const stream of [left, staying]) stream.close();
    }
  });
});

describe('a launch', () => {
  it('creates an object without tokens, and Secrets that are deleted with the object', async () => {
    const replica = await service.start();
    const call = replica.as(user('tokens'));
    const body = { ...project, environment_variables: { GREETING: 'hello' } };
    const launched = await call('POST', '/servers', body);
    expect(launched.status).toBe(201);
    const { name } = launched.body;
    const object = await stored(name);
    expect(object?.spec?.patches?.length).toBeGreaterThan(10);
    expect(JSON.stringify(object)).not.toMatch(/the-(access|refresh|gitlab)-token/);
    const [tokens, variables] = await Promise.all([secretOf(name), secretOf(name, 'variables')]);
    for (const secret of [tokens, variables]) {
      expect(secret?.metadata.ownerReferences).toMatchObject([{ uid: object?.metadata.uid, blockOwnerDeletion: true }]);
    }
    expect(Object.keys(tokens?.data ?? {})).toContain('gitlab-oauth-token');
    expect(Object.keys(variables?.data ?? {})).toContain('env.GREETING');
    expect((await call('DELETE', `/servers/${name}`)).status).toBe(204);
    await eventually(
      'the removal of the session and its Secrets',
      () => Promise.all([stored(name), secretOf(name), secretOf(name, 'variables')]),
      (left) => left.every((each) => each === undefined),
    );
  });

  it('that is requested many times at once from two replicas creates one session', async () => {
    const calls = (await Promise.all([service.start(), service.start()])).map((each) => each.as(user('many')));
    const responses = await Promise.all(
      calls.flatMap((call) => Array.from({ length: 20 }, () => call('POST', '/servers', project))),
    );
    const statuses = responses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 200)).toHaveLength(39);
    expect(new Set(responses.map(({ body }) => body.name)).size).toBe(1);
    const all = await cluster.client.list<JupyterServer>(jupyterServers, cluster.namespace, {}, testDeadline());
    const name = responses[0]?.body.name ?? '';
    expect(all.filter(({ metadata }) => metadata.name === name)).toHaveLength(1);
    // Every replica returns the session, but not to another user.
    for (const call of calls) expect((await call('GET', `/servers/${name}`)).status).toBe(200);
    const [other] = await Promise.all([service.start()]);
    const stranger = other.as(anonymous(service.gitlab.url));
    expect((await stranger('GET', `/servers/${name}`)).status).toBe(404);
    expect((await stranger('DELETE', `/servers/${name}`)).status).toBe(404);
    expect((await stranger('GET', '/servers')).body.servers).toEqual({});
  });

  it('right after a deletion creates a new session with a new Secret', async () => {
    await startOperator();
    const replica = await service.start();
    const call = replica.as(user('again'));
    const first = await call('POST', '/servers', project);
    const { name } = first.body;
    await makeHealthy(name);
    const before = await stored(name);
    expect((await call('DELETE', `/servers/${name}?forced=true`)).status).toBe(204);
    const second = await call('POST', '/servers', project);
    expect([second.status, second.body.name]).toEqual([201, name]);
    const after = await stored(name);
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after?.metadata.deletionTimestamp).toBeUndefined();
    expect((await secretOf(name))?.metadata.ownerReferences?.[0]?.uid).toBe(after?.metadata.uid);
  });

  it('waits while the former session is being deleted, and responds with Retry-After at its deadline', async () => {
    const replica = await service.start(2_000);
    const call = replica.as(user('deleted'));
    const { name } = (await call('POST', '/servers', project)).body;
    await patch(name, { metadata: { finalizers: ['example.org/held'] } });
    expect((await call('DELETE', `/servers/${name}`)).status).toBe(204);
    const rejected = await call('POST', '/servers', project);
    expect(rejected.status).toBe(409);
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0);
    const patient = (await service.start()).as(user('deleted'));
    const waiting = patient('POST', '/servers', project);
    await patch(name, { metadata: { finalizers: null } });
    expect((await waiting).status).toBe(201);
  });
});

describe('a session', () => {
  it('has the state of its JupyterServer: running, hibernated, deleted', async () => {
    await startOperator();
    const replica = await service.start();
    const call = replica.as(user('seen'));
    const { name } = (await call('POST', '/servers', project)).body;
    const state = async (): Promise<string> => (await call('GET', `/servers/${name}`)).body.status?.state ?? 'deleted';
    await makeHealthy(name);
    // The other containers of the session have no status yet.
    expect(['starting', 'running']).toContain(await eventually('the session', state, (each) => each !== 'deleted'));
    await patch(name, { spec: { jupyterServer: { hibernated: true } } });
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'hibernated');
    expect((await call('GET', `/servers/${name}`)).status).toBe(200);
    await cluster.client.delete(jupyterServers, cluster.namespace, name, {}, testDeadline());
    await eventually('the removal of the session', state, (each) => each === 'deleted');
    expect((await call('GET', '/servers')).body.servers[name]).toBeUndefined();
  });
});
