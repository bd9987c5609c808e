import { readFileSync } from 'node:fs';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { electLeader } from '../../src/operator/leader-election.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { createTransport, type Transport } from '../../src/platform/kubernetes/transport.ts';
import { type KubernetesConnection, KubernetesError } from '../../src/platform/kubernetes/types.ts';
import { createAccount, readRoles } from '../support/accounts.ts';
import { attemptOf } from '../support/attempt.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../support/cluster-under-test.ts';
import { failing, operatedSessions, type StatefulSet } from '../support/operated-sessions.ts';
import { requestsOf as auditedRequestsOf, granted, permission } from '../support/permissions.ts';
import { serviceReplicas } from '../support/service-replicas.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { john } from '../support/sessions/service.ts';
import { eventually } from './conformance/api.ts';

/**
 * Service and operator on a real API server with the Roles of the chart. The audit log of the API server shows that
 * they use each permission and that no request was rejected.
 */

const log = pino({ level: 'silent' });
const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };

let cluster: ClusterUnderTest;
let transport: Transport;
const { startOperator, stopOperators, create, patch, server, makeHealthy } = operatedSessions(() => cluster);

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  transport = createTransport({ kubeconfig: await parseKubeConfig(readFileSync(cluster.kubeconfig, 'utf8')), log });
});
afterEach(stopOperators);
afterAll(async () => {
  await transport?.close();
  await cluster?.close();
});

const requestsOf = (account: string) =>
  auditedRequestsOf(inject('controlPlane')?.auditLog ?? '', `system:serviceaccount:${cluster.namespace}:${account}`);

/** Expects that the account used its permissions and no others. Polls: the audit log has a watch only after its end. */
async function expectExactly(account: 'service' | 'operator') {
  const wanted = granted(readRoles(account));
  const used = await eventually(
    `the audit log to have every permission of the ${account}`,
    async () => [...new Set(requestsOf(account).map((request) => request.permission))].sort(),
    (found) => wanted.every((each) => found.includes(each)),
  );
  expect(used).toEqual(wanted);
  expect(requestsOf(account).filter(({ code }) => code === 401 || code === 403)).toEqual([]);
}

describe('the role of the service', () => {
  it('has exactly the permissions to launch, watch, restart and stop sessions and to read their logs', async () => {
    await startOperator();
    const replicas = await serviceReplicas(cluster);
    const service = await replicas.start();
    const call = service.as(john(replicas.gitlab.url));
    const launched = await call('POST', '/servers', { ...project, environment_variables: { A: 'b' } });
    expect(launched.status).toBe(201);
    const { name } = launched.body;
    const secret = await cluster.client.get(resource.secrets, cluster.namespace, `${name}-credentials`, testDeadline());
    expect(secret?.metadata.ownerReferences?.[0]?.name).toBe(name);
    expect((await call('POST', '/servers', project)).status).toBe(200);

    const state = async () => (await call('GET', `/servers/${name}`)).body.status.state;
    await server(name, ({ status }) => status?.mainPod?.name !== undefined);
    expect(await eventually('the state starting', state, (each) => each === 'starting')).toBe('starting');
    // There is no node, so there are no lines. The API server allowed the request.
    expect((await call('GET', `/logs/${name}`)).status).toBe(200);
    expect(service.logged()).not.toContain('a log could not be read');

    const failed = await makeHealthy(name);
    await cluster.patchPodStatus(`${name}-0`, failing());
    expect(await eventually('the state failed', state, (each) => each === 'failed')).toBe('failed');
    expect((await call('POST', `/servers/${name}/restart`)).status).toBe(202);
    await makeHealthy(name, failed);

    expect((await call('DELETE', `/servers/${name}?forced=true`)).status).toBe(204);
    await cluster.when(jupyterServers, name, (object) => object === undefined);
    // The cache of the service may learn of the deletion later than this test.
    const status = async () => (await call('GET', `/servers/${name}`)).status;
    expect(await eventually('the status 404', status, (each) => each === 404)).toBe(404);
    await eventually(
      'the removal of the Secret',
      () => cluster.client.get(resource.secrets, cluster.namespace, `${name}-credentials`, testDeadline()),
      (left) => left === undefined,
    );
    await replicas.close();
    await expectExactly('service');
  });
});

