import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import { readStopRequest, type StopRequest, writeStopRequest } from '../../../src/jupyter-server/stop-request.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { agentSecretId } from '../../../src/session-contract/agent-key.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../../support/cluster-under-test.ts';
import type { ApiRequest, ApiServerProxy } from '../../support/kubernetes/api-server-proxy.ts';
import { failing, healthy, type StatefulSet } from '../../support/operated-sessions.ts';
import {
  isWrite,
  type ProgramsOnCluster,
  programsOnCluster,
  type RunningOperator,
} from '../../support/programs-on-cluster.ts';
import { type FakeAgent, startFakeAgent } from '../../support/session-agent/fake-agent.ts';
import { type JupyterActivity, serveJupyterActivity } from '../../support/session-agent/jupyter-activity.ts';

/** Stops and hibernations that the operator carries out on a real API server, with agents that follow the contract. */

const secret = 'a secret of the platform, 32 characters or more';
const env = { NB_SESSIONS__AGENT_SECRETS: JSON.stringify([secret]) };

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;
let proxy: ApiServerProxy;
let operator: RunningOperator;
const agents: FakeAgent[] = [];
let jupyter: JupyterActivity | undefined;
let count = 0;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
  proxy = await programs.proxy();
  operator = programs.startOperator(proxy, env);
});
afterEach(async () => {
  proxy?.recover();
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await jupyter?.stop();
  jupyter = undefined;
});
afterAll(async () => {
  await programs?.close();
  await cluster?.close();
});

const { pods, statefulSets } = resource;
const read = (name: string) =>
  cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, name, testDeadline());
const patch = (name: string, body: object) =>
  cluster.client.mergePatch<JupyterServer>(jupyterServers, cluster.namespace, name, body, testDeadline());
const request = (changes: Partial<StopRequest> = {}) =>
  writeStopRequest({ id: `save-${count}`, at: new Date().toISOString(), by: 'john', action: 'delete', ...changes });
const ask = (name: string, changes: Partial<StopRequest> = {}) =>
  patch(name, { metadata: { annotations: { [annotation.stopRequest]: request(changes) } } });
const stopRequestOf = async (name: string) =>
  readStopRequest((await read(name))?.metadata.annotations?.[annotation.stopRequest]);
type Event = KubernetesObject & { reason?: string; involvedObject?: { name?: string } };
const readRequest = (object: JupyterServer) => readStopRequest(object.metadata.annotations?.[annotation.stopRequest]);
const isEnded = async (name: string) => {
  const server = await read(name);
  return server === undefined || server.metadata.deletionTimestamp !== undefined;
};
/** Long enough for an operator that starts again, on a machine with other work. */
const patience = { timeout: 60_000, interval: 100 };

/** Creates a session that runs, with an agent. */
async function running(hasClaim = true): Promise<{ name: string; agent: FakeAgent }> {
  count += 1;
  const name = `stop-${count}`;
  const annotations = { [annotation.agentSecret]: agentSecretId(secret) };
  const spec = { auth: { token: 't' }, storage: { pvc: { enabled: hasClaim } } };
  const server = jupyterServer(name, spec, { annotations });
  const { metadata } = await cluster.client.create(jupyterServers, cluster.namespace, server, testDeadline());
  const pod = await cluster.when(pods, `${name}-0`, (object) => object !== undefined);
  const podUid = pod.metadata.uid ?? '';
  const agent = await startFakeAgent({ secret, sessionUid: metadata.uid ?? '', podUid });
  agents.push(agent);
  await cluster.patchPodStatus(`${name}-0`, { ...healthy, podIP: agent.address, podIPs: [{ ip: agent.address }] });
  await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'running');
  return { name, agent };
}

