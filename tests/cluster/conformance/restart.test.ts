import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Identity } from '../../../src/identity/types.ts';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { failing, operatedSessions } from '../../support/operated-sessions.ts';
import { type ServiceReplicas, serviceReplicas } from '../../support/service-replicas.ts';
import { commitSha } from '../../support/sessions/fake-gitlab.ts';
import { john, type TestResponse } from '../../support/sessions/service.ts';

/** Restarts of failed sessions by the service and the operator, with their roles if the API server has roles. */

const { persistentVolumeClaims, pods, secrets } = resource;
const project = { namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha };

type Secret = KubernetesObject & { data?: Record<string, string> };
type Call = (method: string, path: string, body?: object) => Promise<TestResponse>;

let cluster: ClusterUnderTest;
let service: ServiceReplicas;
const { startOperator, stopOperators, makeHealthy, inState, patch } = operatedSessions(() => cluster);

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
const user = (username: string, token = 'the-gitlab-token', { gitlab } = service): Identity => {
  const identity = john(gitlab.url);
  return { ...identity, id: `uuid-${username}`, username, git: { ...identity.git, token } };
};

const podUid = async (name: string): Promise<string | undefined> =>
  (await cluster.client.get(pods, cluster.namespace, `${name}-0`, testDeadline()))?.metadata.uid;
const secretOf = (name: string, which: string) =>
  cluster.client.get<Secret>(secrets, cluster.namespace, `${name}-${which}`, testDeadline());
const textOf = (secret: Secret | undefined, key: string): string =>
  Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
const stateOf = async (call: Call, name: string): Promise<string> =>
  (await call('GET', `/servers/${name}`)).body.status?.state ?? 'deleted';

/** Sets the status of a pod that has reached its restart limit. Resolves with the pod's uid when the session has failed. */
async function makeFailed(call: Call, name: string, formerUid?: string): Promise<string> {
  const uid = await makeHealthy(name, formerUid);
  await cluster.patchPodStatus(`${name}-0`, failing());
  const failed = await cluster.when<JupyterServer>(
    jupyterServers,
    name,
    (object) => object?.status?.state === 'failed' && object.status.mainPod?.uid === uid,
  );
  expect(failed.status?.state).toBe('failed');
  await expect.poll(() => stateOf(call, name)).toBe('failed');
  return uid;
}

async function launchFailed(call: Call, body: object = {}): Promise<{ name: string; uid: string }> {
  await startOperator();
  const launched = await call('POST', '/servers', { ...project, ...body });
  expect(launched.status).toBe(201);
  const { name } = launched.body;
  return { name, uid: await makeFailed(call, name) };
}

describe('a failed session', () => {
  it('that two replicas restart at once gets one new pod, and nothing else changes', async () => {
    const replicas = [await service.start(), await service.start()];
    const [call, other] = replicas.map((each) => each.as(user('racing'))) as [Call, Call];
    const { name, uid } = await launchFailed(call, { environment_variables: { GREETING: 'hello' } });
    await expect.poll(() => stateOf(other, name)).toBe('failed');
    const before = (await call('GET', `/servers/${name}`)).body;
    const [claim, variables] = await Promise.all([
      cluster.client.get(persistentVolumeClaims, cluster.namespace, name, testDeadline()),
      secretOf(name, 'variables'),
    ]);
    const made = await podsMade(`${name}-0`);

    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? call : other)('POST', `/servers/${name}/restart`)),
    );
    for (const { status, body } of responses) {
      expect([status, body.status?.state], JSON.stringify(body)).toEqual([202, 'starting']);
      expect([body.name, body.url, body.started]).toEqual([before.name, before.url, before.started]);
      expect(body.launch).toEqual(before.launch);
    }
    expect(await stateOf(call, name)).toBe('starting');
    const next = await makeHealthy(name, uid);
    expect(await made.uids(next)).toEqual([next]);
    expect(
      (await cluster.client.get(persistentVolumeClaims, cluster.namespace, name, testDeadline()))?.metadata.uid,
    ).toBe(claim?.metadata.uid);
    // The Secret of the launch is unchanged: the service cannot read it.
    expect((await secretOf(name, 'variables'))?.metadata).toEqual(variables?.metadata);
  });

  it('gets the current credentials of its user', async () => {
    const replica = await service.start();
    const { name } = await launchFailed(replica.as(user('renewed', 'the-old-token')), {
      environment_variables: { GREETING: 'hello' },
    });
    expect(textOf(await secretOf(name, 'credentials'), 'gitlab-oauth-token')).toBe('the-old-token');
    const response = await replica.as(user('renewed', 'the-new-token'))('POST', `/servers/${name}/restart`);
    expect(response.status).toBe(202);
    const secret = await secretOf(name, 'credentials');
    expect(textOf(secret, 'gitlab-oauth-token')).toBe('the-new-token');
    expect(secret?.metadata.ownerReferences?.[0]?.name).toBe(name);
    expect(textOf(await secretOf(name, 'variables'), 'env.GREETING')).toBe('hello');
    expect(replica.logged()).not.toContain('did not renew');
    expect(replica.logged()).not.toMatch(/the-(old|new)-token/);
  });

  it('can be restarted again at once if the new pod fails, too', async () => {
    const call = (await service.start()).as(user('twice'));
    const { name, uid } = await launchFailed(call);
    expect((await call('POST', `/servers/${name}/restart`)).status).toBe(202);
    const second = await makeFailed(call, name, uid);
    expect((await call('POST', `/servers/${name}/restart`)).body.status.state).toBe('starting');
    const third = await makeHealthy(name, second);
    expect(new Set([uid, second, third]).size).toBe(3);
  });

  it.each([
    ['a moment ago', 5, 'starting'],
    ['minutes ago', 300, 'failed'],
  ])(
    'with a restart that was interrupted %s, before its pod was replaced, is restarted by the next call',
    async (_, seconds, state) => {
      const call = (await service.start()).as(user(`interrupted-${seconds}`));
      const { name, uid } = await launchFailed(call);
      const at = new Date(Date.now() - seconds * 1000).toISOString();
      await patch(name, {
        metadata: { annotations: { [annotation.restartedPod]: uid, [annotation.restartedAt]: at } },
      });
      await expect.poll(() => stateOf(call, name)).toBe(state);
      const response = await call('POST', `/servers/${name}/restart`);
      expect([response.status, response.body.status.state]).toEqual([202, 'starting']);
      expect(await makeHealthy(name, uid)).not.toBe(uid);
    },
  );
});

