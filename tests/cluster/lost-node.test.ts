import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../support/cluster-under-test.ts';
import { healthy, operatedSessions } from '../support/operated-sessions.ts';

/** A pod on a node without a kubelet: the API server keeps the pod until its deletion is forced, as if the node were lost. */

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create, inState, makeHealthy } = operatedSessions(() => cluster);

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
});
afterAll(async () => {
  await stopOperators();
  await cluster?.close();
});

/** Creates a session that runs, and then lets its node stop to respond. */
async function sessionOnLostNode(name: string): Promise<void> {
  await create(jupyterServer(name));
  await cluster.when(resource.pods, `${name}-0`, (pod) => pod !== undefined);
  const binding = { type: { group: '', version: 'v1', plural: `pods/${name}-0/binding` } };
  const target = { apiVersion: 'v1', kind: 'Node', name: 'lost' };
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: `${name}-0` }, target };
  await cluster.client.create(binding.type, cluster.namespace, body, testDeadline());
  await makeHealthy(name);
  await inState(name, 'running');
  // As the node lifecycle controller reports a node that sends no reports.
  const conditions = healthy.conditions?.map((each) =>
    each.type === 'Ready' ? { ...each, status: 'False', lastTransitionTime: '2026-01-01T00:10:00Z' } : each,
  );
  await cluster.patchPodStatus(`${name}-0`, { conditions });
  await inState(name, 'starting');
}

it('a session on a node that does not respond ends if its deletion is forced, and not otherwise', async () => {
  await startOperator();
  await sessionOnLostNode('lost');
  const { client, namespace, when } = cluster;
  await client.delete(jupyterServers, namespace, 'lost', { propagationPolicy: 'Foreground' }, testDeadline());
  const stopping = await inState('lost', 'stopping');
  expect(stopping.status?.mainPod?.status?.conditions).toContainEqual(
    expect.objectContaining({ type: 'Ready', status: 'False' }),
  );
  await when(resource.pods, 'lost-0', (pod) => pod?.metadata.deletionTimestamp !== undefined);

  // As the service does for `forced=true`.
  await client.delete(resource.pods, namespace, 'lost-0', { gracePeriodSeconds: 1 }, testDeadline());
  await when(resource.pods, 'lost-0', (pod) => pod === undefined);
  await when(resource.statefulSets, 'lost', (set) => set === undefined);
  await when(jupyterServers, 'lost', (server) => server === undefined);
});