describe('the operator', () => {
  it('saves the work of a session, shows the progress, and deletes the session only when the save is verified', async () => {
    const { name, agent } = await running();
    agent.outcome = 'waits';
    await ask(name);
    await expect.poll(() => agent.operations.length, patience).toBe(1);
    expect(agent.operations[0]).toMatchObject({ id: `save-${count}`, reason: 'stop', isFinal: true });
    agent.change(`save-${count}`, { progress: { step: 'pushing', done: 1, total: 2 } });
    const stopping = await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      (object) => object?.status?.save?.step === 'pushing',
    );
    expect([stopping.status?.state, stopping.metadata.deletionTimestamp]).toEqual(['stopping', undefined]);
    agent.finish(`save-${count}`, { result: {} });
    await expect.poll(() => isEnded(name), patience).toBe(true);
  });

  it.each([
    [true, 'hibernated'],
    [false, 'running'],
  ] as const)('keeps a session if its save fails: with a claim %s, it is %s', async (hasClaim, state) => {
    const { name, agent } = await running(hasClaim);
    agent.outcome = { error: { reason: 'push-rejected', message: 'The branch is protected.' } };
    await ask(name);
    await expect
      .poll(async () => (await stopRequestOf(name))?.failure, patience)
      .toMatchObject({
        reason: 'push-rejected',
        message: 'The branch is protected.',
      });
    const kept = await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === state);
    expect(kept.metadata.deletionTimestamp).toBeUndefined();
    const set = await cluster.client.get<StatefulSet>(statefulSets, cluster.namespace, name, testDeadline());
    expect(set?.spec.replicas).toBe(hasClaim ? 0 : 1);
  });

  it('deletes nothing if another pod answers, or the save is not verified', async () => {
    const one = await running();
    one.agent.fault = 'other pod';
    const other = await running();
    other.agent.outcome = { result: { isVerified: false, changedMeanwhile: ['notebook.ipynb'] } };
    await ask(one.name, { id: 'save-one' });
    await ask(other.name, { id: 'save-other' });
    await expect
      .poll(async () => (await stopRequestOf(other.name))?.failure?.message, patience)
      .toContain('notebook.ipynb');
    await expect.poll(() => one.agent.requests.length, patience).toBeGreaterThan(2);
    for (const { name } of [one, other]) expect((await read(name))?.metadata.deletionTimestamp).toBeUndefined();
    // The agent of the right pod answers again.
    one.agent.fault = undefined;
    await expect.poll(() => isEnded(one.name), patience).toBe(true);
  });

  it('hibernates a session after its work is saved, and records the repository', async () => {
    const { name } = await running();
    await ask(name, { action: 'hibernate' });
    const { metadata } = await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      (object) => object?.status?.state === 'hibernated',
    );
    expect(metadata.annotations).toMatchObject({
      [annotation.hibernationBranch]: 'main',
      [annotation.hibernationDirty]: 'false',
      [annotation.savedWork]: expect.stringContaining('"isVerified":true'),
    });
    expect(metadata.annotations?.[annotation.stopRequest]).toBeUndefined();
    await patch(name, { spec: { jupyterServer: { hibernated: false } } });
    await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      (object) =>
        object?.status?.state === 'starting' && object.metadata.annotations?.[annotation.savedWork] === undefined,
    );
  });

  it.each([
    ['delete', true, 'hibernated'],
    ['hibernate', true, 'failed'],
    ['hibernate', false, 'failed'],
  ] as const)(
    'does not wait for the agent of a pod that has failed: %s, with a claim %s',
    async (action, hasClaim, state) => {
      const { name } = await running(hasClaim);
      await cluster.patchPodStatus(`${name}-0`, { ...failing(), podIP: null, podIPs: null });
      await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'failed');
      const at = new Date().toISOString();
      await ask(name, { action, at });
      await cluster.when<JupyterServer>(
        jupyterServers,
        name,
        (object) =>
          object?.status?.state === state && (readRequest(object)?.failure?.message ?? '').includes('has failed'),
      );
      // The operator waits two minutes for the agent of a pod that is starting.
      expect(Date.parse((await stopRequestOf(name))?.failure?.at ?? '') - Date.parse(at)).toBeLessThan(100_000);
    },
  );

  it('deletes a session without a claim whose pod has failed at the first stop: its files were in the pod', async () => {
    const { name } = await running(false);
    await cluster.patchPodStatus(`${name}-0`, { ...failing(), podIP: null, podIPs: null });
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'failed');
    await ask(name);
    await expect.poll(() => isEnded(name), patience).toBe(true);
  });

  it('saves again if the session could not be deleted shortly after its save', async () => {
    const { name, agent } = await running();
    const isDelete = ({ method, path }: ApiRequest) => method === 'DELETE' && path.includes(`/jupyterservers/${name}`);
    let rejected = 0;
    proxy.fault = (sent) => {
      if (!isDelete(sent)) return undefined;
      rejected += 1;
      return 'reset';
    };
    await ask(name);
    await expect.poll(() => agent.operations.length, { ...patience, timeout: 85_000 }).toBe(2);
    expect(rejected).toBeGreaterThan(1);
    expect(agent.operations.map(({ id }) => id)).toEqual([`save-${count}-2`, `save-${count}`]);
    proxy.recover();
    await expect.poll(() => isEnded(name), { ...patience, timeout: 85_000 }).toBe(true);
  });

  it('cancels the save of a hibernation that its owner has cancelled', async () => {
    const { name, agent } = await running();
    agent.outcome = 'waits';
    await ask(name, { action: 'hibernate' });
    await expect.poll(() => agent.operations.length, patience).toBe(1);
    await patch(name, { metadata: { annotations: { [annotation.stopRequest]: null } } });
    await expect.poll(() => agent.operations[0]?.state, patience).toBe('cancelled');
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'running');
  });
});

