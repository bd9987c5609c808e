import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { killPlatform, TestMachine, waiting } from '../../../tests/support/local/kubelet/machine.ts';
import {
  basePath,
  createRest,
  createSession,
  deleteSession,
  namespace,
  statefulSet,
} from '../../../tests/support/local/kubelet/templates.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { SessionEndpoint } from '../cluster.ts';

let machine: TestMachine;
beforeEach(async () => {
  machine = new TestMachine();
  await machine.kubelet.start();
});
afterEach(async () => await machine.close());

const workspace = (name: string) => join(machine.stateDir, 'volumes', namespace, name);
const endpoint = (name: string) => {
  const found = machine.kubelet.endpoint(namespace, `${name}-0`);
  if (!found) throw new Error('the session has no endpoint');
  return found;
};
interface ServerState {
  environment: Record<string, string>;
  cwd: string;
  argv: string[];
}
async function get(name: string): Promise<ServerState> {
  const { address, port, token } = endpoint(name);
  const response = await fetch(`http://${address}:${port}${basePath(name)}/x`, {
    headers: { Authorization: `token ${token}` },
  });
  return (await response.json()) as ServerState;
}
const fault = (value: string) => [{ name: 'FAULT', value }];

describe('a probe with a path that is not a text', () => {
  it('is rejected by the API server, and in an older database ends neither the kubelet nor the server', async () => {
    createSession(machine.cluster, { name: 'a' });
    const { spec } = await machine.ready('a');
    const changed = JSON.stringify(spec).replaceAll(/"path":"[^"]*\/api\/status"/g, '"path":5');
    const metadata = { name: 'b-0', namespace };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: JSON.parse(changed) };
    expect(() => machine.cluster.create(resource.pods, namespace, pod)).toThrow(/Probe\.httpGet\.path in body must be/);

    const uid = '0b8e3b7e-4d3f-4f3b-9c39-2f7f1a1f8a11';
    machine.cluster.objects.put(machine.cluster.kinds.pods, { ...pod, metadata: { ...metadata, uid } });
    const started = () => machine.events().filter((event) => event.endsWith('Started container jupyter-server'));
    await expect.poll(() => started().length, waiting).toBe(2);
    expect((await get('a')).cwd).toContain('/a/');
    expect(machine.marked(`${uid}/jupyter-server`)).not.toEqual([]);
  });
});

describe('a session', () => {
  it('is cloned and started and becomes ready, with paths of this machine, and only the owner can read its secrets', async () => {
    createSession(machine.cluster, { name: 'a', token: 'secret-token', graceSeconds: 1 });
    const pod = await machine.ready('a');
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: endpoint('a').address, startTime: expect.any(String) });
    expect(machine.container('a', 'git-clone')).toMatchObject({
      ready: true,
      state: { terminated: { exitCode: 0, reason: 'Completed' } },
    });
    expect(machine.container('a')).toMatchObject({
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: {} },
    });
    expect(machine.container('a', 'passthrough-proxy')).toMatchObject({ ready: true });
    expect(endpoint('a').token).toBe('secret-token');

    const { environment, cwd, argv } = await get('a');
    const project = join(workspace('a'), 'group/project');
    expect(cwd).toBe(project);
    expect(environment['NOTEBOOK_DIR']).toBe(project);
    expect(readFileSync(join(environment['JUPYTER_CONFIG_PATH'] ?? '', 'jupyter_server_config.py'), 'utf8')).toContain(
      'ServerApp',
    );
    expect(environment['NOTEBOOK_SESSIONS_POD']).toBe(`${machine.marker}/${pod.metadata.uid}/jupyter-server`);
    expect(argv.join(' ')).not.toContain('secret-token');
    const cookie = argv.find((argument) => argument.includes('cookie_secret_file'))?.split('=')[1] ?? '';
    expect(statSync(cookie).mode & 0o777).toBe(0o600);
    expect(statSync(join(machine.stateDir, 'pods')).mode & 0o777).toBe(0o700);
    expect(await machine.log('a', { container: 'git-clone' })).toBe(`cloned into ${project}\n`);
  });

  it('listens on the same container port as another session, at its own address', async () => {
    for (const name of ['a', 'b']) createSession(machine.cluster, { name });
    const pods = [await machine.ready('a'), await machine.ready('b')];
    const [a, b] = [endpoint('a'), endpoint('b')];
    expect([a.port, b.port]).toEqual([8888, 8888]);
    expect(a.address).not.toBe(b.address);
    expect(pods.map(({ status }) => status?.podIP)).toEqual([a.address, b.address]);
    for (const { address } of [a, b]) expect(address).toMatch(/^127\.[1-9]\d*\.\d+\.\d+$/);
    expect((await get('a')).cwd).toContain('/sessions/a/');
    expect((await get('b')).cwd).toContain('/sessions/b/');
  });

  it('gets a random token if it belongs to a registered user', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    expect(endpoint('a').token).toMatch(/^[0-9a-f]{64}$/);
  });

  it('leaves no process and no folder when it is deleted', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('stray') });
    const { uid } = (await machine.ready('a')).metadata;
    expect(machine.marked('jupyter-server').length).toBeGreaterThanOrEqual(3);
    deleteSession(machine.cluster, 'a');
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
    expect(machine.marked()).toEqual([]);
    expect(machine.kubelet.endpoint(namespace, 'a-0')).toBeUndefined();
    await vi.waitFor(() => expect(existsSync(join(machine.stateDir, 'pods', uid ?? ''))).toBe(false), waiting);
    await vi.waitFor(() => expect(existsSync(workspace('a'))).toBe(false), waiting);
  });

  it('ends immediately when its deletion is forced, also if it ignores SIGTERM and is already being deleted', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('deaf'), graceSeconds: 600 });
    await machine.ready('a');
    deleteSession(machine.cluster, 'a');
    await vi.waitFor(() => expect(machine.pod('a')?.metadata.deletionTimestamp).toBeDefined(), waiting);
    const before = performance.now();
    machine.cluster.delete(resource.pods, namespace, 'a-0', { gracePeriodSeconds: 0 });
    await vi.waitFor(() => expect(machine.marked()).toEqual([]), waiting);
    expect(performance.now() - before).toBeLessThan(60_000);
  });

  it('keeps its files through hibernation; a new session of the same name does not get them', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    writeFileSync(join(workspace('a'), 'mine'), '');
    machine.cluster.mergePatch(resource.statefulSets, namespace, 'a', { spec: { replicas: 0 } });
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
    machine.cluster.mergePatch(resource.statefulSets, namespace, 'a', { spec: { replicas: 1 } });
    await machine.ready('a');
    expect(existsSync(join(workspace('a'), 'mine'))).toBe(true);
    deleteSession(machine.cluster, 'a');
    await vi.waitFor(
      () => expect(machine.cluster.get(resource.persistentVolumeClaims, namespace, 'a')).toBeUndefined(),
      waiting,
    );
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    expect(existsSync(join(workspace('a'), 'mine'))).toBe(false);
  });
});

