import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { childLabels } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { childKinds } from '../../../src/operator/children/manifest.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../../support/cluster-under-test.ts';
import type { ApiRequest, ApiServerProxy } from '../../support/kubernetes/api-server-proxy.ts';
import type { StatefulSet } from '../../support/operated-sessions.ts';
import {
  isWrite,
  type ProgramsOnCluster,
  programsOnCluster,
  type RunningOperator,
} from '../../support/programs-on-cluster.ts';

const childLabel = childLabels('amalthea.dev');

/** Processes of the operator on a real API server that are killed. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
});
afterEach(() => {
  for (const { child } of operators.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await programs?.close();
  await cluster?.close();
});

const operators: RunningOperator[] = [];
function start(proxy: ApiServerProxy, env: Record<string, string> = {}): RunningOperator {
  const operator = programs.startOperator(proxy, env);
  operators.push(operator);
  return operator;
}

const allServers = () => cluster.client.list<JupyterServer>(jupyterServers, cluster.namespace, {}, testDeadline());
const create = (name: string) =>
  cluster.client.create(
    jupyterServers,
    cluster.namespace,
    jupyterServer(name, { auth: { token: 't' }, storage: { pvc: { enabled: true } } }),
    testDeadline(),
  );
const isComplete = ({ status }: JupyterServer): boolean =>
  status?.create_fn !== undefined && status.state === 'starting' && status.mainPod?.name !== undefined;

/** Expects that each session has each child once, and that each child belongs to a session. */
async function expectChildren(): Promise<void> {
  const servers = await allServers();
  // The API server does not serve the other kinds.
  const kinds = childKinds.filter(({ kind }) => kind !== 'Dataset' && kind !== 'HTTPRoute');
  const children = await Promise.all(
    kinds.map(({ type }) =>
      cluster.client.list(type, cluster.namespace, { labelSelector: childLabel.parentUid }, testDeadline()),
    ),
  );
  const found = children.flat().map(({ metadata }) => ({
    parent: metadata.ownerReferences?.[0]?.uid,
    key: metadata.labels?.[childLabel.childKey] ?? '',
    uid: metadata.uid ?? '',
  }));
  expect(found.filter(({ parent }) => !servers.some(({ metadata }) => metadata.uid === parent))).toEqual([]);
  for (const { metadata, status } of servers) {
    const own = found.filter(({ parent }) => parent === metadata.uid);
    const keys = own.map(({ key }) => key).sort();
    expect(keys, metadata.name).toEqual([...new Set(keys)]);
    expect(keys.length).toBeGreaterThanOrEqual(6);
    const created = Object.fromEntries(own.map(({ key, uid }) => [key, uid]));
    expect(status?.create_fn?.createdResources, metadata.name).toEqual(created);
  }
}

/** Returns the name of the session that a request writes for: children have the session's name. */
function sessionOf({ path, body }: ApiRequest): string {
  const { metadata } = JSON.parse(body || '{}') as { metadata?: { name?: string } };
  const inPath = /\/(?:jupyterservers|statefulsets)\/([^/]+)/.exec(path)?.[1];
  return inPath ?? metadata?.name ?? '';
}

/** At which write for a session the operator is killed: before the API server gets the request, or before the response arrives. */
interface Kill {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/**
 * Kills the running operator at a write for each session of the plan, and starts it again, until `isDone`. Returns the names
 * of the sessions at whose write the operator was killed.
 */
async function walk(
  plan: ReadonlyMap<string, Kill>,
  isDone: (servers: JupyterServer[]) => Promise<boolean> | boolean,
): Promise<Set<string>> {
  const proxy = await programs.proxy();
  const writes = new Map<string, number>();
  const killed = new Set<string>();
  const targets = new Set<ApiRequest>();
  let operator: RunningOperator;
  const kill = () => operator.child.kill('SIGKILL');
  proxy.fault = (request) => {
    if (!isWrite(request)) return undefined;
    const name = sessionOf(request);
    const count = (writes.get(name) ?? 0) + 1;
    writes.set(name, count);
    const { at, when } = plan.get(name) ?? {};
    if (count !== at) return undefined;
    killed.add(name);
    if (when === 'before') {
      kill();
      return 'reset';
    }
    targets.add(request);
    return 'cut after commit';
  };
  proxy.onResponse = (request) => {
    if (targets.has(request)) kill();
  };
  for (;;) {
    operator = start(proxy);
    let hasExited = false;
    void operator.exit.then(() => {
      hasExited = true;
    });
    await expect.poll(async () => hasExited || (await isDone(await allServers())), { interval: 100 }).toBe(true);
    if (hasExited) continue;
    operator.child.kill('SIGTERM');
    await operator.exit;
    return killed;
  }
}

describe('an operator that is killed', () => {
  it('before or after any of its writes leaves what the next one completes', async () => {
    const plan = new Map<string, Kill>();
    for (let at = 1; at <= 8; at += 1)
      for (const when of ['before', 'after'] as const) plan.set(`${when}-${at}`, { at, when });
    await Promise.all([...plan.keys()].map(create));
    const killed = await walk(plan, (servers) => servers.every(isComplete));
    // Six children, and at least one status.
    for (let at = 1; at <= 7; at += 1)
      expect([...killed]).toEqual(expect.arrayContaining([`before-${at}`, `after-${at}`]));
    await expectChildren();
  });

  it('while it hibernates sessions leaves what the next one completes', async () => {
    const plan = new Map<string, Kill>();
    for (const at of [1, 2]) for (const when of ['before', 'after'] as const) plan.set(`${when}-${at}`, { at, when });
    const names = [...plan.keys()];
    const spec = { jupyterServer: { hibernated: true } };
    for (const name of names)
      await cluster.client.mergePatch(jupyterServers, cluster.namespace, name, { spec }, testDeadline());
    const killed = await walk(plan, async (servers) => {
      const sets = await cluster.client.list<StatefulSet>(resource.statefulSets, cluster.namespace, {}, testDeadline());
      return names.every(
        (name) =>
          servers.find(({ metadata }) => metadata.name === name)?.status?.state === 'hibernated' &&
          sets.find(({ metadata }) => metadata.name === name)?.spec.replicas === 0,
      );
    });
    expect(killed).toEqual(new Set(names));
    await expectChildren();
  });
});

describe('two operators', () => {
  it('change the leader within the duration of the lease and 5 s when the leader is killed, without a second child', async () => {
    const proxy = await programs.proxy();
    const env = { LEADER_ELECTION: 'true', POD_NAMESPACE: cluster.namespace };
    const both = [start(proxy, { ...env, POD_NAME: 'one' }), start(proxy, { ...env, POD_NAME: 'two' })];
    const isLeader = ({ log }: RunningOperator) => log().includes('this replica is the leader');
    const starts = ({ log }: RunningOperator) => log().includes('the operator has started');
    await expect.poll(() => both.filter(starts).length).toBe(1);
    const [leader] = both.filter(isLeader);
    const [other] = both.filter((each) => each !== leader);
    if (!leader || !other) throw new Error('there is no leader');

    const names = Array.from({ length: 10 }, (_, index) => `handed-over-${index}`);
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
        (await allServers()).filter(({ metadata }) => names.includes(metadata.name ?? '')).every(isComplete),
      )
      .toBe(true);
    await expectChildren();
  });
});
