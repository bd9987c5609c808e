import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../support/cluster-under-test.ts';
import { healthy, operatedSessions, type StatefulSet } from '../support/operated-sessions.ts';

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create, patch, remove, server, inState, makeHealthy } = operatedSessions(
  () => cluster,
);

beforeAll(async () => {
  cluster = await openClusterUnderTest();
});

afterEach(stopOperators);

afterAll(() => cluster.close());

describe('a JupyterServer', () => {
  it('gets its children, and is running when its pod is healthy', async () => {
    await startOperator();
    const created = await create(jupyterServer('plain', { auth: { token: 't' }, storage: { pvc: { enabled: true } } }));
    const starting = await server(
      'plain',
      ({ status }) => status?.create_fn !== undefined && status.mainPod?.name !== undefined,
    );
    expect(starting.status).toMatchObject({
      state: 'starting',
      containerStates: { regular: { 'jupyter-server': 'waiting', 'passthrough-proxy': 'waiting' } },
      mainPod: { name: 'plain-0', kind: 'Pod', apiVersion: 'v1' },
      create_fn: { fullServerURL: 'http://localhost:8000/sessions/plain' },
    });
    const keys = ['configmap', 'ingress', 'pvc', 'secret', 'service', 'statefulset'];
    expect(Object.keys(starting.status?.create_fn?.createdResources ?? {}).sort()).toEqual(keys);
    expect(Object.keys(starting.status?.children ?? {}).sort()).toEqual(keys);
    expect(starting.status?.startingSince).toMatch(/^\d{4}-.*\+00:00$/);
    expect(starting.metadata.finalizers).toBeUndefined();

    await makeHealthy('plain');
    const running = await inState('plain', 'running');
    expect(running.status?.startingSince).toBeUndefined();
    expect(running.status?.containerStates?.regular).toEqual({
      'jupyter-server': 'ready',
      'passthrough-proxy': 'ready',
    });
    expect(running.status?.mainPod?.status?.phase).toBe('Running');
    expect(running.metadata.uid).toBe(created.metadata.uid);
    expect(running.spec).toEqual(created.spec);

    await cluster.patchPodStatus('plain-0', { conditions: [{ type: 'Ready', status: 'False' }] });
    expect((await inState('plain', 'starting')).status?.startingSince).toBeDefined();
  });

  it('is not written by a new operator when nothing has changed', async () => {
    const plain = async () =>
      (await cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, 'plain', testDeadline()))?.metadata;
    // A session that was created later has been reconciled, so `plain` has been, too.
    const settle = async (name: string) => {
      const operator = await startOperator();
      await create(jupyterServer(name));
      await server(name, ({ status }) => status?.create_fn !== undefined && status.mainPod?.name !== undefined);
      await operator.stop();
    };
    await settle('before');
    const before = await plain();
    await settle('after');
    expect((await plain())?.resourceVersion).toBe(before?.resourceVersion);
  });

  it('gets a deleted child again, and keeps its Secret', async () => {
    await startOperator();
    const before = await cluster.client.get(resource.secrets, cluster.namespace, 'plain', testDeadline());
    const old = await cluster.client.get(resource.services, cluster.namespace, 'plain', testDeadline());
    await cluster.client.delete(resource.services, cluster.namespace, 'plain', {}, testDeadline());
    const fresh = await cluster.when(
      resource.services,
      'plain',
      (object) => !!object && object.metadata.uid !== old?.metadata.uid,
    );
    await server('plain', ({ status }) => status?.create_fn?.createdResources?.['service'] === fresh.metadata.uid);
    const after = await cluster.client.get(resource.secrets, cluster.namespace, 'plain', testDeadline());
    expect(after?.metadata).toEqual(before?.metadata);
  });

  it('gets a deleted child again with the patches of its JupyterServer', async () => {
    await startOperator();
    const patch = {
      op: 'add' as const,
      path: '/service/metadata/annotations',
      value: { 'example.org/patched': 'yes' },
    };
    await create(jupyterServer('patched', { patches: [{ type: 'application/json-patch+json', patch: [patch] }] }));
    await server('patched', ({ status }) => status?.create_fn !== undefined);
    const old = await cluster.client.get(resource.services, cluster.namespace, 'patched', testDeadline());
    await cluster.client.delete(resource.services, cluster.namespace, 'patched', {}, testDeadline());
    const fresh = await cluster.when(
      resource.services,
      'patched',
      (object) => !!object && object.metadata.uid !== old?.metadata.uid,
    );
    expect(fresh.metadata.annotations).toEqual({ 'example.org/patched': 'yes' });
  });

  it('is completed when some children exist, and waits while another object has the name of a child', async () => {
    const created = await create(jupyterServer('half'));
    const owner = {
      apiVersion: 'amalthea.dev/v1alpha1',
      kind: 'JupyterServer',
      name: 'half',
      uid: created.metadata.uid ?? '',
    };
    const labels = {
      'amalthea.dev/parent-uid': created.metadata.uid ?? '',
      'amalthea.dev/parent-name': 'half',
      'amalthea.dev/child-key': 'service',
    };
    const existing = await cluster.client.create(
      resource.services,
      cluster.namespace,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'half', labels, ownerReferences: [{ ...owner, controller: true }] },
        spec: { ports: [{ port: 80 }] },
      } as KubernetesObject,
      testDeadline(),
    );
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'half' } };
    await cluster.client.create(resource.configMaps, cluster.namespace, foreign, testDeadline());
    await startOperator();
    const blocked = await server('half', ({ status }) => status?.events?.['operator']?.message !== undefined);
    expect(blocked.status?.events?.['operator']?.message).toMatch(/another ConfigMap named half/);
    expect(blocked.status?.state).toBe('starting');
    expect(blocked.status?.create_fn).toBeUndefined();

    await cluster.client.delete(resource.configMaps, cluster.namespace, 'half', {}, testDeadline());
    const completed = await server('half', ({ status }) => status?.create_fn !== undefined);
    expect(completed.status?.create_fn?.createdResources?.['service']).toBe(existing.metadata.uid);
    expect(completed.status?.events?.['operator']?.message).toBeUndefined();
  });

  it('that is invalid fails with a message, and starts when it is corrected', async () => {
    await startOperator();
    await create(
      jupyterServer('invalid', {
        patches: [
          {
            type: 'application/json-patch+json',
            patch: [{ op: 'test', path: '/statefulset/spec/replicas', value: 7 }],
          },
        ],
      }),
    );
    const failed = await inState('invalid', 'failed');
    expect(failed.status?.events?.['operator']?.message).toBe(
      'spec.patches[0].patch[0] (test /statefulset/spec/replicas) found another value',
    );
    expect(failed.status?.failedSince).toBeDefined();
    await patch('invalid', { spec: { patches: [] } });
    const corrected = await server(
      'invalid',
      ({ status }) => status?.state === 'starting' && status.create_fn !== undefined,
    );
    expect(corrected.status?.events?.['operator']?.message).toBeUndefined();
    expect(corrected.status?.failedSince).toBeUndefined();
  });

  it('fails with the reason when the API server rejects a child', async () => {
    await startOperator();
    await create(jupyterServer('rejected', { routing: { host: 'a..b' } }));
    const failed = await inState('rejected', 'failed');
    expect(failed.status?.events?.['operator']?.message).toMatch(
      /^create ingresses .*422 Invalid \(spec\.rules\[0\]\.host/,
    );
  });

  it('without a spec fails, and does not stop others from being reconciled', async () => {
    await startOperator();
    const bare = { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', metadata: { name: 'bare' } };
    await create(bare);
    expect((await inState('bare', 'failed')).status?.events?.['operator']?.message).toBe(
      'spec.routing.host is missing',
    );
  });
});