describe('an error', () => {
  it('because of a missing Secret is in the status, and ends when the Secret is created', async () => {
    const session = {
      name: 'a',
      variables: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'later', key: 'env.X' } } }],
    };
    createSession(machine.cluster, session);
    await vi.waitFor(
      () =>
        expect(machine.container('a')?.state?.waiting).toEqual({
          reason: 'CreateContainerConfigError',
          message: 'secret "later" not found',
        }),
      waiting,
    );
    const data = { 'env.X': Buffer.from('here').toString('base64') };
    machine.cluster.create(resource.secrets, namespace, { metadata: { name: 'later', namespace }, ...{ data } });
    await machine.ready('a');
    expect((await get('a')).environment['X']).toBe('here');
  });

  it('because of missing volumes ends when their Secret is created', async () => {
    machine.cluster.create(resource.statefulSets, namespace, statefulSet({ name: 'a' }));
    await vi.waitFor(
      () =>
        expect(machine.container('a', 'init-certificates')?.state?.waiting?.message).toContain('secret "a" not found'),
      waiting,
    );
    createRest(machine.cluster, { name: 'a' });
    await machine.ready('a');
  });

  it('because of a missing image lists the images of the machine', async () => {
    createSession(machine.cluster, { name: 'a', image: 'registry/other:1' });
    const sentence = 'there is no image "registry/other:1" on this machine; the machine has: registry/server:1';
    await vi.waitFor(
      () =>
        expect(machine.container('a', 'download-image')?.state?.waiting).toMatchObject({ reason: 'ImagePullBackOff' }),
      waiting,
    );
    expect(machine.container('a', 'download-image')?.state?.waiting?.message).toContain(sentence);
    expect(machine.pod('a')?.status?.phase).toBe('Pending');
    expect(machine.events()).toContain(`Failed: ${sentence}`);
  });

  it('of a server that ends at its start is in the status, with the end of the log', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('crash') });
    await vi.waitFor(() => expect(machine.container('a')?.restartCount).toBeGreaterThanOrEqual(2), waiting);
    await vi.waitFor(() => expect(machine.container('a')?.state?.waiting?.reason).toBe('CrashLoopBackOff'), waiting);
    expect(machine.container('a')?.lastState?.terminated).toMatchObject({
      exitCode: 1,
      reason: 'Error',
      message: 'the configuration is broken: default_url',
    });
    expect(machine.pod('a')?.status?.phase).toBe('Running');
    expect(machine.events().join('\n')).toContain('BackOff: Back-off restarting failed container jupyter-server');
  });

  it('of git-clone is in the status, with the exit code', async () => {
    createSession(machine.cluster, { name: 'a', cloneVariables: [{ name: 'CLONE_EXIT', value: '204' }] });
    await vi.waitFor(
      () =>
        expect(machine.container('a', 'git-clone')?.lastState?.terminated).toMatchObject({
          exitCode: 204,
          reason: 'Error',
        }),
      waiting,
    );
    expect(machine.container('a')?.state?.waiting?.reason).toBe('PodInitializing');
  });

  it('that does not occur after a restart leaves the log of the first run', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('crash-once') });
    await machine.ready('a');
    expect(machine.container('a')?.restartCount).toBe(1);
    expect(await machine.log('a', { previous: true })).toBe('first life\n');
    expect(await machine.log('a')).toBe('listening\n');
  });

  it('of a server that responds without its token ends the server', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('open') });
    await vi.waitFor(
      () => expect(machine.container('a')?.lastState?.terminated?.message).toContain('without its token'),
      waiting,
    );
    expect(machine.container('a')?.ready).toBe(false);
    expect(machine.kubelet.endpoint(namespace, 'a-0')).toBeUndefined();
  });

  it('of a server that hangs makes the server unready, then restarts it', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('hangs'), livenessSeconds: 4 });
    await machine.ready('a');
    // The next probe fails.
    writeFileSync(join(workspace('a'), 'group/project/hang'), '');
    await vi.waitFor(
      () => expect(machine.container('a')).toMatchObject({ ready: false, state: { running: {} } }),
      waiting,
    );
    await vi.waitFor(() => expect(machine.container('a')?.restartCount).toBe(1), waiting);
    expect(machine.events().join('\n')).toContain('Unhealthy: Liveness probe failed: no response within 1000 ms');
  });

  it('of a server that never responds restarts the server after the startup limit', async () => {
    createSession(machine.cluster, { name: 'a', variables: fault('mute'), startupSeconds: 2 });
    await vi.waitFor(
      () => expect(machine.container('a')?.lastState?.terminated?.message).toContain('Startup probe failed'),
      waiting,
    );
  });

  it('because of a container that sessions do not have is in the status', async () => {
    const set = statefulSet({ name: 'a' });
    set.spec?.template?.spec?.containers?.push({ name: 'database', image: 'postgres' });
    machine.cluster.create(resource.statefulSets, namespace, set);
    createRest(machine.cluster, { name: 'a' });
    await vi.waitFor(
      () => expect(machine.container('a', 'database')?.state?.waiting?.reason).toBe('CreateContainerError'),
      waiting,
    );
    expect(machine.container('a', 'database')?.state?.waiting?.message).toContain(
      'runs the containers of a session only',
    );
  });

  it('because of a path that leaves the state folder is in the status, and nothing is written', async () => {
    const set = statefulSet({ name: 'a' });
    const clone = set.spec?.template?.spec?.initContainers?.[2];
    clone?.volumeMounts?.push({ name: 'workspace', mountPath: '/x', subPath: '../../../../escaped' });
    machine.cluster.create(resource.statefulSets, namespace, set);
    createRest(machine.cluster, { name: 'a' });
    await vi.waitFor(
      () =>
        expect(machine.container('a', 'git-clone')?.state?.waiting?.message).toContain('not a path inside a volume'),
      waiting,
    );
    expect(existsSync(join(machine.stateDir, '..', 'escaped'))).toBe(false);
  });
});