describe('a restart is rejected without a change', () => {
  async function rejected(call: Call, name: string): Promise<{ message: string; detail: string }> {
    const { status, body } = await call('POST', `/servers/${name}/restart`);
    expect([status, body.error?.code]).toEqual([409, 1409]);
    return { message: body.error.message, detail: body.error.detail ?? '' };
  }

  it('if the session has not failed', async () => {
    await startOperator();
    const call = (await service.start()).as(user('well'));
    const { name } = (await call('POST', '/servers', project)).body;
    const uid = await makeHealthy(name);
    expect((await rejected(call, name)).message).toMatch(/ is (starting|running)\. Only a failed session/);
    await patch(name, { spec: { jupyterServer: { hibernated: true } } });
    await inState(name, 'hibernated');
    await expect.poll(() => stateOf(call, name)).toBe('hibernated');
    const { message, detail } = await rejected(call, name);
    expect(message).toContain('is hibernated');
    expect(detail).toBe('To resume it, launch it again.');
    expect([undefined, uid]).toContain(await podUid(name));
  });

  it('if the session belongs to another user', async () => {
    const replica = await service.start();
    const { name, uid } = await launchFailed(replica.as(user('owner')));
    expect((await replica.as(user('stranger'))('POST', `/servers/${name}/restart`)).status).toBe(404);
    expect(await podUid(name)).toBe(uid);
  });

  it('if the session has no volume', async () => {
    const storage = { pvs_enabled: false, pvs_storage_class: null, use_empty_dir_size_limit: false };
    const withoutVolumes = await serviceReplicas(cluster, { storage });
    const call = (await withoutVolumes.start()).as(user('no-volume', 'the-gitlab-token', withoutVolumes));
    const { name, uid } = await launchFailed(call);
    expect((await call('GET', `/servers/${name}`)).body.status.restartable).toBe(false);
    expect(await rejected(call, name)).toEqual({
      message: `The session ${name} has no volume. A restart would delete its files.`,
      detail: expect.stringContaining('work that was not pushed is lost'),
    });
    expect(await podUid(name)).toBe(uid);
    await withoutVolumes.close();
  });

  it('if the volume is being deleted or does not exist', async () => {
    const call = (await service.start()).as(user('volume'));
    const { name, uid } = await launchFailed(call);
    const claimPatch = (metadata: object) =>
      cluster.client.mergePatch(persistentVolumeClaims, cluster.namespace, name, { metadata }, testDeadline());
    await claimPatch({ finalizers: ['example.org/held'] });
    await cluster.client.delete(persistentVolumeClaims, cluster.namespace, name, {}, testDeadline());
    expect((await rejected(call, name)).message).toContain('is being deleted');

    // Otherwise the operator creates a new, empty volume.
    await stopOperators();
    await claimPatch({ finalizers: null });
    await expect
      .poll(() => cluster.client.get(persistentVolumeClaims, cluster.namespace, name, testDeadline()))
      .toBeUndefined();
    expect((await rejected(call, name)).message).toContain('no longer exists');
    expect(await podUid(name)).toBe(uid);
  });
});

/** Returns a function that lists the uids of the pods of a name that were created since this call. */
async function podsMade(name: string): Promise<{ uids(last: string): Promise<string[]> }> {
  const { resourceVersion } = await cluster.client.listPage(pods, cluster.namespace, { limit: 1 }, testDeadline());
  return {
    async uids(last) {
      const uids: string[] = [];
      const options = { resourceVersion, timeoutSeconds: 60, limitMs: 90_000 };
      for await (const { type, object } of cluster.client.watch(
        pods,
        cluster.namespace,
        options,
        AbortSignal.timeout(20_000),
      )) {
        const { metadata } = object as KubernetesObject;
        if (type !== 'ADDED' || metadata.name !== name) continue;
        uids.push(metadata.uid ?? '');
        if (metadata.uid === last) break;
      }
      return uids;
    },
  };
}
