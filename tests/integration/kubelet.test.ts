import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import type { SessionEndpoint } from '../../src/local/cluster.ts';
import { killPlatform, TestMachine } from '../../src/local/kubelet/testing/machine.ts';
import {
  basePath,
  createRest,
  createSession,
  deleteSession,
  namespace,
  statefulSet,
} from '../../src/local/kubelet/testing/templates.ts';
import { preparePython } from '../../src/local/python/prepare.ts';
import type { PythonEnvironment } from '../../src/local/python/types.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';

/** The kubelet with real Jupyter servers, kernels and terminals. */
const image = 'registry/jupyter:1';
const waiting = { timeout: 60_000, interval: 50 };

let environment: PythonEnvironment;
beforeAll(async () => {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  environment = await preparePython({
    cacheDir: join(cacheHome, 'notebook-sessions'),
    progress: (line) => void process.stderr.write(`  ${line}\n`),
    signal: AbortSignal.timeout(540_000),
  });
});

/** The session's Jupyter, asked on its own port. */
class Jupyter {
  readonly endpoint: SessionEndpoint;
  readonly #base: string;

  constructor(machine: TestMachine, name: string) {
    const endpoint = machine.kubelet.endpoint(namespace, `${name}-0`);
    if (!endpoint) throw new Error(`the session ${name} has no endpoint`);
    this.endpoint = endpoint;
    this.#base = `127.0.0.1:${endpoint.port}${basePath(name)}`;
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`http://${this.#base}${path}`, {
      ...init,
      headers: { Authorization: `token ${this.endpoint.token}`, ...init.headers },
    });
  }

  async post<T>(path: string, body: object = {}): Promise<T> {
    const response = await this.fetch(path, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async startKernel(): Promise<string> {
    return (await this.post<{ id: string }>('/api/kernels', { name: 'python3' })).id;
  }

  /** Runs a cell and answers what it printed. */
  async run(kernel: string, code: string): Promise<string> {
    const socket = this.#open(`/api/kernels/${kernel}/channels`);
    const id = crypto.randomUUID();
    const header = {
      msg_id: id,
      msg_type: 'execute_request',
      username: '',
      session: id,
      version: '5.3',
      date: new Date().toISOString(),
    };
    const content = { code, silent: false, store_history: false, user_expressions: {}, allow_stdin: false };
    let printed = '';
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('open', () =>
          socket.send(JSON.stringify({ header, content, parent_header: {}, metadata: {}, channel: 'shell' })),
        );
        socket.on('message', (data) => {
          const message = JSON.parse(String(data)) as KernelMessage;
          if (message.parent_header?.msg_id !== id) return;
          if (message.msg_type === 'stream') printed += message.content.text ?? '';
          if (message.msg_type === 'error') reject(new Error(message.content.evalue));
          if (message.msg_type === 'execute_reply') resolve();
        });
      });
    } finally {
      socket.close();
    }
    return printed;
  }

  /** Types a line into a new terminal. */
  async type(line: string): Promise<void> {
    const { name } = await this.post<{ name: string }>('/api/terminals');
    const socket = this.#open(`/terminals/websocket/${name}`);
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      // The first message of a terminal says that its shell is there.
      socket.once('message', () => {
        socket.send(JSON.stringify(['stdin', `${line}\r`]), (error) => (error ? reject(error) : resolve()));
      });
    });
  }

  #open(path: string): WebSocket {
    return new WebSocket(`ws://${this.#base}${path}`, { headers: { Authorization: `token ${this.endpoint.token}` } });
  }
}