describe('hibernation', () => {
  it('deletes the pod and keeps everything else, and a resume empties its annotations', async () => {
    await startOperator();
    await create(jupyterServer('hibernating'));
    await makeHealthy('hibernating');
    await inState('hibernating', 'running');
    const annotations = {
      'renku.io/hibernation': '{"branch":"main"}',
      'renku.io/hibernationDate': '2026-01-01T00:00:00+00:00',
    };
    await patch('hibernating', { metadata: { annotations }, spec: { jupyterServer: { hibernated: true } } });
    const hibernated = await server(
      'hibernating',
      ({ status }) => status?.state === 'hibernated' && status.mainPod?.name === undefined,
    );
    expect(hibernated.status?.containerStates?.regular).toEqual({
      'jupyter-server': 'waiting',
      'passthrough-proxy': 'waiting',
    });
    expect(hibernated.metadata.annotations).toMatchObject(annotations);
    await cluster.when<StatefulSet>(resource.statefulSets, 'hibernating', (object) => object?.spec.replicas === 0);

    await patch('hibernating', { spec: { jupyterServer: { hibernated: false } } });
    await makeHealthy('hibernating');
    const resumed = await inState('hibernating', 'running');
    expect(resumed.metadata.annotations).toMatchObject({ 'renku.io/hibernation': '', 'renku.io/hibernationDate': '' });
    expect(resumed.status?.create_fn).toEqual(hibernated.status?.create_fn);
  });

  it('from the start creates no pod', async () => {
    await startOperator();
    await create(jupyterServer('created-hibernated', { jupyterServer: { hibernated: true } }));
    await inState('created-hibernated', 'hibernated');
    const set = await cluster.client.get<StatefulSet>(
      resource.statefulSets,
      cluster.namespace,
      'created-hibernated',
      testDeadline(),
    );
    expect(set?.spec.replicas).toBe(0);
  });
});