describe('the next platform', () => {
  it('starts a stopped session again, with the same files and at the same address', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    const before = endpoint('a');
    await machine.kubelet.stop({ graceMs: 5_000 });
    expect(machine.marked()).toEqual([]);
    expect(machine.container('a')).toMatchObject({ ready: false, state: { terminated: {} } });
    await machine.newKubelet().start();
    await machine.ready('a');
    expect(endpoint('a')).toMatchObject({ address: before.address, port: 8888 });
    expect(machine.container('a')?.restartCount).toBe(0);
    expect(readFileSync(join(workspace('a'), 'group/project/clones'), 'utf8')).toBe('xx');
    expect(await machine.log('a', { previous: true })).toBe('listening\n');
  });

  it('uses another port of the address if another program listens on the port', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    const { address, port } = endpoint('a');
    await machine.kubelet.stop({ graceMs: 5_000 });
    const thief = createServer().listen(port, address);
    try {
      await machine.newKubelet().start();
      await machine.ready('a');
      expect(endpoint('a').address).toBe(address);
      expect(endpoint('a').port).not.toBe(port);
      expect(machine.events().join('\n')).toContain(`PortUnavailable: Port 8888 of ${address} is used by another`);
    } finally {
      thief.close();
    }
  });

  it('adopts the processes of a killed platform, with their restart counts and addresses', async () => {
    let endpoints: (SessionEndpoint | null)[] = [];
    const sessions = [{ name: 'a' }, { name: 'b', variables: fault('crash-once') }];
    const left = await killPlatform(sessions, async (_, before) => {
      endpoints = before;
    });
    await using other = new TestMachine(left);
    const before = other.marked().map(({ pid }) => pid);
    expect(before.length).toBeGreaterThanOrEqual(4);
    await other.kubelet.start();
    await other.ready('a');
    await other.ready('b');
    expect(other.marked().map(({ pid }) => pid)).toEqual(before);
    expect(endpoints).toHaveLength(2);
    expect(['a-0', 'b-0'].map((pod) => other.kubelet.endpoint(namespace, pod))).toEqual(endpoints);
    expect(other.container('a')?.restartCount).toBe(0);
    expect(other.container('b')).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 3 } } });
    expect(readFileSync(join(other.stateDir, 'volumes', namespace, 'a/group/project/clones'), 'utf8')).toBe('x');
    expect(await other.log('a')).toBe('listening\n');
    deleteSession(other.cluster, 'a');
    await vi.waitFor(() => expect(other.pod('a')).toBeUndefined(), waiting);
  });

  it('restarts a server that has ended in the meantime, and reports its exit code', async () => {
    const left = await killPlatform([{ name: 'a' }]);
    await using other = new TestMachine(left);
    // The server itself, and not its parents (the shim and the reaper).
    const marked = other.marked('jupyter-server');
    const server = marked.filter(({ pid }) => !marked.some(({ parent }) => parent === pid));
    for (const { pid } of server) process.kill(pid, 'SIGUSR1');
    await vi.waitFor(() => expect(other.marked()).toEqual([]), waiting);
    await other.kubelet.start();
    await other.ready('a');
    expect(other.container('a')).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 6 } } });
  });

  it('ends the processes of a deleted pod, and of a pod that was being deleted', async () => {
    const deaf = { graceSeconds: 600, variables: fault('deaf') };
    const left = await killPlatform([
      { name: 'a', ...deaf },
      { name: 'b', ...deaf },
    ]);
    await using other = new TestMachine(left);
    for (const name of ['a', 'b']) other.cluster.delete(resource.statefulSets, namespace, name);
    other.cluster.delete(resource.pods, namespace, 'a-0', { gracePeriodSeconds: 0 });
    other.cluster.delete(resource.pods, namespace, 'b-0');
    expect(other.marked().length).toBeGreaterThanOrEqual(4);
    await other.kubelet.start();
    expect(other.marked()).toEqual([]);
    expect(other.pod('b')).toBeUndefined();
    expect(readdirSync(join(other.stateDir, 'pods'))).toEqual([]);
  });
});