interface KernelMessage {
  msg_type: string;
  parent_header?: { msg_id?: string };
  content: { text?: string; evalue?: string };
}

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

  it('serves the project to whoever has its token and to nobody else', async () => {
    createSession(machine.cluster, { name: 'a', image, token: 'the-token' });
    await machine.ready('a');
    const jupyter = new Jupyter(machine, 'a');
    const contents = (await (await jupyter.fetch('/api/contents')).json()) as { content: { name: string }[] };
    expect(contents.content.map(({ name }) => name)).toEqual(['clones']);
    for (const headers of [{ Authorization: '' }, { Authorization: 'token ' }, { Authorization: 'token wrong' }]) {
      expect((await jupyter.fetch('/api/contents', { headers })).status).toBe(403);
    }
    // A page of another site has a cookie at best: without the token in a header, writing takes an XSRF token.
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

  it('runs a kernel of its own environment in the project folder', async () => {
    createSession(machine.cluster, { name: 'a', image });
    await machine.ready('a');
    const jupyter = new Jupyter(machine, 'a');
    const kernel = await jupyter.startKernel();
    const printed = await jupyter.run(
      kernel,
      'import os, sys; print(os.getcwd()); print(sys.prefix); print(os.environ["NOTEBOOK_DIR"])',
    );
    const own = environment.programs[0]?.replace(/\/bin$/, '');
    expect(printed.split('\n')).toEqual([project(machine, 'a'), own, project(machine, 'a'), '']);
  });

  it('runs nothing of the repository by itself', async () => {
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

  it('that dies of a broken setting says so in its status', async () => {
    machine.cluster.create(resource.statefulSets, namespace, statefulSet({ name: 'a', image }));
    createRest(machine.cluster, { name: 'a' }, '/lab"broken');
    await vi.waitFor(() => expect(machine.container('a')?.lastState?.terminated).toBeDefined(), waiting);
    expect(machine.container('a')?.lastState?.terminated).toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('SyntaxError'),
    });
  });

  it('leaves no process when it is deleted: kernels, terminals and what they put into sessions of their own', async () => {
    createSession(machine.cluster, { name: 'a', image });
    await machine.ready('a');
    const pids = await busy(new Jupyter(machine, 'a'), project(machine, 'a'));
    deleteSession(machine.cluster, 'a');
    await vi.waitFor(() => expect(machine.pod('a')).toBeUndefined(), waiting);
    expect(machine.marked()).toEqual([]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  });

  it('is stopped with the platform within its time, three at once, with their kernels at work', async () => {
    for (const name of ['a', 'b', 'c']) createSession(machine.cluster, { name, image });
    for (const name of ['a', 'b', 'c']) await machine.ready(name);
    const pids = await busy(new Jupyter(machine, 'a'), project(machine, 'a'));
    const before = performance.now();
    await machine.kubelet.stop({ graceMs: 10_000 });
    expect(performance.now() - before).toBeLessThan(13_000);
    expect(machine.marked()).toEqual([]);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
    expect(machine.pod('a')).toBeDefined();
  });
});

describe('after the platform was killed', () => {
  it('three sessions go on: the same processes, and a variable in a kernel is still there', async () => {
    const sessions = ['a', 'b', 'c'].map((name) => ({ name, image }));
    let kernel = '';
    const setVariable = async (_: string, endpoints: (SessionEndpoint | null)[]) => {
      const jupyter = new Jupyter({ kubelet: { endpoint: () => endpoints[0] } } as unknown as TestMachine, 'a');
      kernel = await jupyter.startKernel();
      await jupyter.run(kernel, 'x = 41');
    };
    const left = await killPlatform(sessions, setVariable, { ENVIRONMENT: JSON.stringify(environment) });
    await using machine = new TestMachine({ ...left, images: images() });
    const before = machine.marked().map(({ pid }) => pid);
    await machine.kubelet.start();
    for (const { name } of sessions) expect((await machine.ready(name)).metadata.name).toBe(`${name}-0`);
    expect(machine.marked().map(({ pid }) => pid)).toEqual(before);
    expect(await new Jupyter(machine, 'a').run(kernel, 'print(x + 1)')).toBe('42\n');
    for (const { name } of sessions) deleteSession(machine.cluster, name);
    await vi.waitFor(
      () => expect(sessions.map(({ name }) => machine.pod(name))).toEqual([undefined, undefined, undefined]),
      waiting,
    );
    expect(machine.marked()).toEqual([]);
  });
});

/** A kernel and terminals that have put work into sessions of their own (answered), and a cell that does not end. */
async function busy(jupyter: Jupyter, folder: string): Promise<number[]> {
  const kernel = await jupyter.startKernel();
  const spawn =
    'import subprocess; p = subprocess.Popen(["setsid", "sleep", "1000"]); open("stray-kernel", "w").write(str(p.pid))';
  await jupyter.run(kernel, spawn);
  void jupyter
    .run(kernel, 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)')
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

/** The command line of the machine's Jupyter server. */
function listening(machine: TestMachine): { argv: string } {
  const lines = machine
    .marked('jupyter-server')
    .map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
  const argv = lines.find((line) => line.includes('--ServerApp.port') && !line.includes('shim.py'));
  if (!argv) throw new Error('no server runs');
  return { argv };
}
