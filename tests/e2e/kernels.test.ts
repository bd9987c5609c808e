import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { components } from '../../src/generated/openapi.ts';
import { supervisorAbsence } from '../../src/session-contract/supervisor.ts';
import type { Jupyter } from '../support/jupyter.ts';
import { openSession } from '../support/session-python/supervisor.ts';
import { type Caller, registered, type Session } from './caller.ts';
import { imageReference, type images } from './images.ts';
import { jupyterOfOwner } from './jupyter.ts';
import { inSession, platform, podsOf, publicProject } from './platform.ts';
import { release } from './release.ts';
import { untilOperation } from './work.ts';

/** Sessions whose Jupyter server runs under the supervisor, and some whose image does not permit that. Most tests are steps of one session. */

type Report = components['schemas']['JupyterServerReport'];
type Kernel = components['schemas']['Kernel'];
type Operation = components['schemas']['Operation'];

const namespace = release.sessionsNamespace;
/** Of the supervisor, until it ends a Jupyter server that does not respond, and of a busy machine. */
const hungMs = 240_000;
/** The folder of the session's volume with the snapshots of kernels. */
const snapshotsFolder = '/home/jovyan/work/.notebook-sessions/snapshots';
let ada: Caller;
let name = '';
let jupyter: Jupyter;
let [kernel, snapshot] = ['', ''];

const pod = async () => (await podsOf(namespace)).find((each) => each.name === `${name}-0`);