describe('the node agent', () => {
  it('follows a log until the container has ended', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    const followed = machine.log('a', { follow: true });
    deleteSession(machine.cluster, 'a');
    expect(await followed).toBe('listening\n');
  });

  it('rejects invalid requests with the messages of Kubernetes', async () => {
    createSession(machine.cluster, { name: 'a', image: 'registry/other:1' });
    await vi.waitFor(() => expect(machine.container('a', 'download-image')?.state?.waiting).toBeDefined(), waiting);
    await expect(machine.log('nope')).rejects.toMatchObject({ code: 404 });
    await expect(machine.log('a', { container: 'nope' })).rejects.toMatchObject({ code: 400 });
    await expect(machine.log('a')).rejects.toThrow(
      'container "jupyter-server" in pod "a-0" is waiting to start: PodInitializing',
    );
    const all = { follow: false, previous: false, timestamps: false };
    expect(() => machine.kubelet.node.logs({ namespace, name: 'a-0' }, all, AbortSignal.timeout(1_000))).toThrow(
      /choose one of: \[jupyter-server passthrough-proxy\] or one of the init containers/,
    );
  });

  it('measures CPU and memory of the containers that have processes', async () => {
    createSession(machine.cluster, { name: 'a' });
    await machine.ready('a');
    const [pod] = machine.kubelet.node.metrics();
    expect(pod).toMatchObject({ namespace, name: 'a-0', containers: [{ name: 'jupyter-server' }] });
    // A Node.js process with a server: between 10 and 500 MB.
    expect(pod?.containers[0]?.memoryBytes).toBeGreaterThan(10e6);
    expect(pod?.containers[0]?.memoryBytes).toBeLessThan(500e6);
    expect(pod?.containers[0]?.cpuNanocores).toBeGreaterThan(0);
  });
});
