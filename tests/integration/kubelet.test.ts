import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SessionEndpoint } from '../../src/local/cluster.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { defaultEnvironment, Jupyter } from '../support/jupyter.ts';
import { killPlatform, TestMachine } from '../support/local/kubelet/machine.ts';
import {
  createRest,
  createSession,
  deleteSession,
  namespace,
  statefulSet,
} from '../support/local/kubelet/templates.ts';
import { commandLine, isAlive, lasting } from '../support/platform.ts';

/** The kubelet with real Jupyter servers, kernels and terminals. */

const image = 'registry/jupyter:1';
const waiting = { timeout: 120_000, interval: 50 };

let environment: PythonEnvironment;
beforeAll(async () => {
  environment = await defaultEnvironment();
});

const project = (machine: TestMachine, name: string) =>
  join(machine.stateDir, 'volumes', namespace, name, 'group/project');
const images = () => new Map([[image, environment]]);

describe('a Jupyter session', () => {
  let machine: TestMachine;
  beforeEach(async () => {
    machine = new TestMachine({ images: images() });
    await machine.kubelet.start();
  });
  afterEach(async () => await machine.close());

  it('serves the project only with the session’s token', async () => {
    createSession(machine.cluster, { name: 'a', image, token: 'the-token' });
    await machine.ready('a');
    const jupyter = Jupyter.of(machine, 'a');
    const contents = (await (await jupyter.fetch('/api/contents')).json()) as { content: { name: string }[] };
    expect(contents.content.map(({ name }) => name)).toEqual(['clones']);
    for (const headers of [{ Authorization: '' }, { Authorization: 'token ' }, { Authorization: 'token wrong' }]) {
      expect((await jupyter.fetch('/api/contents', { headers })).status).toBe(403);
    }
    // A page of another site can at most send a cookie: without the token in a header, a write needs an XSRF token.
    const signedIn = await jupyter.fetch('/lab?token=the-token', {
      headers: { Authorization: '' },
      redirect: 'manual',
    });
    const cookie = signedIn.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .filter((line) => !line?.startsWith('_xsrf'))
      .join('; ');
    expect((await jupyter.fetch('/api/contents', { headers: { Authorization: '', Cookie: cookie } })).status).toBe(200);
    expect(
      (await jupyter.fetch('/api/terminals', { method: 'POST', headers: { Authorization: '', Cookie: cookie } }))
        .status,
    ).toBe(403);
    const { argv } = listening(machine);
    expect(argv).not.toContain('the-token');
    expect(await machine.log('a')).not.toContain('the-token');
  });

  it('runs a kernel with its own environment in the project folder', async () => {
    createSession(machine.cluster, { name: 'a', image });
    await machine.ready('a');
    const jupyter = Jupyter.of(machine, 'a');
    const kernel = await jupyter.startKernel();
    const printed = await jupyter.execute(
      kernel,
      'import os, sys; print(os.getcwd()); print(sys.prefix); print(os.environ["NOTEBOOK_DIR"])',
    );
    const own = join(machine.stateDir, 'volumes', namespace, 'a', '.environment');
    expect(printed.split('\n')).toEqual([project(machine, 'a'), own, project(machine, 'a'), '']);
  });

  it('runs no code of the repository by itself', async () => {
    machine.cluster.create(resource.statefulSets, namespace, statefulSet({ name: 'a', image }));
    createRest(machine.cluster, { name: 'a' });
    await machine.ready('a');
    machine.cluster.mergePatch(resource.statefulSets, namespace, 'a', { spec: { replicas: 0 } });
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
    const evil = `open(${JSON.stringify(join(machine.stateDir, 'evil'))}, "w")\n`;
    for (const name of [
      'json',
      'jupyterlab',
      'jupyter_server_config',
      'jupyter_lab_config',
      'sitecustomize',
      'tornado',
    ]) {
      writeFileSync(join(project(machine, 'a'), `${name}.py`), evil);
    }
    machine.cluster.mergePatch(resource.statefulSets, namespace, 'a', { spec: { replicas: 1 } });
    await machine.ready('a');
    expect(existsSync(join(machine.stateDir, 'evil'))).toBe(false);
  });

  it('shows in its status that an invalid setting has ended it', async () => {
    machine.cluster.create(resource.statefulSets, namespace, statefulSet({ name: 'a', image }));
    createRest(machine.cluster, { name: 'a' }, '/lab"broken');
    await vi.waitFor(() => expect(machine.container('a')?.lastState?.terminated).toBeDefined(), waiting);
    expect(machine.container('a')?.lastState?.terminated).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('SyntaxError'),
    });
  });

  it('leaves no process when it is deleted: no kernels, no terminals, no processes in process sessions of their own', async () => {
    createSession(machine.cluster, { name: 'a', image });
    await machine.ready('a');
    const pids = await busy(Jupyter.of(machine, 'a'), project(machine, 'a'));
    deleteSession(machine.cluster, 'a');
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
    expect(machine.marked()).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('is stopped with the platform within the time limit, three at once, while their kernels are busy', async () => {
    for (const name of ['a', 'b', 'c']) createSession(machine.cluster, { name, image });
    for (const name of ['a', 'b', 'c']) await machine.ready(name);
    const pids = await busy(Jupyter.of(machine, 'a'), project(machine, 'a'));
    const before = performance.now();
    await machine.kubelet.stop({ graceMs: 10_000 });
    // One after the other, they would take more than twice the grace period.
    expect(performance.now() - before).toBeLessThan(20_000);
    expect(machine.marked()).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(machine.pod('a')).toBeDefined();
  });
});