it('a change of the resource class changes the priority class of an existing session, and adds no volume', async () => {
  const { name } = await running();
  const pod = '/statefulset/spec/template/spec';
  const size = (bytes: number) => ({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: String(bytes) } });
  const json = 'application/json-patch+json' as const;
  const memory = (bytes: number) => ({
    type: json,
    patch: [{ op: 'add' as const, path: `${pod}/volumes/-`, value: size(bytes) }],
  });
  type Set = StatefulSet & {
    spec: { template: { spec: { priorityClassName?: string; volumes: { name: string; emptyDir?: object }[] } } };
  };
  const podOf = async () =>
    (await cluster.client.get<Set>(statefulSets, cluster.namespace, name, testDeadline()))?.spec.template.spec;
  const before = await podOf();
  const priority = { type: json, patch: [{ op: 'add' as const, path: `${pod}/priorityClassName`, value: 'large' }] };
  const resources = { requests: { cpu: '2' } };
  const change = (id: string, patches: object[]) =>
    patch(name, {
      metadata: { annotations: { [annotation.size]: id } },
      spec: { jupyterServer: { resources }, patches },
    });
  await change('one', [priority, memory(1_000)]);
  await expect.poll(async () => (await podOf())?.priorityClassName, patience).toBe('large');
  expect((await podOf())?.volumes.map(({ name: volume }) => volume)).toEqual(
    before?.volumes.map(({ name: volume }) => volume),
  );
  // Another class with the same resources and without a quota.
  await change('two', [memory(1_000)]);
  await expect.poll(async () => (await podOf())?.priorityClassName ?? '', patience).toBe('');
});

describe('the culling of sessions', () => {
  it('hibernates a session without a claim after two saves, the first with its kernels, and deletes it later', async () => {
    const { name, agent } = await running(false);
    agent.outcome = 'waits';
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1 } } });
    for (const isFinal of [false, true]) {
      const count = isFinal ? 2 : 1;
      await expect.poll(() => agent.operations.length, patience).toBe(count);
      expect(agent.operations[0]).toMatchObject({ reason: 'cull', isFinal });
      const server = await read(name);
      expect(server?.spec?.jupyterServer?.hibernated).not.toBe(true);
      expect(await stopRequestOf(name)).toEqual(isFinal ? expect.objectContaining({ by: 'operator' }) : undefined);
      agent.finish(agent.operations[0]?.id ?? '', { result: {} });
    }
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'hibernated');
    await patch(name, { spec: { culling: { hibernatedSecondsThreshold: 1 } } });
    await expect.poll(() => isEnded(name), patience).toBe(true);
  });

  it('keeps a hibernated session whose work is not saved, and says so', async () => {
    const { name, agent } = await running();
    agent.outcome = { error: { reason: 'credentials', message: 'The tokens have expired.' } };
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1 } } });
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'hibernated');
    await patch(name, { spec: { culling: { hibernatedSecondsThreshold: 1 } } });
    const { metadata } = await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      (object) => object?.status?.conditions?.some(({ type }) => type === 'UnsavedWork') === true,
    );
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect((await stopRequestOf(name))?.failure).toMatchObject({ reason: 'credentials' });
    const events = async () =>
      (await cluster.client.list<Event>(resource.events, cluster.namespace, {}, testDeadline()))
        .filter(({ involvedObject }) => involvedObject?.name === name)
        .map(({ reason }) => reason);
    await expect.poll(events, patience).toContain('UnsavedWork');
    const port = /"metrics":\{"address":"[^"]*","family":"[^"]*","port":(\d+)/.exec(operator.log())?.[1];
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^notebook_sessions_operator_sessions_unsaved [1-9]/m);
  });

  it('does not hibernate a session without a claim if its work cannot be saved', async () => {
    const { name, agent } = await running(false);
    agent.outcome = { error: { reason: 'unreachable', message: 'GitLab does not respond.' } };
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1 } } });
    await expect
      .poll(async () => (await stopRequestOf(name))?.failure, patience)
      .toMatchObject({ reason: 'unreachable' });
    const kept = await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      ({ status, metadata } = { metadata: {} }) =>
        status?.state === 'running' && metadata.annotations?.[annotation.culling]?.includes('"none"') === true,
    );
    expect(kept.spec?.jupyterServer?.hibernated).not.toBe(true);
    // The kernels run on.
    expect(agent.operations).toMatchObject([{ isFinal: false }]);
  });

  it('does not end a session that becomes active again during the first save', async () => {
    const { name, agent } = await running();
    jupyter = await serveJupyterActivity(agent.address);
    agent.outcome = 'waits';
    await patch(name, { spec: { culling: { idleSecondsThreshold: 2 } } });
    await expect.poll(() => agent.operations.length, patience).toBe(1);
    expect(agent.operations[0]).toMatchObject({ reason: 'cull', isFinal: false });
    jupyter.isBusy = true;
    await expect.poll(() => agent.operations[0]?.state, patience).toBe('cancelled');
    expect((await read(name))?.status?.state).toBe('running');
    // The next time, the user does not return.
    agent.outcome = { result: {} };
    jupyter.isBusy = false;
    await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'hibernated');
    expect(agent.operations.map(({ isFinal }) => isFinal)).toEqual([true, false, false]);
  });

  it('does not hibernate a session without a claim with a large file that git ignores, and names the file', async () => {
    const { name, agent } = await running(false);
    agent.outcome = { result: { notSaved: [{ path: 'data/', bytes: 2_000_000, reason: 'ignored' }] } };
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1 } } });
    await expect
      .poll(async () => (await stopRequestOf(name))?.failure?.message, patience)
      .toBe('These files and folders cannot be saved: data/ (ignored by git, 2.0 MB).');
    expect((await read(name))?.spec?.jupyterServer?.hibernated).not.toBe(true);
  });

  it('does not delete a hibernated session with such a file', async () => {
    const { name, agent } = await running();
    agent.outcome = { result: { notSaved: [{ path: 'data/', bytes: 2_000_000, reason: 'ignored' }] } };
    await patch(name, { spec: { culling: { maxAgeSecondsThreshold: 1, hibernatedSecondsThreshold: 1 } } });
    const { metadata, status } = await cluster.when<JupyterServer>(
      jupyterServers,
      name,
      (object) => object?.status?.conditions?.some(({ type }) => type === 'UnsavedWork') === true,
    );
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect(status?.conditions?.find(({ type }) => type === 'UnsavedWork')?.message).toBe(
      'The session is not deleted, because its work is not saved in the repository: These files and folders cannot be saved: data/ (ignored by git, 2.0 MB).',
    );
  });
});