async function json<T>(
  path: string,
  init?: { method?: string; body?: object },
  of = { caller: ada, name },
): Promise<T> {
  const response = await of.caller.api(`/servers/${of.name}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}

const server = async () => (await json<Report>('/server')).server;
const kernels = async () => (await json<{ kernels: Kernel[] }>('/kernels')).kernels;
const kernelNow = async () => (await kernels()).find(({ id }) => id === kernel);

/** Returns why a kernel is lost. Responses without the supervisor, while it starts again, count as no reason. */
const reasonOf = async (id: string): Promise<string> =>
  (await kernels().catch(() => [])).find((each) => each.id === id)?.reason ?? '';

const patch = (state: 'running' | 'hibernated') =>
  ada.api(`/servers/${name}`, { method: 'PATCH', body: { state }, timeoutMs: 120_000 });

/** Starts an operation, and returns it when it has ended. */
async function done(path: string): Promise<Operation> {
  const { id } = await json<Operation>(path, { method: 'POST', body: {} });
  return untilOperation(ada, name, id, ({ finishedAt }) => finishedAt !== null);
}

const restore = () => done(`/kernels/${kernel}/snapshots/${snapshot}/restore`);

/** Waits until another process than this one is the Jupyter server and its Service has its pod again, and returns its report. */
async function anotherThan(pid: number | undefined) {
  let last: Report['server'] = null;
  await expect
    .poll(
      async () => {
        last = await server().catch(() => null);
        return last?.state === 'running' && last.pid !== pid;
      },
      { timeout: hungMs, interval: 500, message: 'a new Jupyter server' },
    )
    .toBe(true);
  await expect.poll(async () => (await jupyter.fetch('/api')).status, { timeout: 60_000, interval: 500 }).toBe(200);
  return last as Report['server'];
}

/** Launches a session of the public project and waits until it runs. */
async function launch(caller: Caller, of: keyof typeof images): Promise<Session> {
  const image = imageReference(platform().cluster, of);
  const response = await caller.post({ ...publicProject(), storage: 1, image });
  // 200 if the service was too busy to answer the first request, which has created the session.
  expect([200, 201]).toContain(response.status);
  const session = (await response.json()) as Session;
  return caller.until(session.name, 'running');
}

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  ada = await registered('ada');
  const session = await launch(ada, 'supervised');
  ({ name } = session);
  jupyter = await jupyterOfOwner(session, 'ada');
  // `expect.poll` works in tests only.
  const isFirst = async () => expect(await server()).toMatchObject({ state: 'running', starts: 1, last_exit: null });
  await vi.waitFor(isFirst, { timeout: 60_000, interval: 500 });
});
afterAll(async () => {
  if (name !== '') await ada.remove(name, { forced: true });
});

describe('the kernels of a session', () => {
  it('run on with their ids and variables when their Jupyter server is killed, and the API shows both', async () => {
    const before = await server();
    const starts = before?.starts ?? 0;
    expect(before?.state).toBe('running');
    kernel = (await openSession(jupyter, 'first-light.ipynb')).kernel.id;
    await jupyter.execute(kernel, 'x = 41');
    expect(await kernelNow()).toMatchObject({ path: 'first-light.ipynb', state: 'idle', reason: null });

    await inSession(name, `kill -9 ${before?.pid}`);
    expect(await anotherThan(before?.pid)).toMatchObject({ starts: starts + 1, last_exit: 'ended by signal 9' });
    expect(await kernelNow()).toMatchObject({ path: 'first-light.ipynb', reason: null });
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
    expect(await pod()).toMatchObject({ restarts: 0 });
  });

  it('run on when their Jupyter server hangs, because the kubelet asks the supervisor', {
    timeout: 400_000,
  }, async () => {
    const before = await server();
    await inSession(name, `kill -STOP ${before?.pid}`);
    expect(await anotherThan(before?.pid)).toMatchObject({ starts: (before?.starts ?? 0) + 1 });
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
    expect(await pod()).toMatchObject({ restarts: 0 });
    await ada.until(name, 'running');
  });

  it('and their terminals have no variable of the supervisor', async () => {
    const code =
      "import os; print(sorted(n for n in os.environ if n == 'PYTHONPATH' or n.startswith('SESSION_KERNELS')))";
    expect(await jupyter.execute(kernel, code)).toBe('[]\n');
  });

  it('are interrupted, protected from a stop while they are busy, and ended through the API', async () => {
    await jupyter.start(kernel, 'import time; time.sleep(3600)');
    const stop = await ada.api(`/servers/${name}/server`, { method: 'DELETE' });
    expect([stop.status, await stop.text()]).toEqual([409, expect.stringContaining(kernel)]);
    expect((await ada.api(`/servers/${name}/kernels/${kernel}/interrupt`, { method: 'POST' })).status).toBe(204);
    await expect.poll(async () => (await kernelNow())?.state, { timeout: 60_000 }).toBe('idle');
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
    const before = await server();
    const restart = await ada.api(`/servers/${name}/server`, { method: 'POST', body: { restart: true } });
    // A start that is longer than the time limit of requests continues.
    expect([restart.status, await restart.json()]).toMatchObject(
      restart.ok ? [200, { server: { state: 'running' } }] : [500, { error: { code: 3004 } }],
    );
    await anotherThan(before?.pid);
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
  });

  it('get the variables of a snapshot back, which is on the volume of the session', async () => {
    const taken = await done(`/kernels/${kernel}/snapshots`);
    expect(taken).toMatchObject({ state: 'succeeded', error: null });
    snapshot = taken.snapshot?.snapshot?.id ?? '';
    expect(await inSession(name, `ls ${snapshotsFolder}/${kernel}`)).toContain(snapshot);
    await jupyter.execute(kernel, 'x = 0');
    expect(await restore()).toMatchObject({ state: 'succeeded', error: null });
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
  });

  it('that are lost because of the memory limit are named with the reason', { timeout: 400_000 }, async () => {
    // With version 1 of cgroups only the kernel ends, with version 2 the whole container.
    const { id: other } = await jupyter.post<{ id: string }>('/api/kernels', { name: 'python3' });
    await jupyter.start(other, 'kept = [bytearray(b"x" * 10**7) for _ in range(10**4)]');
    await expect.poll(() => reasonOf(other), { timeout: 240_000, interval: 1_000 }).toMatch(/memory/);
    await ada.until(name, 'running');
    expect(await server()).toMatchObject({ state: 'running' });
    if ((await pod())?.restarts === 0) expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
  });

  it('that ended with their container are named with the reason, and a snapshot brings one back under its id', {
    timeout: 400_000,
  }, async () => {
    // As the memory limit with version 2 of cgroups. The child of tini; the command ends with the container.
    if ((await pod())?.restarts === 0)
      await Promise.allSettled([inSession(name, 'kill -9 $(cat /proc/1/task/1/children)')]);
    await expect.poll(() => reasonOf(kernel), { timeout: 120_000 }).toMatch(/ended with its container.*memory/);
    await anotherThan(undefined);
    expect((await pod())?.restarts).toBe(1);
    expect(await restore()).toMatchObject({ state: 'succeeded', error: null });
    expect(await jupyter.execute(kernel, 'print(x)')).toBe('41\n');
    expect(await kernelNow()).toMatchObject({ state: 'idle', reason: null });
  });

  it('have their ids and variables again when a hibernated session is resumed', { timeout: 600_000 }, async () => {
    await jupyter.execute(kernel, 'x = [x, 42]');
    const former = await pod();
    // 202 on a busy machine: the work of the session continues after the response.
    expect([200, 202]).toContain((await patch('hibernated')).status);
    await ada.until(name, 'hibernated');
    expect((await patch('running')).status).toBe(200);
    await ada.until(name, 'running');
    expect((await pod())?.uid).not.toBe(former?.uid);
    await expect.poll(async () => (await kernelNow())?.state, { timeout: 120_000 }).toBe('idle');
    // Between the start of the kernel and the end of the restore, there is no such variable.
    const print = () => jupyter.execute(kernel, 'print(globals().get("x"))');
    await expect.poll(print, { timeout: 120_000, interval: 500 }).toBe('[41, 42]\n');
  });
});

describe.concurrent('a session whose image', () => {
  const opened = (caller: Caller, of: Session) => json<Report>('/server', {}, { caller, name: of.name });
  const noSupervisor = (message: string) => ({
    server: null,
    unavailable: { reason: 'no-supervisor', message: expect.stringContaining(message) },
  });

  it('has an entrypoint that may not run the supervisor has the arguments as before, and the API says why kernels end with their server', async () => {
    // Not beside the session of the other tests: the session of a user, project and commit has one name.
    await ada.remove(name, { forced: true });
    const own = await launch(ada, 'ownEntrypoint');
    const path = `{.spec.containers[?(@.name=="jupyter-server")]['args', 'volumeMounts']}`;
    const get = ['get', 'pod', `${own.name}-0`, '-n', namespace, `--output=jsonpath=${path}`];
    const found = await platform().kubectl(get);
    expect(found).toContain('["jupyter","lab"]');
    expect(found).not.toContain('supervisor');
    expect(await opened(ada, own)).toEqual(noSupervisor(supervisorAbsence.entrypoint));
  });

  it('has no Python for the supervisor runs, and the API says why kernels end with their server', async () => {
    const dora = await registered('dora');
    const own = await launch(dora, 'withoutPython');
    expect(await opened(dora, own)).toEqual(noSupervisor('the image has none: it has no python3.'));
    const its = await jupyterOfOwner(own, 'dora');
    const { kernel: started } = await openSession(its, 'first-light.ipynb');
    expect(await its.execute(started.id, 'print(6 * 7)')).toBe('42\n');
    await dora.remove(own.name, { forced: true });
  });

  it('has a read-only home folder runs under the supervisor', async () => {
    const emil = await registered('emil');
    const own = await launch(emil, 'readOnlyHome');
    expect(await opened(emil, own)).toMatchObject({ unavailable: null, server: { state: 'running' } });
    const its = await jupyterOfOwner(own, 'emil');
    const { kernel: started } = await openSession(its, 'first-light.ipynb');
    const code = 'import os; print(os.access(os.path.expanduser("~"), os.W_OK), 6 * 7)';
    expect(await its.execute(started.id, code)).toBe('False 42\n');
    await emil.remove(own.name, { forced: true });
  });
});