describe('after the platform was killed', () => {
  it('three sessions continue: with the same processes, and with the variables of a kernel', async () => {
    const sessions = ['a', 'b', 'c'].map((name) => ({ name, image }));
    let kernel = '';
    const setVariable = async (_: string, endpoints: (SessionEndpoint | null)[]) => {
      const jupyter = Jupyter.at(endpoints[0] as SessionEndpoint, 'a');
      kernel = await jupyter.startKernel();
      await jupyter.execute(kernel, 'x = 41');
    };
    const left = await killPlatform(sessions, setVariable, { ENVIRONMENT: JSON.stringify(environment) });
    await using machine = new TestMachine({ ...left, images: images() });
    const running = () => lasting(machine.marked().map(({ pid }) => pid));
    const before = running();
    expect(before.length).toBeGreaterThan(6);
    await machine.kubelet.start();
    for (const { name } of sessions) expect((await machine.ready(name)).metadata.name).toBe(`${name}-0`);
    expect(running()).toEqual(before);
    expect(await Jupyter.of(machine, 'a').execute(kernel, 'print(x + 1)')).toBe('42\n');
    for (const { name } of sessions) deleteSession(machine.cluster, name);
    await vi.waitFor(
      () => expect(sessions.map(({ name }) => machine.pod(name))).toEqual([undefined, undefined, undefined]),
      waiting,
    );
    expect(machine.marked()).toEqual([]);
  });
});

/**
 * Starts a cell that does not end, and from a kernel and terminals processes in process sessions of their own. Returns the
 * ids of these processes.
 */
async function busy(jupyter: Jupyter, folder: string): Promise<number[]> {
  const kernel = await jupyter.startKernel();
  const spawn =
    'import subprocess; p = subprocess.Popen(["setsid", "sleep", "1000"]); open("stray-kernel", "w").write(str(p.pid))';
  await jupyter.execute(kernel, spawn);
  void jupyter
    .execute(kernel, 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)')
    .catch((error: unknown) => error);
  await jupyter.type('(setsid sleep 1000 & echo $! >stray-terminal)');
  await jupyter.type('env -i setsid sh -c "echo \\$\\$ >stray-bare; exec sleep 1000" &');
  await vi.waitFor(() => expect(strays(folder)).toHaveLength(3), waiting);
  return strays(folder);
}

function strays(folder: string): number[] {
  return ['stray-kernel', 'stray-terminal', 'stray-bare'].flatMap((name) => {
    const file = join(folder, name);
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    return pid > 0 ? [pid] : [];
  });
}

/** Returns the command line of the Jupyter server on the test machine. */
function listening(machine: TestMachine): { argv: string } {
  const lines = machine.marked('jupyter-server').map(({ pid }) => commandLine(pid) ?? '');
  const argv = lines.find((line) => line.includes('--ServerApp.port') && !line.includes('shim.py'));
  if (!argv) throw new Error('no server runs');
  return { argv };
}