describe('an operator that is killed', () => {
  /** Kills the operator, and starts it again. */
  async function killed(): Promise<void> {
    operator.child.kill('SIGKILL');
    await operator.exit;
    operator = programs.startOperator(proxy, env);
  }

  it.each(['before the save', 'during the save', 'after the save'] as const)(
    '%s leaves what the next one completes, with one save',
    async (when) => {
      const { name, agent } = await running();
      agent.outcome = 'waits';
      if (when === 'before the save') {
        operator.child.kill('SIGKILL');
        await operator.exit;
        await ask(name);
        operator = programs.startOperator(proxy, env);
        await expect.poll(() => agent.operations.length, patience).toBe(1);
      } else {
        await ask(name);
        await expect.poll(() => agent.operations.length, patience).toBe(1);
        if (when === 'during the save') await killed();
      }
      expect((await read(name))?.metadata.deletionTimestamp).toBeUndefined();
      if (when === 'after the save') {
        operator.child.kill('SIGKILL');
        await operator.exit;
      }
      agent.finish(`save-${count}`, { result: {} });
      if (when === 'after the save') operator = programs.startOperator(proxy, env);
      await expect.poll(() => isEnded(name), patience).toBe(true);
      expect(agent.operations).toHaveLength(1);
    },
  );

  it.each([
    ['delete', 'reset'],
    ['delete', 'cut after commit'],
    ['hibernate', 'reset'],
    ['hibernate', 'cut after commit'],
  ] as const)('at each write of a stop to %s (%s) leaves what the next one completes', async (action, fault) => {
    for (let at = 1; at <= 3; at += 1) {
      const { name, agent } = await running();
      let writes = 0;
      let target: ApiRequest | undefined;
      proxy.fault = (sent) => {
        if (!isWrite(sent) || !sent.path.endsWith(`/jupyterservers/${name}`)) return undefined;
        writes += 1;
        if (writes !== at) return undefined;
        if (fault === 'reset') operator.child.kill('SIGKILL');
        else target = sent;
        return fault;
      };
      proxy.onResponse = (sent) => {
        if (sent === target) operator.child.kill('SIGKILL');
      };
      await ask(name, { action });
      const isDone = async () =>
        action === 'delete' ? isEnded(name) : (await read(name))?.spec?.jupyterServer?.hibernated === true;
      await expect
        .poll(async () => {
          if (operator.child.signalCode !== null) operator = programs.startOperator(proxy, env);
          return await isDone();
        }, patience)
        .toBe(true);
      // The kill at the last write.
      if (operator.child.killed) {
        await operator.exit;
        operator = programs.startOperator(proxy, env);
      }
      // The session has not ended without a save, and the agent has saved once.
      expect(agent.operations, `write ${at}`).toMatchObject([{ id: `save-${count}`, state: 'succeeded' }]);
      proxy.recover();
    }
  });
});
