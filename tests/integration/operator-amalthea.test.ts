import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { handOverPatch } from '../../helm-chart/amalthea/handled.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { createMetrics } from '../../src/platform/metrics/prometheus.ts';
import { hasAmalthea, type RunningAmalthea, startAmalthea } from '../support/amalthea/amalthea.ts';
import { exampleOfAmalthea, startAmaltheaStandIn } from '../support/amalthea/stand-in.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../support/cluster-under-test.ts';
import { healthy, operatedSessions, type StatefulSet } from '../support/operated-sessions.ts';

/**
 * This operator beside Amalthea 0.24: a stand-in always, and the real one on a real API server if AMALTHEA_PYTHON and
 * AMALTHEA_SOURCE name a Python with its packages and its source.
 */

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create, patch, remove, server, inState } = operatedSessions(() => cluster);
let amalthea: RunningAmalthea | undefined;

beforeAll(async () => {
  cluster = await openClusterUnderTest();
});
afterEach(async () => {
  await stopOperators();
  await amalthea?.stop();
  amalthea = undefined;
});
afterAll(() => cluster.close());

const programs = {
  'a stand-in of Amalthea': () => startAmaltheaStandIn(cluster.client, cluster.namespace),
  Amalthea: () => startAmalthea(cluster.kubeconfig, cluster.namespace),
};

const handled = 'kopf.zalando.org/last-handled-configuration';
const finalizer = 'kopf.zalando.org/KopfFinalizerMarker';
const gone = { proofMs: 500, retryMs: 500 };

function example(name: string): JupyterServer {
  const { spec, labels } = exampleOfAmalthea(name);
  return { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', metadata: { name, labels }, spec };
}

const statefulSet = (name: string) =>
  cluster.client.get<StatefulSet>(resource.statefulSets, cluster.namespace, name, testDeadline());
const podOf = (name: string) => cluster.when(resource.pods, `${name}-0`, (object) => object !== undefined);

/** Resolves when Amalthea has created and handled the session. */
const created = (name: string) =>
  server(
    name,
    ({ metadata, status }) => metadata.annotations?.[handled] !== undefined && status?.create_fn !== undefined,
  );

const running = {
  ...healthy,
  initContainerStatuses: [
    {
      name: 'git-clone',
      image: 'i',
      imageID: 'i',
      ready: true,
      restartCount: 0,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    },
  ],
};

describe.each(Object.keys(programs) as (keyof typeof programs)[])('beside %s', (program) => {
  const prefix = program === 'Amalthea' ? 'real' : 'stand-in';
  const start = async () => {
    amalthea = await programs[program]();
  };

  it('the operator changes no session while Amalthea runs, and says so', async (context) => {
    if (program === 'Amalthea' && (!hasAmalthea || cluster.embedded)) return context.skip();
    await start();
    const [first, second] = [`${prefix}-first`, `${prefix}-second`];
    await create(example(first));
    await created(first);
    const metrics = createMetrics();
    const operator = await startOperator({ metrics });
    await expect.poll(() => operator.pauseReason).toContain('Amalthea runs in the namespace');
    expect(await metrics.text()).toContain('notebook_sessions_operator_amalthea_running 1');
    interface Event extends KubernetesObject {
      reason: string;
      involvedObject: { name: string };
    }
    const events = () => cluster.client.list<Event>(resource.events, cluster.namespace, {}, testDeadline());
    await expect
      .poll(async () => (await events()).map(({ reason, involvedObject }) => `${reason} ${involvedObject.name}`))
      .toContain(`AmaltheaRuns ${first}`);

    await create(example(second));
    const session = await created(second);
    expect(session.metadata.finalizers).toEqual([finalizer]);
    // The fields that only this operator writes.
    expect(session.status?.conditions).toBeUndefined();
    expect(operator.pauseReason).toBeDefined();
    expect(amalthea?.errors()).toEqual([]);
  });

  it('a session of Amalthea is adopted without a restart, hibernated by its age, resumed and deleted', async (context) => {
    if (program === 'Amalthea' && (!hasAmalthea || cluster.embedded)) return context.skip();
    await start();
    const name = `${prefix}-adopted`;
    await create(example(name));
    await created(name);
    await amalthea?.stop();
    const pod = await podOf(name);
    await cluster.patchPodStatus(`${name}-0`, running);
    const before = await statefulSet(name);

    await startOperator({ detectorTiming: gone });
    const adopted = await inState(name, 'running');
    expect(adopted.metadata.finalizers ?? []).not.toContain(finalizer);
    expect(adopted.status?.create_fn?.fullServerURL).toBe(`https://sessions.example.org/sessions/${name}`);
    const after = await statefulSet(name);
    expect(after?.metadata.generation).toBe(before?.metadata.generation);
    expect(after?.spec.template).toEqual(before?.spec.template);
    expect((await podOf(name)).metadata.uid).toBe(pod.metadata.uid);

    // The pod has been running since January.
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1 } } });
    const hibernated = await server(
      name,
      ({ status }) => status?.state === 'hibernated' && status.mainPod?.name === undefined,
    );
    expect(hibernated.spec?.jupyterServer?.hibernated).toBe(true);
    expect((await statefulSet(name))?.spec.replicas).toBe(0);
    const spec = { culling: { maxAgeSecondsThreshold: 0 }, jupyterServer: { hibernated: false } };
    await patch(name, { spec });
    await cluster.when(
      resource.pods,
      `${name}-0`,
      (object) => object !== undefined && object.metadata.uid !== pod.metadata.uid,
    );
    expect((await statefulSet(name))?.spec.template).toEqual(before?.spec.template);

    await remove(name, 'Foreground');
    await cluster.when(jupyterServers, name, (object) => object === undefined);
    await cluster.when(resource.statefulSets, name, (object) => object === undefined);
  });

  it('a session of this operator continues with Amalthea after it is handed over', async (context) => {
    if (program === 'Amalthea' && (!hasAmalthea || cluster.embedded)) return context.skip();
    const name = `${prefix}-handed-over`;
    const operator = await startOperator({ detectorTiming: gone });
    await create(example(name));
    const session = await server(name, ({ status }) => status?.create_fn !== undefined);
    const pod = await podOf(name);
    await operator.stop();
    const before = await statefulSet(name);

    await patch(name, handOverPatch(session) ?? {});
    await start();
    await server(name, ({ metadata }) => metadata.finalizers?.includes(finalizer) ?? false);
    await patch(name, { spec: { jupyterServer: { hibernated: true } } });
    await inState(name, 'hibernated');
    await cluster.when<StatefulSet>(resource.statefulSets, name, (object) => object?.spec.replicas === 0);
    await cluster.when(resource.pods, `${name}-0`, (object) => object === undefined);
    expect((await statefulSet(name))?.spec.template).toEqual(before?.spec.template);
    expect(pod.metadata.uid).toBeDefined();
    await remove(name);
    await cluster.when(jupyterServers, name, (object) => object === undefined);
    expect(amalthea?.errors()).toEqual([]);
  });
});