describe('the role of the operator', () => {
  it('has exactly the permissions that sessions need', async (context) => {
    const attempt = attemptOf(context);
    const [taken, ordered, neverRuns] = [`taken-${attempt}`, `ordered-${attempt}`, `never-runs-${attempt}`];
    await startOperator();
    const { client, namespace } = cluster;

    // The names of the children are taken: the operator reads each object, the StatefulSet last.
    const foreign = foreignChildren(taken);
    await Promise.all(foreign.map(([type, object]) => client.create(type, namespace, object, testDeadline())));
    await create(jupyterServer(taken, { storage: { pvc: { enabled: true } } }));
    const reported = (what: string) =>
      server(taken, ({ status }) => status?.events?.['operator']?.message?.includes(what) === true);
    await reported('another');
    const [set, others] = [foreign.slice(-1), foreign.slice(0, -1)];
    await Promise.all(others.map(([type]) => client.delete(type, namespace, taken, {}, testDeadline())));
    await reported('another StatefulSet');
    await Promise.all(set.map(([type]) => client.delete(type, namespace, taken, {}, testDeadline())));
    await server(taken, ({ status }) => status?.create_fn !== undefined);

    // With OrderedReady, Kubernetes does not replace a pod that is not ready.
    const orderedReady = {
      op: 'replace' as const,
      path: '/statefulset/spec/podManagementPolicy',
      value: 'OrderedReady',
    };
    const patches = [{ type: 'application/json-patch+json' as const, patch: [orderedReady] }];
    await create(jupyterServer(ordered, { patches }));
    const former = await makeHealthy(ordered);
    await server(ordered, ({ status }) => status?.state === 'running');
    await cluster.patchPodStatus(`${ordered}-0`, failing());
    await server(ordered, ({ status }) => status?.state === 'failed');
    await patch(ordered, { spec: { jupyterServer: { resources: { requests: { cpu: '1m' } } } } });
    // The session runs for the second time only if the operator has seen that the new pod starts.
    await server(ordered, ({ status }) => status?.state === 'starting' && status.mainPod?.uid !== former);
    await makeHealthy(ordered, former);
    await server(
      ordered,
      ({ status }) => status?.state === 'running' && status.mainPod !== undefined && status.mainPod.uid !== former,
    );
    await patch(ordered, { spec: { jupyterServer: { hibernated: true } } });
    await cluster.when<StatefulSet>(resource.statefulSets, ordered, (object) => object?.spec.replicas === 0);

    // After a child was deleted, the operator reads the session again.
    const { metadata } = (await client.get(resource.services, namespace, ordered, testDeadline())) ?? {};
    await client.delete(resource.services, namespace, ordered, {}, testDeadline());
    await cluster.when(resource.services, ordered, (object) => !!object && object.metadata.uid !== metadata?.uid);

    // A session that never runs is deleted, and a repeated event is counted.
    await create(jupyterServer(neverRuns, { culling: { startingSecondsThreshold: 1 } }));
    await server(neverRuns, ({ status }) => status?.state === 'starting');
    await cluster.when(jupyterServers, neverRuns, (object) => object === undefined);
    const counts = async () =>
      (
        await client.list<KubernetesObject & { count?: number; reason?: string }>(
          resource.events,
          namespace,
          {},
          testDeadline(),
        )
      )
        .filter(({ metadata: { name } }) => name?.startsWith(`${ordered}.`))
        .map(({ reason, count }) => `${reason} ${count}`);
    await eventually('the second event Running', counts, (found) => found.includes('Running 2'));

    const resign = new AbortController();
    const leadership = electLeader(
      {
        client: cluster.operatorClient,
        namespace,
        name: 'notebook-sessions-operator',
        identity: 'me',
        retryMs: 50,
        log,
      },
      resign.signal,
    );
    await leadership.elected;
    resign.abort();
    await leadership.ended;

    await stopOperators();
    await expectExactly('operator');
  });
});

/** One object of each kind of child, without an owner. */
function foreignChildren(name: string): [(typeof resource)[keyof typeof resource], KubernetesObject][] {
  const object = (apiVersion: string, kind: string, content: object = {}): KubernetesObject => ({
    apiVersion,
    kind,
    metadata: { name },
    ...content,
  });
  const labels = { app: 'foreign' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const storage = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } };
  return [
    [resource.services, object('v1', 'Service', { spec: { ports: [{ port: 80 }] } })],
    [resource.configMaps, object('v1', 'ConfigMap')],
    [resource.secrets, object('v1', 'Secret')],
    [resource.persistentVolumeClaims, object('v1', 'PersistentVolumeClaim', { spec: storage })],
    [
      resource.ingresses,
      object('networking.k8s.io/v1', 'Ingress', {
        spec: { defaultBackend: { service: { name: 'x', port: { number: 80 } } } },
      }),
    ],
    [
      resource.statefulSets,
      object('apps/v1', 'StatefulSet', { spec: { replicas: 0, selector: { matchLabels: labels }, template } }),
    ],
  ];
}