describe('resources', () => {
  it('are written to the pod template once when they change', async () => {
    await startOperator();
    await create(
      jupyterServer('growing', { jupyterServer: { resources: { requests: { cpu: 0.5, memory: 1000000000 } } } }),
    );
    const first = await cluster.when<StatefulSet>(resource.statefulSets, 'growing', (object) => object !== undefined);
    const formerPod = await makeHealthy('growing');
    await inState('growing', 'running');
    const other = { requests: { cpu: '1', memory: null }, limits: { memory: '2G' } };
    await patch('growing', { spec: { jupyterServer: { resources: other } } });
    const second = await cluster.when<StatefulSet>(
      resource.statefulSets,
      'growing',
      (object) => object?.metadata.generation !== first.metadata.generation,
    );
    expect(second.spec.template.spec.containers[0]?.resources).toEqual({
      requests: { cpu: '1' },
      limits: { memory: '2G' },
    });
    await makeHealthy('growing', formerPod);
    await inState('growing', 'running');
    const last = await cluster.client.get<StatefulSet>(
      resource.statefulSets,
      cluster.namespace,
      'growing',
      testDeadline(),
    );
    expect(last?.metadata.generation).toBe(second.metadata.generation);
  });
});

describe('deletion', () => {
  it.each(['Foreground', 'Background'] as const)(
    '(%s) deletes the children, also without an operator',
    async (policy) => {
      const name = `gone-${policy.toLowerCase()}`;
      const operator = await startOperator();
      await create(jupyterServer(name));
      await cluster.when(resource.pods, `${name}-0`, (object) => object !== undefined);
      if (policy === 'Background') await operator.stop();
      await remove(name, policy);
      await cluster.when(jupyterServers, name, (object) => object === undefined);
      await cluster.when(resource.statefulSets, name, (object) => object === undefined);
      await cluster.when(resource.services, name, (object) => object === undefined);
      await cluster.when(resource.pods, `${name}-0`, (object) => object === undefined);
    },
  );

  it('of an object that Amalthea created is not blocked by Amalthea’s finalizer', async () => {
    await startOperator({ detectorTiming: { proofMs: 100, retryMs: 100 } });
    await create(
      jupyterServer('inherited', {}, { finalizers: ['kopf.zalando.org/KopfFinalizerMarker', 'example.org/other'] }),
    );
    await server('inherited', ({ status }) => status?.create_fn !== undefined);
    await remove('inherited');
    const stopping = await inState('inherited', 'stopping');
    expect(stopping.metadata.finalizers).toEqual(['example.org/other']);
    await patch('inherited', { metadata: { finalizers: null } });
    await cluster.when(jupyterServers, 'inherited', (object) => object === undefined);
  });

  it('followed by a new session of the same name keeps the new session', async () => {
    await startOperator();
    const old = await create(jupyterServer('recreated', { auth: { token: 'old' } }));
    await server('recreated', ({ status }) => status?.create_fn !== undefined);
    await remove('recreated');
    await cluster.when(jupyterServers, 'recreated', (object) => object === undefined);
    const fresh = await create(jupyterServer('recreated', { auth: { token: 'new' } }));
    const alive = await server('recreated', ({ status }) => status?.create_fn !== undefined);
    expect(alive.metadata.uid).toBe(fresh.metadata.uid);
    expect(alive.metadata.uid).not.toBe(old.metadata.uid);
    const secret = await cluster.client.get(resource.secrets, cluster.namespace, 'recreated', testDeadline());
    expect(
      Buffer.from(
        (secret as unknown as { data: Record<string, string> }).data['jupyterServerAppToken'] ?? '',
        'base64',
      ).toString(),
    ).toBe('new');
  });
});

