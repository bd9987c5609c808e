import { globSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JupyterServerReport, KernelReport, SyncReport } from '../../../src/generated/openapi.ts';
import type { Jupyter } from '../../support/jupyter.ts';
import { commandLine, isAlive, markedProcesses, type Platform, startPlatform } from '../../support/platform.ts';
import { demoCommit, openSession } from '../../support/session.ts';
import { openSession as openDocument, sessionsOf } from '../../support/session-python/supervisor.ts';
import { call, launchSession, programsOf } from '../../support/session-work.ts';
import { patience } from '../../support/wait-for.ts';

/** The supervisor in a session of the local platform, through the API of the service. The tests run in this order. */

/** How often a server and an agent are killed. */
const kills = Number(process.env['KERNEL_KILLS'] ?? 6);

let platform: Platform;
let name: string;
let jupyter: Jupyter;

beforeAll(async () => {
  platform = await startPlatform();
  const commit = await demoCommit(platform);
  const launch = { namespace: 'demo', project: 'first-light', branch: 'main', commit_sha: commit };
  const session = await launchSession(platform, launch);
  name = session.name;
  jupyter = await openSession(platform, session.url);
});
afterAll(async () => {
  await platform?.dispose();
});

type Server = NonNullable<JupyterServerReport['server']>;
interface Failure {
  readonly error?: { readonly code: number; readonly detail: string };
}

const get = async <Body>(path: string) => await call<Body>(platform, 'GET', `/servers/${name}${path}`);
const start = async (body: object = {}) =>
  await call<JupyterServerReport & Failure>(platform, 'POST', `/servers/${name}/server`, body);
const stop = async (query = '') =>
  await call<JupyterServerReport & Failure>(platform, 'DELETE', `/servers/${name}/server${query}`);

