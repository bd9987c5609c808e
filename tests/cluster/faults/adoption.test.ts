import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { exampleOfAmalthea, startAmaltheaStandIn } from '../../support/amalthea/stand-in.ts';
import { attemptOf } from '../../support/attempt.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { killedOperators, planOf } from '../../support/killed-operators.ts';
import { failing, healthy } from '../../support/operated-sessions.ts';
import { type ProgramsOnCluster, programsOnCluster } from '../../support/programs-on-cluster.ts';

/** Processes of the operator on a real API server that are killed while they take over the sessions of Amalthea. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;
let operators: ReturnType<typeof killedOperators>;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
  operators = killedOperators(cluster, programs, 'tests/support/operator/quick-detector.ts');
});
afterAll(async () => {
  operators?.killAll();
  await programs?.close();
  await cluster?.close();
});

let { plan, names } = planOf(2);
const podOf = (name: string) => cluster.when(resource.pods, `${name}-0`, (object) => object !== undefined);
const patch = (name: string, body: object) =>
  cluster.client.mergePatch<JupyterServer>(jupyterServers, cluster.namespace, name, body, testDeadline());

/** The uids of the objects of each session, and the templates of their StatefulSets. */
async function identities(): Promise<object[]> {
  const sets = await operators.statefulSets();
  const pods = await Promise.all(names.map(podOf));
  const identity = ({ metadata }: KubernetesObject) => [metadata.name, metadata.uid];
  return [sets.map((set) => [identity(set), set.spec.template]), pods.map(identity)];
}

const withClone = {
  ...healthy,
  initContainerStatuses: [
    {
      ...{ name: 'git-clone', image: 'i', imageID: 'i', ready: true, restartCount: 0 },
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    },
  ],
};

describe('an operator that is killed', () => {
  it('while it adopts sessions of Amalthea leaves what the next one completes, without a restart of a session', async (context) => {
    if (attemptOf(context) > 0) ({ plan, names } = planOf(2, 'again-'));
    const amalthea = await startAmaltheaStandIn(cluster.client, cluster.namespace);
    try {
      for (const name of names) {
        const { spec, labels } = exampleOfAmalthea(name);
        const server = { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', metadata: { name, labels }, spec };
        await cluster.client.create(jupyterServers, cluster.namespace, server, testDeadline());
      }
      for (const name of names) {
        await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.create_fn !== undefined);
        await podOf(name);
        await cluster.patchPodStatus(`${name}-0`, withClone);
      }
    } finally {
      await amalthea.stop();
    }
    expect(amalthea.errors()).toEqual([]);
    const before = await identities();
    const areRunning = operators.haveState(names, 'running', 1);
    const killed = await operators.walk(plan, async (servers) => {
      const isAdopted = ({ metadata, status }: JupyterServer) =>
        (metadata.finalizers ?? []).length === 0 && status?.conditions !== undefined;
      return servers.every(isAdopted) && (await areRunning(servers));
    });
    // The finalizer and the status.
    expect(killed).toEqual(new Set(names));
    await operators.expectChildren();
    expect(await identities()).toEqual(before);
  });

  it('while it resizes failed sessions of Amalthea, whose pods Kubernetes does not replace, leaves what the next one completes', async (context) => {
    const cpu = 2 + attemptOf(context);
    const pods = new Map<string, string | undefined>();
    for (const name of names) {
      pods.set(name, (await podOf(name)).metadata.uid);
      await cluster.patchPodStatus(`${name}-0`, failing());
    }
    await operators.walk(new Map(), operators.haveState(names, 'failed', 1));
    const resources = { requests: { cpu, memory: '3Gi' }, limits: { memory: '3Gi' } };
    const annotations = { [annotation.size]: 'larger' };
    for (const name of names) await patch(name, { metadata: { annotations }, spec: { jupyterServer: { resources } } });
    const hasNewPod = ({ metadata: { name = '' }, status }: JupyterServer) =>
      status?.state === 'starting' && status.mainPod?.uid !== undefined && status.mainPod.uid !== pods.get(name);
    const killed = await operators.walk(plan, (servers) => servers.every(hasNewPod));
    // The StatefulSet and the pod.
    expect(killed).toEqual(new Set(names));
    for (const { metadata, spec } of await operators.statefulSets())
      expect(spec.template.spec.containers[0]?.resources, metadata.name).toMatchObject({
        requests: { cpu: String(cpu), memory: '3Gi' },
      });
    await operators.expectChildren();
  });
});