describe('the cause of a failure', () => {
  it('is the message of a pod event, as long as no container has run', async () => {
    await startOperator();
    await create(jupyterServer('no-mount'));
    const { metadata } = await cluster.when(resource.pods, 'no-mount-0', (object) => object !== undefined);
    const time = new Date().toISOString();
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'no-mount-0.1' },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'no-mount-0',
        namespace: cluster.namespace,
        uid: metadata.uid,
      },
      reason: 'FailedMount',
      type: 'Warning',
      message: 'secret "x" not found',
      firstTimestamp: time,
      lastTimestamp: time,
    };
    await cluster.client.create<KubernetesObject>(resource.events, cluster.namespace, event, testDeadline());
    const reported = await server('no-mount', ({ status }) => status?.events?.['pod']?.message !== undefined);
    expect(reported.status?.events?.['pod']?.message).toBe('FailedMount: secret "x" not found');
  });

  it('is the fixed message for an exceeded quota, until the quota is raised', async ({ skip }) => {
    skip(cluster.embedded, 'the embedded API server has no quotas');
    const quotas = { group: '', version: 'v1', plural: 'resourcequotas' };
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard: { pods: '0' } } };
    await cluster.client.create(quotas, cluster.namespace, quota, testDeadline());
    await startOperator();
    await create(jupyterServer('no-quota'));
    const failed = await inState('no-quota', 'failed');
    expect(failed.status?.events?.['statefulset']?.message).toBe('The resource quota has been exceeded.');
    await cluster.client.delete(quotas, cluster.namespace, 'q', {}, testDeadline());
    await patch('no-quota', { spec: { jupyterServer: { resources: { requests: { cpu: '1m' } } } } });
    const starting = await inState('no-quota', 'starting');
    expect(starting.status?.events?.['statefulset']?.message).toBeUndefined();
  });

  it('is an image that cannot be pulled, while the session starts', async () => {
    await startOperator();
    await create(jupyterServer('no-image'));
    await cluster.when(resource.pods, 'no-image-0', (object) => object !== undefined);
    const waiting = { reason: 'ErrImagePull', message: 'there is no image named x' };
    await cluster.patchPodStatus('no-image-0', {
      phase: 'Pending',
      containerStatuses: [
        { name: 'jupyter-server', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting } },
      ],
    });
    const reported = await server('no-image', ({ status }) => status?.events?.['pod']?.message !== undefined);
    expect(reported.status?.events?.['pod']?.message).toBe('jupyter-server: ErrImagePull: there is no image named x');
    expect(reported.status?.state).toBe('starting');
    await cluster.patchPodStatus('no-image-0', healthy);
    expect((await inState('no-image', 'running')).status?.events?.['pod']?.message).toBeUndefined();
  });
});