describe('service and operator', () => {
  const everything = Object.values(resource).filter((type) => type !== resource.namespaces);
  const fetchers: Record<
    string,
    (client: KubernetesConnection, type: (typeof everything)[number]) => Promise<unknown>
  > = {
    get: (client, type) => client.get(type, cluster.namespace, 'none', testDeadline()),
    list: (client, type) => client.list(type, cluster.namespace, {}, testDeadline()),
    create: (client, type) =>
      client.create<KubernetesObject>(type, cluster.namespace, { metadata: { generateName: 'x-' } }, testDeadline()),
    update: (client, type) =>
      client.replace<KubernetesObject>(type, cluster.namespace, { metadata: { name: 'none' } }, testDeadline()),
    patch: (client, type) => client.mergePatch(type, cluster.namespace, 'none', {}, testDeadline()),
    delete: (client, type) => client.delete(type, cluster.namespace, 'none', {}, testDeadline()),
    watch: async (client, type) => {
      const options = { resourceVersion: '0', timeoutSeconds: 1, limitMs: 20_000 };
      for await (const _ of client.watch(type, cluster.namespace, options, AbortSignal.timeout(20_000))) return;
    },
  };

  it.each(['service', 'operator'] as const)('have no other permissions: %s', async (account) => {
    const kubeconfig = account === 'service' ? cluster.serviceKubeconfig : cluster.operatorKubeconfig;
    const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
    const allowed = new Set(granted(readRoles(account)));
    let rejections = 0;
    for (const type of everything) {
      for (const [verb, attempt] of Object.entries(fetchers)) {
        const requested = permission(verb, type.group, type.plural);
        // The role allows leases by name.
        if (allowed.has(requested) && type !== resource.leases) continue;
        if (requested === 'create coordination.k8s.io/leases' && allowed.has(requested)) continue;
        const outcome = await attempt(client, type).then(
          () => 'done',
          (error: unknown) => (error instanceof KubernetesError ? error.status : String(error)),
        );
        expect([requested, outcome]).toEqual([requested, 403]);
        rejections += 1;
      }
    }
    expect(rejections).toBeGreaterThan(25);
    await client.close();
  });

  it('cannot read, patch or delete Secrets, not even those that the service created', async () => {
    const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(cluster.serviceKubeconfig), log });
    const { secrets } = resource;
    const own: KubernetesObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own' } };
    await client.create(secrets, cluster.namespace, own, testDeadline());
    const conflict = client.create(secrets, cluster.namespace, own, testDeadline());
    await expect(conflict).rejects.toMatchObject({ status: 409, reason: 'AlreadyExists' });
    for (const attempt of [
      () => client.get(secrets, cluster.namespace, 'own', testDeadline()),
      () => client.list(secrets, cluster.namespace, { fieldSelector: 'metadata.name=own' }, testDeadline()),
      () => client.mergePatch(secrets, cluster.namespace, 'own', {}, testDeadline()),
      () => client.jsonPatch(secrets, cluster.namespace, 'own', [], testDeadline()),
      () => client.delete(secrets, cluster.namespace, 'own', {}, testDeadline()),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
    }
    // A replacement deletes the former content and does not return it.
    const foreign = { ...own, metadata: { name: 'foreign' }, data: { key: 'c2VjcmV0' } };
    await cluster.client.create(secrets, cluster.namespace, foreign, testDeadline());
    const replaced = await client.replace(
      secrets,
      cluster.namespace,
      { ...own, metadata: { name: 'foreign' } },
      testDeadline(),
    );
    expect(replaced).not.toHaveProperty('data');
    await client.close();
  });

  it('have one lease, for the operator', async () => {
    const { operatorClient, namespace } = cluster;
    const other = operatorClient.get(resource.leases, namespace, 'another', testDeadline());
    await expect(other).rejects.toMatchObject({ status: 403 });
    expect(
      await operatorClient.get(resource.leases, namespace, 'notebook-sessions-operator', testDeadline()),
    ).toBeDefined();
  });

  it('need the permission on finalizers to create a child with blockOwnerDeletion', async () => {
    const roles = readRoles('service').map((role) => ({
      ...role,
      metadata: { name: 'without-finalizers' },
      rules: role.rules.filter(({ resources }) => !resources.includes('jupyterservers/finalizers')),
    }));
    const kubeconfig = await createAccount(transport, cluster.kubeconfig, cluster.namespace, 'without', roles);
    const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
    const { apiVersion = '', kind = '', metadata } = await create(jupyterServer('owner'));
    const owner = { apiVersion, kind, name: 'owner', uid: metadata.uid ?? '' };
    const secret = (name: string, blockOwnerDeletion: boolean): KubernetesObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, ownerReferences: [{ ...owner, blockOwnerDeletion }] },
    });
    const waiting = client.create(resource.secrets, cluster.namespace, secret('waited-for', true), testDeadline());
    await expect(waiting).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('blockOwnerDeletion'),
    });
    await client.create(resource.secrets, cluster.namespace, secret('not-waited-for', false), testDeadline());
    await client.close();
  });

  it('have no permissions in another namespace', async () => {
    for (const kubeconfig of [cluster.serviceKubeconfig, cluster.operatorKubeconfig]) {
      const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
      for (const namespace of ['default', '']) {
        const listed = client.list<JupyterServer>(jupyterServers, namespace, {}, testDeadline());
        await expect(listed).rejects.toMatchObject({ status: 403 });
      }
      await client.close();
    }
  });
});
