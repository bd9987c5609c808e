import { randomInt } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { annotation } from '../../../src/jupyter-server/labels.ts';
import { readQuantity } from '../../../src/jupyter-server/quantities.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import { isPending, readStopRequest } from '../../../src/jupyter-server/stop-request.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { asObject } from '../../../src/lib/json.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { agentFolder, agentPort, agentVariable } from '../../../src/session-contract/agent.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { ada, runGit, type ServedForge, serveForge } from '../../support/local/forge/served-forge.ts';
import type { StatefulSet } from '../../support/operated-sessions.ts';
import { type ProgramsOnCluster, programsOnCluster, type RunningService } from '../../support/programs-on-cluster.ts';
import { agentGit, cloneAndRestore, stateOf } from '../../support/saves/work-tree.ts';
import {
  type AgentProcess,
  agentSecret,
  makeSessionTree,
  type SessionTree,
  startAgentProcess,
} from '../../support/session-agent/agent-process.ts';
import { readyStatus } from '../../support/session-agent/ready-pod.ts';

/** The service, the operator and the agent's program on a real API server, with a git server. No kubelet runs the pods. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;
let served: ServedForge;
let token: string;
let services: RunningService[];
const agents: AgentProcess[] = [];
let count = 0;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
  const proxy = await programs.proxy();
  const env = {
    NB_SESSIONS__AGENT_SECRETS: JSON.stringify([agentSecret]),
    NB_SESSIONS__CONTAINERS__REGISTERED_: JSON.stringify(['jupyter-server', 'oauth2-proxy', 'git-sidecar']),
    NB_SESSIONS__GIT_RPC_SERVER__PROGRAM: 'notebook-sessions',
  };
  programs.startOperator(proxy, env);
  services = await Promise.all([programs.startService(proxy, env), programs.startService(proxy, env)]);
});
afterAll(async () => {
  for (const agent of agents) await agent.stop('SIGKILL');
  await programs?.close();
  await served?.close();
  await cluster?.close();
});

const { pods, statefulSets } = resource;
const patience = { timeout: 120_000, interval: 50 };

/** A session that the service has launched, with a project on the git server and the work tree of its volume. */
interface Launched {
  readonly name: string;
  readonly uid: string;
  readonly project: SessionTree;
}

const call = async (method: string, path: string, body?: object, replica = count % 2) => {
  const service = services[replica];
  if (!service) throw new Error('no service runs');
  const response = await service.call(method, path, body);
  return { status: response.status, body: response.text === '' ? {} : response.json(), text: response.text };
};
const stateOfSession = async (name: string) => (await call('GET', `/servers/${name}`)).body['status'];
const read = (name: string) =>
  cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, name, testDeadline());

async function launch(): Promise<Launched> {
  count += 1;
  const commit = count.toString(16).padStart(40, 'd');
  programs.gitlab.refs.set(commit, commit);
  const project = await makeSessionTree(served, token, `project-${count}`);
  const { status, body, text } = await call('POST', '/servers', {
    ...{ namespace: 'my-group', project: 'my-project', commit_sha: commit },
  });
  expect(status, text).toBe(201);
  const name = String(body['name']);
  return { name, uid: (await read(name))?.metadata.uid ?? '', project };
}