async function report(): Promise<JupyterServerReport> {
  const { status, body } = await get<JupyterServerReport>('/server');
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

async function running(): Promise<Server> {
  const { server } = await report();
  expect(server).toMatchObject({ state: 'running', pid: expect.any(Number) });
  return server as Server;
}

const kernels = async () => (await get<KernelReport>('/kernels')).body.kernels;

/** Repeats `read` until it returns a value; a request that fails counts as none. */
async function until<T>(read: () => Promise<T | undefined>, limits = patience): Promise<T> {
  let found: T | undefined;
  await expect
    .poll(async () => {
      found = await read();
      return found;
    }, limits)
    .toBeDefined();
  return found as T;
}

/** Waits until the status of the server has these values. A start can need longer than the time limit of its request. */
const untilServer = async (values: Partial<Server>): Promise<Server> =>
  await until(async () => {
    const { server } = (await get<JupyterServerReport>('/server')).body;
    return server && Object.entries(values).every(([key, value]) => server[key as keyof Server] === value)
      ? server
      : undefined;
  });

/** Waits until another Jupyter server than the one with this pid responds. */
const untilAnotherServer = async (pid: number): Promise<Server> =>
  await until(async () => {
    const { server } = (await get<JupyterServerReport>('/server')).body;
    return server?.state === 'running' && server.pid !== pid ? server : undefined;
  });

/** Starts the server after a kill of the one with this pid. Without a request, the pause before the next start grows to 30 s. */
const startAgain = async (pid: number): Promise<Server> =>
  await until(
    async () => {
      const { server } = (await start()).body;
      return server?.state === 'running' && server.pid !== pid ? server : undefined;
    },
    { ...patience, timeout: 280_000 },
  );

const supervisors = () =>
  markedProcesses(platform.stateDir).filter((pid) => / --state \S+ -- /.test(commandLine(pid) ?? ''));
const servers = () =>
  markedProcesses(platform.stateDir).filter((pid) => /^\S+ (-\w )*\S+jupyter_lab\.py /.test(commandLine(pid) ?? ''));
const kernelsRunning = () =>
  markedProcesses(platform.stateDir).filter((pid) => /\/kernel\.py /.test(commandLine(pid) ?? ''));

const pidOf = async (kernel: string) => Number(await jupyter.execute(kernel, 'import os; os.getpid()'));

it('launcher 1: the API says where the server of a session is, and never its token', async () => {
  const { unavailable, server: found } = await report();
  expect(unavailable).toBeNull();
  expect(found).toMatchObject({ state: 'running', base_url: `/sessions/${name}/`, kernels_problem: null });
  const { token_file: file = '', pid = 0 } = found ?? {};
  const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
  expect(token).not.toBe('');
  expect(JSON.stringify(found)).not.toContain(token);
  expect(servers()).toEqual([pid]);
});

it('the folder and the socket of the supervisor are only for their owner', () => {
  const [socket = ''] = globSync('pods/*/volumes/*/state/supervisor.sock', { cwd: platform.stateDir });
  const path = join(platform.stateDir, socket);
  // Longer than the name of a socket can be.
  expect(path.length).toBeGreaterThan(107);
  const modes = [path, dirname(path), dirname(dirname(path))].map((each) => lstatSync(each).mode & 0o777);
  expect(modes).toEqual([0o600, 0o700, 0o700]);
});

it('launcher 2: twenty starts at the same time start no second server', async () => {
  const { pid, starts } = await running();
  const found = await Promise.all(Array.from({ length: 20 }, () => start()));
  expect(new Set(found.map(({ body }) => body.server?.pid))).toEqual(new Set([pid]));
  expect((await running()).starts).toBe(starts);
  expect(servers()).toEqual([pid]);
});

it('launcher 4: an option that is not known is rejected', async () => {
  for (const options of [{ 'ServerApp.token': '' }, { config: '/etc/passwd' }, { 'a key': 1 }])
    expect(await start(options)).toMatchObject({ status: 422, body: { error: { code: 1422 } } });
  expect((await start({ gateway_url: 'file:///etc/passwd' })).status).toBeGreaterThanOrEqual(400);
});

it('launcher 6: a killed server starts again, and its kernels have their documents, ids and variables', async () => {
  const document = await openDocument(jupyter, 'survives.ipynb');
  await jupyter.execute(document.kernel.id, 'x = 41');
  const { pid = 0 } = await running();
  process.kill(pid, 'SIGKILL');
  const found = await untilAnotherServer(pid);
  expect(found).toMatchObject({ starts: 2, last_exit: 'ended by signal 9' });
  expect(await sessionsOf(jupyter)).toContainEqual(
    expect.objectContaining({ id: document.id, kernel: expect.objectContaining({ id: document.kernel.id }) }),
  );
  expect(await jupyter.execute(document.kernel.id, 'print(x + 1)')).toContain('42');
  expect(await kernels()).toMatchObject([{ id: document.kernel.id, path: 'survives.ipynb' }]);
});

it('synchronizer 3: a synchronization reports each kernel and session, and changes nothing', async () => {
  const sync = async () => (await call<SyncReport>(platform, 'POST', `/servers/${name}/kernels/sync`)).body;
  const first = await sync();
  expect(first.kernels.kept).toHaveLength(1);
  expect(first.sessions.kept).toHaveLength(1);
  expect(await sync()).toEqual(first);
});

it('launcher 7 and 10: a stop is rejected while a kernel is busy, and ends all kernels if it is forced', async () => {
  const { kernel } = await openDocument(jupyter, 'busy.ipynb');
  const pid = await pidOf(kernel.id);
  await jupyter.start(kernel.id, 'import time; time.sleep(600)');
  expect(await kernels()).toContainEqual(
    expect.objectContaining({ id: kernel.id, state: 'busy', memory_bytes: expect.any(Number) }),
  );
  expect(await stop()).toMatchObject({
    status: 409,
    body: { error: { code: 1409, detail: expect.stringContaining(kernel.id) } },
  });
  expect(isAlive(pid)).toBe(true);
  expect(await stop('?force=true')).toMatchObject({ status: 200, body: { server: { state: 'stopped' } } });
  expect([...servers(), ...kernelsRunning()]).toEqual([]);
});

it('launcher 5: the error of a server that does not start has the last lines of its log', async () => {
  const file = configFile();
  writeFileSync(file, 'raise ValueError("the configuration of the test")');
  try {
    // Repeated, because a start can need longer than the time limit of its request.
    const detail = await until(
      async () => (await start()).body.error?.detail.match(/last lines of its log:\n([\s\S]*)/)?.[1],
    );
    expect(detail).toContain('ValueError: the configuration of the test');
    const { log = [] } = await untilServer({ state: 'crashed' });
    expect(log.join('\n')).toContain('ValueError: the configuration of the test');
  } finally {
    rmSync(file);
  }
  await start();
  await untilServer({ state: 'running' });
});

/** A file in the folder of Jupyter's configuration, in which users may write. */
function configFile(): string {
  const [folder = ''] = globSync('pods/*/jupyter/config', { cwd: platform.stateDir });
  return join(platform.stateDir, folder, 'jupyter_server_config.py');
}

it('launcher 3: a gateway is given at a start, and one that does not respond is reported', async () => {
  await stop();
  const gateway_url = 'http://127.0.0.1:9';
  await start({ gateway_url });
  const found = await untilServer({ state: 'running', gateway_url });
  expect(found.gateway_problem).toMatch(/The kernels of the gateway .* cannot be used/);
  await stop('?force=true');
  await start();
  expect(await untilServer({ state: 'running' })).toMatchObject({ gateway_url: null, gateway_problem: null });
});

it.each([kills])(
  '%d kills of the server and the agent, in any order, lose no kernel and no document',
  async () => {
    const documents = [];
    for (const path of ['one.ipynb', 'two.ipynb', 'three.ipynb']) {
      const document = await openDocument(jupyter, path);
      await jupyter.execute(document.kernel.id, `own = ${JSON.stringify(path)}`);
      documents.push({ path, session: document.id, kernel: document.kernel.id, pid: await pidOf(document.kernel.id) });
    }
    for (let kill = 0; kill < kills; kill++) {
      const agents = programsOf(platform, 'agent');
      const { pid = 0 } = await running();
      // Few agents: the kubelet pauses up to 30 s before it starts one again.
      const [killsAgent, killsServer] = [Math.random() < 0.25, Math.random() < 0.5];
      const targets = killsAgent ? (killsServer ? [pid, ...agents] : agents) : [pid];
      for (const target of targets) process.kill(target, 'SIGKILL');
      if (targets.includes(pid)) await startAgain(pid);
      else await until(async () => programsOf(platform, 'agent').find((found) => !agents.includes(found)));
      await until(async () => (await get<JupyterServerReport>('/server')).body.server?.pid);
      // On a very busy machine, the server responds before it has found all kernels.
      const found = async () => (await sessionsOf(jupyter)).map(({ id, path, kernel }) => [path, id, kernel.id]).sort();
      const expected = documents.map(({ path, session, kernel }) => [path, session, kernel]).sort();
      await expect.poll(found, { ...patience, message: `after kill ${kill + 1} (${targets})` }).toEqual(expected);
      for (const { path, kernel } of documents) expect(await jupyter.execute(kernel, 'own')).toBe(`'${path}'`);
      expect(kernelsRunning().sort()).toEqual(documents.map(({ pid }) => pid).sort());
      expect([servers().length, supervisors().length]).toEqual([1, 1]);
    }
  },
  300_000 + kills * 60_000,
);

it('a killed supervisor starts again: its kernels continue, lost ones are reported, and nothing runs twice', async () => {
  const kept = await openDocument(jupyter, 'kept.ipynb');
  const lost = await openDocument(jupyter, 'lost.ipynb');
  await jupyter.execute(kept.kernel.id, 'z = 3');
  const killed = [...supervisors(), await pidOf(lost.kernel.id)];
  expect(killed).toHaveLength(2);
  const before = kernelsRunning().filter((pid) => !killed.includes(pid));
  const { pid = 0 } = await running();
  for (const each of killed) process.kill(each, 'SIGKILL');
  await untilAnotherServer(pid);
  expect(await jupyter.execute(kept.kernel.id, 'print(z)')).toContain('3');
  expect([servers().length, supervisors().length, kernelsRunning().sort()]).toEqual([1, 1, before.sort()]);
  expect(await kernels()).toContainEqual(
    expect.objectContaining({ id: lost.kernel.id, state: 'lost', reason: expect.stringContaining('ended') }),
  );
  // Its owner removes it.
  const remove = async () => (await call(platform, 'DELETE', `/servers/${name}/kernels/${lost.kernel.id}`)).status;
  expect(await remove()).toBe(204);
  expect((await kernels()).map(({ id }) => id)).not.toContain(lost.kernel.id);
  expect(await remove()).toBe(404);
});

it('launcher 8: Ctrl-C ends the supervisor, the server and the kernels of a session', async () => {
  const { kernel } = await openDocument(jupyter, 'last.ipynb');
  const pids = [...supervisors(), ...servers(), await pidOf(kernel.id)];
  expect(pids).toHaveLength(3);
  expect(await platform.stop()).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(markedProcesses(platform.stateDir)).toEqual([]);
});

it('a server that does not start with the supervisor twice is started without, and the API says why', async () => {
  const { stateDir, port } = platform;
  const file = configFile();
  writeFileSync(file, 'import os, sys\nif "SESSION_KERNELS_SUPERVISOR" in os.environ: sys.exit(7)\n');
  platform = await startPlatform({ stateDir, port });
  const { unavailable, server: found } = await until(async () => {
    const body = (await get<JupyterServerReport>('/server')).body;
    return body.unavailable?.message.includes('twice in a row') ? body : undefined;
  });
  expect(found).toBeNull();
  expect(unavailable).toMatchObject({
    reason: 'no-supervisor',
    message: expect.stringContaining(
      'did not start under the supervisor twice in a row (The Jupyter server did not start: exit code 7)',
    ),
  });
  await until(async () => (await sessionsOf(jupyter).catch(() => undefined))?.length);
  expect([servers().length, supervisors().length]).toEqual([1, 0]);
  expect(await start()).toMatchObject({ status: 409, body: { error: { code: 1409 } } });
  expect((await get<KernelReport>('/kernels')).body).toMatchObject({ unavailable: { reason: 'no-supervisor' } });
});
