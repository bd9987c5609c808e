import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { hibernation } from '../../../src/jupyter-server/hibernation.ts';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { attemptOf } from '../../support/attempt.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../../support/cluster-under-test.ts';
import { killedOperators, planOf } from '../../support/killed-operators.ts';
import { type ProgramsOnCluster, programsOnCluster, type RunningOperator } from '../../support/programs-on-cluster.ts';

/** Processes of the operator on a real API server that are killed. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;
let operators: ReturnType<typeof killedOperators>;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
  operators = killedOperators(cluster, programs);
});
afterEach(() => operators?.killAll());
afterAll(async () => {
  await programs?.close();
  await cluster?.close();
});

const create = (name: string) =>
  cluster.client.create(
    jupyterServers,
    cluster.namespace,
    jupyterServer(name, { auth: { token: 't' }, storage: { pvc: { enabled: true } } }),
    testDeadline(),
  );
const patch = (name: string, body: object) =>
  cluster.client.mergePatch<JupyterServer>(jupyterServers, cluster.namespace, name, body, testDeadline());
async function hibernate(names: readonly string[]): Promise<void> {
  for (const name of names) await patch(name, hibernation(new Date()));
  await operators.walk(new Map(), operators.haveState(names, 'hibernated', 0));
}
async function resume(names: readonly string[]): Promise<void> {
  for (const name of names) await patch(name, { spec: { jupyterServer: { hibernated: false } } });
  await operators.walk(new Map(), operators.haveState(names, 'starting', 1));
}
const isComplete = ({ status }: JupyterServer): boolean =>
  status?.create_fn !== undefined && status.state === 'starting' && status.mainPod?.name !== undefined;

describe('an operator that is killed', () => {
  it('before or after any of its writes leaves what the next one completes', async (context) => {
    const prefix = attemptOf(context) === 0 ? '' : 'again-';
    const { plan, names } = planOf(8, prefix);
    await Promise.all(names.map(create));
    const killed = await operators.walk(plan, (servers) => servers.every(isComplete));
    // Six children, and at least one status.
    for (let at = 1; at <= 7; at += 1)
      expect([...killed]).toEqual(expect.arrayContaining([`${prefix}before-${at}`, `${prefix}after-${at}`]));
    await operators.expectChildren();
  });

  it('while it hibernates sessions leaves what the next one completes', async (context) => {
    const { plan, names } = planOf(2);
    const all = planOf(3).names;
    if (attemptOf(context) > 0) await resume(all);
    for (const name of all) await patch(name, hibernation(new Date()));
    const killed = await operators.walk(plan, operators.haveState(all, 'hibernated', 0));
    expect(killed).toEqual(new Set(names));
    await operators.expectChildren();
  });

  it('while it resumes sessions leaves what the next one completes', async (context) => {
    const { plan, names } = planOf(3);
    if (attemptOf(context) > 0) await hibernate(names);
    for (const name of names) await patch(name, { spec: { jupyterServer: { hibernated: false } } });
    const areResumed = operators.haveState(names, 'starting', 1);
    const isCleared = ({ metadata }: JupyterServer) => metadata.annotations?.[annotation.hibernationDate] === '';
    const killed = await operators.walk(
      plan,
      async (servers) =>
        servers.filter(({ metadata }) => names.includes(metadata.name ?? '')).every(isCleared) &&
        (await areResumed(servers)),
    );
    // The StatefulSet, the annotations and the status.
    expect(killed).toEqual(new Set(names));
    await operators.expectChildren();
  });

  it('while it resumes sessions with another resource class leaves what the next one completes', async (context) => {
    const { plan, names } = planOf(4);
    const cpu = 2 + attemptOf(context);
    const resources = { requests: { cpu, memory: '3Gi' } };
    await hibernate(names);
    const metadata = { annotations: { [annotation.size]: 'larger' } };
    for (const name of names)
      await patch(name, { metadata, spec: { jupyterServer: { hibernated: false, resources } } });
    const killed = await operators.walk(plan, operators.haveState(names, 'starting', 1));
    // The template and the number of replicas of the StatefulSet, the annotations and the status.
    expect(killed).toEqual(new Set(names));
    for (const { metadata: of, spec } of (await operators.statefulSets()).filter((set) =>
      names.includes(set.metadata.name ?? ''),
    ))
      expect(spec.template.spec.containers[0]?.resources, of.name).toMatchObject({
        requests: { cpu: String(cpu), memory: '3Gi' },
      });
    await operators.expectChildren();
  });
});

describe('two operators', () => {
  it('change the leader within the duration of the lease and 5 s when the leader is killed, without a second child', async (context) => {
    const proxy = await programs.proxy();
    const env = { LEADER_ELECTION: 'true', POD_NAMESPACE: cluster.namespace };
    const both = [
      operators.start(proxy, { ...env, POD_NAME: 'one' }),
      operators.start(proxy, { ...env, POD_NAME: 'two' }),
    ];
    const isLeader = ({ log }: RunningOperator) => log().includes('this replica is the leader');
    const starts = ({ log }: RunningOperator) => log().includes('the operator has started');
    await expect.poll(() => both.filter(starts).length).toBe(1);
    const [leader] = both.filter(isLeader);
    const [other] = both.filter((each) => each !== leader);
    if (!leader || !other) throw new Error('there is no leader');

    const names = Array.from({ length: 10 }, (_, index) => `handed-over-${attemptOf(context)}-${index}`);
    // The leader is killed in the middle of its work.
    proxy.onResponse = ({ method, path }, status) => {
      if (method === 'POST' && path.endsWith('/statefulsets') && status === 201) leader.child.kill('SIGKILL');
    };
    await Promise.all(names.map(create));
    await leader.exit;
    const began = performance.now();
    await expect.poll(() => isLeader(other), { interval: 20 }).toBe(true);
    const leaseSeconds = 15;
    expect(performance.now() - began).toBeLessThan((leaseSeconds + 5) * 1_000);
    await expect
      .poll(async () =>
        (await operators.servers()).filter(({ metadata }) => names.includes(metadata.name ?? '')).every(isComplete),
      )
      .toBe(true);
    await operators.expectChildren();
  });
});