/** Acts as the kubelet: starts the agent of the pod that replaces `former`, and reports that the pod is ready. */
async function startPod({ name, uid, project }: Launched, former?: AgentProcess): Promise<AgentProcess> {
  const formerUid = former?.environment[agentVariable.podUid];
  await former?.stop();
  const pod = await cluster.when<KubernetesObject & { spec?: object }>(
    pods,
    `${name}-0`,
    (object) => object !== undefined && !object.metadata.deletionTimestamp && object.metadata.uid !== formerUid,
  );
  const address = `127.${randomInt(100, 250)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const variables = {
    [agentVariable.host]: address,
    [agentVariable.port]: String(agentPort),
    [agentVariable.podUid]: pod.metadata.uid ?? '',
  };
  const agent = await startAgentProcess(project, variables, uid);
  agents.push(agent);
  await cluster.patchPodStatus(`${name}-0`, { ...readyStatus(pod), podIP: address, podIPs: [{ ip: address }] });
  await cluster.when<JupyterServer>(jupyterServers, name, (object) => object?.status?.state === 'running');
  await expect.poll(() => stateOfSession(name), patience).toMatchObject({ state: 'running' });
  return agent;
}

/** Returns requests and limits as numbers: the API server writes 0.5 as 500m. */
const amounts = (resources: unknown) =>
  Object.entries(asObject(resources) ?? {}).map(([kind, values]) => [
    kind,
    Object.entries(asObject(values) ?? {}).map(([name, value]) => [name, readQuantity(value)]),
  ]);

/** Makes a change of each kind, and returns the state of the work tree. */
async function edit({ tree }: SessionTree) {
  writeFileSync(join(tree, 'a.txt'), `committed ${count}\n`);
  await runGit(tree, 'commit', '--quiet', '--all', '--message', 'not pushed');
  writeFileSync(join(tree, 'b.txt'), 'staged\n');
  await runGit(tree, 'add', 'b.txt');
  writeFileSync(join(tree, 'new file.txt'), 'untracked\n');
  return await stateOf(tree);
}

const autosaves = async ({ tree, url }: SessionTree) =>
  (await runGit(tree, 'ls-remote', '--heads', url.replace('://', `://oauth2:${token}@`), 'renku/autosave/*'))
    .split('\n')
    .flatMap((line) => {
      const [commit = '', branch = ''] = line.split('\trefs/heads/');
      return branch ? [{ commit, branch }] : [];
    });

describe('a session with an agent', () => {
  it('shows and saves its work, is hibernated and resumed with its files, and leaves an autosave when it is stopped', async () => {
    const launchedAt = performance.now();
    const session = await launch();
    const { name, project } = session;
    await cluster.when(pods, `${name}-0`, (object) => object !== undefined);
    const launchMs = performance.now() - launchedAt;
    let agent = await startPod(session);

    let before = await edit(project);
    const work = async () => (await call('GET', `/servers/${name}/work`)).body;
    expect(await work()).toMatchObject({
      savesOnStop: true,
      work: { isClean: false, files: { count: 2 }, branches: [{ name: 'main', commits: 1 }] },
    });
    const saved = await call('POST', `/servers/${name}/save`);
    expect(saved.status, saved.text).toBe(202);
    const operation = () => call('GET', `/servers/${name}/operations/${String(saved.body['id'])}`);
    await expect.poll(async () => (await operation()).body, patience).toMatchObject({ state: 'succeeded' });
    expect(await work()).toMatchObject({ work: { isClean: true, savedAs: { isCurrent: true, location: 'remote' } } });

    before = await edit(project);
    const hibernated = await call('PATCH', `/servers/${name}`, { state: 'hibernated' });
    const respondedAt = Date.now();
    expect([hibernated.status, hibernated.body['status']], hibernated.text).toMatchObject([
      200,
      { state: 'hibernated' },
    ]);
    expect(hibernated.body['annotations']).toMatchObject({
      [annotation.hibernationBranch]: 'main',
      [annotation.hibernationDirty]: 'true',
      [annotation.hibernationSynchronized]: 'false',
    });
    expect(readStopRequest((await read(name))?.metadata.annotations?.[annotation.stopRequest])).toBeUndefined();
    const final = (
      await agent.api<{ operations: { isFinal: boolean; finishedAt: string }[] }>('read', 'GET', '/v1/operations')
    ).body.operations[0];
    expect(final).toMatchObject({ isFinal: true, state: 'succeeded' });
    const afterSaveMs = respondedAt - Date.parse(final?.finishedAt ?? '');
    expect(await stateOf(project.tree)).toEqual(before);

    const resumedAt = performance.now();
    const resumed = await call('PATCH', `/servers/${name}`, { state: 'running' });
    expect([resumed.status, resumed.body['status'], resumed.body['url']], resumed.text).toMatchObject([
      200,
      { state: 'starting' },
      hibernated.body['url'],
    ]);
    const formerUid = agent.environment[agentVariable.podUid];
    await cluster.when(pods, `${name}-0`, (object) => object !== undefined && object.metadata.uid !== formerUid);
    const resumeMs = performance.now() - resumedAt;
    agent = await startPod(session, agent);
    expect(await stateOf(project.tree)).toEqual(before);
    // The agent of the new pod remembers the operations of the earlier one.
    expect((await operation()).body).toMatchObject({ state: 'succeeded', result: { isVerified: true } });

    expect((await call('DELETE', `/servers/${name}`)).status).toBe(204);
    const hasEnded = async () => {
      const server = await read(name);
      return !server || server.metadata.deletionTimestamp !== undefined;
    };
    await expect.poll(hasEnded, patience).toBe(true);
    const [save] = await autosaves(project);
    if (!save) throw new Error('there is no autosave');
    const copy = join(project.volume, 'restored');
    const privateFolder = agent.environment[agentVariable.privateFolder] ?? '';
    const git = agentGit({ GIT_CONFIG_NOSYSTEM: '0', GIT_CONFIG_SYSTEM: join(privateFolder, 'gitconfig') });
    await agent.stop();
    await cloneAndRestore(git, project.url, copy, save);
    expect(await stateOf(copy)).toEqual(before);

    process.stdout.write(
      `PATCH to hibernated: ${afterSaveMs} ms after the save; pod of a launch: ${launchMs.toFixed(0)} ms, of a resume: ${resumeMs.toFixed(0)} ms\n`,
    );
    // The targets are 2 s, and 1.2 times a launch. Other programs use the machine, too.
    expect(afterSaveMs).toBeLessThan(20_000);
    expect(resumeMs).toBeLessThan(10 * launchMs + 10_000);
  });

  it('is hibernated instead of deleted if its work cannot be pushed, and pushes it when it is resumed', async () => {
    const session = await launch();
    const { name, project } = session;
    const agent = await startPod(session);
    const before = await edit(project);
    served.intercept = (req, res) => {
      if (!req.url?.includes('project-')) return false;
      res.writeHead(503).end();
      return true;
    };
    expect((await call('DELETE', `/servers/${name}`)).status).toBe(204);
    await expect
      .poll(() => stateOfSession(name), patience)
      .toMatchObject({
        state: 'hibernated',
        message: expect.stringContaining('The work could not be saved in the repository'),
      });
    const bundles = () => readdirSync(join(project.volume, agentFolder)).filter((file) => file.endsWith('.bundle'));
    // The pod ends before the git server responds again.
    await agent.stop();
    expect(bundles()).toHaveLength(1);
    served.intercept = () => false;
    expect((await call('PATCH', `/servers/${name}`, { state: 'running' })).status).toBe(200);
    const next = await startPod(session, agent);
    await expect.poll(next.output, patience).toContain('is now in the branch');
    expect(bundles()).toEqual([]);
    expect(await autosaves(project)).toHaveLength(1);
    expect(await stateOf(project.tree)).toEqual(before);
    expect(await call('GET', `/servers/${name}/work`)).toMatchObject({ body: { work: { isClean: true } } });
    expect((await call('DELETE', `/servers/${name}?forced=true`)).status).toBe(204);
  });

  it('ends in one state after 20 requests at the same time to hibernate, resume and resize it', async () => {
    const session = await launch();
    const { name } = session;
    let agent = await startPod(session);
    // Without a pod, the agent of the former one still responds: as of a pod that is ending.
    const bodies = [{ state: 'hibernated' }, { state: 'running' }, { resource_class_id: 2 }, { resource_class_id: 3 }];
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call('PATCH', `/servers/${name}`, { ...bodies[index % bodies.length], force: true }, index % 2),
      ),
    );
    for (const { status, text } of responses) expect([200, 202, 409, 422], text).toContain(status);
    // What the last of them has requested is carried out.
    await expect
      .poll(
        async () => isPending(readStopRequest((await read(name))?.metadata.annotations?.[annotation.stopRequest])),
        {
          ...patience,
          timeout: 200_000,
        },
      )
      .toBe(false);
    const { spec } = (await read(name)) ?? {};
    const replicas = spec?.jupyterServer?.hibernated ? 0 : 1;
    const setOf = () => cluster.client.get<StatefulSet>(statefulSets, cluster.namespace, name, testDeadline());
    await expect.poll(async () => (await setOf())?.spec.replicas, patience).toBe(replicas);
    const resources = async () => amounts((await setOf())?.spec.template.spec.containers[0]?.resources);
    await expect.poll(resources, patience).toEqual(amounts(spec?.jupyterServer?.resources));
    if (replicas === 1) {
      const former = agent.environment[agentVariable.podUid];
      const { metadata } = await cluster.when(
        pods,
        `${name}-0`,
        (object) => object !== undefined && !object.metadata.deletionTimestamp,
      );
      if (metadata.uid !== former) agent = await startPod(session, agent);
    }
    const wanted = replicas === 1 ? 'running' : 'hibernated';
    for (const service of services) {
      const shown = async () => (await service.call('GET', `/servers/${name}`)).json()['status'];
      await expect.poll(shown, patience).toMatchObject({ state: wanted });
    }
    expect(agent.child.exitCode).toBeNull();
  });
});
