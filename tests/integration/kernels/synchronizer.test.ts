import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlive } from '../../support/platform.ts';
import {
  idsOf,
  openSession,
  Supervised,
  sessionPython,
  sessionsOf,
  startFront,
  sync,
} from '../../support/session-python/supervisor.ts';

/** `KERNEL_KILLS=100` runs the test of random kills for longer. */
const kills = Number(process.env['KERNEL_KILLS'] ?? 3);

let local: Supervised;
let gateway: Supervised;
let front: Supervised;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  [local, gateway] = await Promise.all([Supervised.start(), Supervised.start()]);
  started.use(local);
  started.use(gateway);
  front = started.use(await startFront(gateway.url));
});
afterAll(() => started.disposeAsync());

interface Entry {
  readonly id: string;
}

const places = [
  ['behind a gateway', () => front],
  ['on the same machine', () => local],
] as const;

it.each(places)(
  'synchronizer 1 and 2: a kernel %s has its session, its id and its state after its server was killed',
  async (_, of) => {
    const server = of();
    const session = await openSession(server.jupyter, 'survives.ipynb');
    await server.jupyter.execute(session.kernel.id, 'x = 41');
    await server.killServer();
    await server.untilState('running');
    // The first request after the start already has the session.
    const found = (await sessionsOf(server.jupyter)).find(({ path }) => path === 'survives.ipynb');
    expect(found).toMatchObject({ id: session.id, kernel: { id: session.kernel.id } });
    expect(await server.jupyter.execute(session.kernel.id, 'print(x)')).toContain('41');
  },
);

it('a kernel that starts while the records are compared has one manager, and is used as any other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slow-start-'));
  const go = join(folder, 'go');
  writeFileSync(join(folder, 'slow_start.py'), slowStart(go));
  await using server = await Supervised.start({
    before: `import os\nos.environ["PYTHONPATH"] = ${JSON.stringify(folder)}`,
    args: ['--MappingKernelManager.kernel_manager_class=slow_start.SlowStart'],
  });
  const starting = openSession(server.jupyter, 'slow.ipynb');
  const [recorded] = await server.until(async () => {
    const { kernels } = (await server.call('GET', '/kernels')).body;
    return kernels.length > 0 ? idsOf(kernels) : undefined;
  }, 'the process of the kernel runs');
  const { kernels } = await sync(server);
  expect({ ...kernels, kept: idsOf(kernels.kept) }).toMatchObject({ kept: [recorded], adopted: [], failed: [] });
  writeFileSync(go, '');
  const { kernel } = await starting;
  expect(kernel.id).toBe(recorded);
  expect(await server.jupyter.execute(kernel.id, 'print(6 * 7)')).toContain('42');
  expect(server.output).not.toContain('was found again');
  rmSync(folder, { recursive: true });
});

/** A kernel manager of Jupyter whose starts do not end before a file exists. */
const slowStart = (file: string): string => `
import asyncio, os
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager

class SlowStart(ServerKernelManager):
    async def _async_post_start_kernel(self, **kwargs):
        while not os.path.exists(${JSON.stringify(file)}):
            await asyncio.sleep(0.02)
        await super()._async_post_start_kernel(**kwargs)
`;

it.each(places)('synchronizer 3: a second synchronization of kernels %s changes nothing', async (_, of) => {
  const server = of();
  const { kernel } = await openSession(server.jupyter, 'twice.ipynb');
  const first = await sync(server);
  expect(idsOf(first.kernels.kept)).toContain(kernel.id);
  expect(first.sessions.restored).toEqual([]);
  expect(await sync(server)).toEqual(first);
});

it('synchronizer 4: a kernel that was ended at the gateway is reported as lost and not deleted silently', async () => {
  const { kernel } = await openSession(front.jupyter, 'lost.ipynb');
  await gateway.jupyter.fetch(`/api/kernels/${kernel.id}`, { method: 'DELETE' });
  const lost = await front.until(async () => {
    const { kernels } = (await front.call('GET', '/kernels')).body;
    return kernels.find((each: { id: string; state: string }) => each.id === kernel.id && each.state === 'lost');
  }, 'the kernel is lost');
  expect(lost).toMatchObject({
    path: expect.stringContaining('lost.ipynb'),
    reason: `the gateway ${gateway.url} does not have the kernel any more`,
  });
  expect(idsOf((await sync(front)).kernels.lost)).toContain(kernel.id);
});

it('synchronizer 5: nothing is forgotten if the gateway does not answer while the server starts', async () => {
  const session = await openSession(front.jupyter, 'outage.ipynb');
  await front.jupyter.execute(session.kernel.id, 'y = 7');
  await gateway.killAll();
  await front.killServer();
  await front.restarted();
  expect(idsOf(await sessionsOf(front.jupyter))).not.toContain(session.id);
  const { kernels, sessions } = await sync(front);
  expect(kernels.unknown).toContainEqual(
    expect.objectContaining({ id: session.kernel.id, reason: expect.stringContaining('does not answer') }),
  );
  expect(sessions.waiting).toContain(session.id);
  await gateway.launch();
  await front.until(async () => {
    const found = idsOf(await sessionsOf(front.jupyter));
    return found.includes(session.id) ? true : undefined;
  }, 'the session is back');
  expect(await front.jupyter.execute(session.kernel.id, 'print(y)')).toContain('7');
});

it('synchronizer 6: kernels of others at the gateway are neither shown nor ended', async () => {
  const foreign = await gateway.jupyter.startKernel();
  await sync(front);
  await front.killServer();
  await front.restarted();
  await sync(front);
  expect(idsOf((await (await front.jupyter.fetch('/api/kernels')).json()) as Entry[])).not.toContain(foreign);
  expect((await gateway.jupyter.fetch(`/api/kernels/${foreign}`)).status).toBe(200);
});

it.each(places)('synchronizer 7: a kernel %s without a session survives ten rounds', async (_, of) => {
  const server = of();
  const id = await server.jupyter.startKernel();
  for (let round = 0; round < 10; round++) await sync(server);
  expect((await server.jupyter.fetch(`/api/kernels/${id}`)).status).toBe(200);
  await server.jupyter.fetch(`/api/kernels/${id}`, { method: 'DELETE' });
});

it('synchronizer 8: a notebook that was never saved keeps its session', async () => {
  const session = await openSession(local.jupyter, 'Untitled99.ipynb');
  await sync(local);
  await local.killServer();
  await local.restarted();
  expect(idsOf(await sessionsOf(local.jupyter))).toContain(session.id);
});

it('synchronizer 9: two sessions share a kernel, and the end of one leaves the other', async () => {
  const first = await openSession(local.jupyter, 'shared-1.ipynb');
  const second = await openSession(local.jupyter, 'shared-2.ipynb', first.kernel.id);
  expect(second.kernel.id).toBe(first.kernel.id);
  await local.killServer();
  await local.restarted();
  expect(idsOf(await sessionsOf(local.jupyter))).toEqual(expect.arrayContaining([first.id, second.id]));
  await local.jupyter.fetch(`/api/sessions/${first.id}`, { method: 'DELETE' });
  expect(await local.jupyter.execute(second.kernel.id, 'print(1 + 1)')).toContain('2');
  expect(idsOf(await sessionsOf(local.jupyter))).not.toContain(first.id);
  await local.jupyter.fetch(`/api/sessions/${second.id}`, { method: 'DELETE' });
  expect((await local.jupyter.fetch(`/api/kernels/${second.kernel.id}`)).status).toBe(404);
});

it.each([kills])(
  '%d random kills of a server and its gateway lose no kernel and no session',
  async () => {
    for (const { id } of await sessionsOf(front.jupyter))
      await front.jupyter.fetch(`/api/sessions/${id}`, { method: 'DELETE' });
    const sessions = [];
    for (const path of ['one.ipynb', 'two.ipynb']) sessions.push(await openSession(front.jupyter, path));
    const expected = sessions.map(({ id, path, kernel }) => [path, id, kernel.id]);
    const count = `n = globals().get('n', 0) + 1; print(n)`;
    for (const { kernel } of sessions) await front.jupyter.execute(kernel.id, count);
    for (let kill = 1; kill <= kills; kill++) {
      const killed = [[front], [gateway], [front, gateway]][Math.floor(Math.random() * 3)] ?? [];
      const names = `kill ${kill} of ${killed.map((each) => (each === front ? 'server' : 'gateway'))}`;
      await Promise.all(killed.map((each) => each.killServer()));
      if (Math.random() < 0.3) {
        // Also while the servers start.
        await wait(Math.random() * 2000);
        await Promise.all(killed.map((each) => each.killNow()));
      }
      await Promise.all(killed.map((each) => each.restarted()));
      await front.until(async () => {
        const found = (await sessionsOf(front.jupyter)).map(({ id, path, kernel }) => [path, id, kernel.id]);
        return JSON.stringify(found.sort()) === JSON.stringify(expected) || undefined;
      }, `${names}: all sessions`);
      for (const { kernel } of sessions) {
        expect((await front.jupyter.execute(kernel.id, count)).trim(), names).toBe(String(kill + 1));
      }
    }
  },
  3_600_000,
);

it('a kernel that ran a cell when its server was killed is not taken for idle, and an idle one is idle again', async () => {
  const { kernel: busy } = await openSession(local.jupyter, 'long.ipynb');
  const { kernel: idle } = await openSession(local.jupyter, 'idle.ipynb');
  await local.jupyter.execute(idle.id, '1');
  await local.jupyter.start(busy.id, 'import time; time.sleep(600)');
  await local.killServer();
  await local.restarted();
  await local.until(async () => {
    const { kernels } = (await local.call('GET', '/kernels')).body;
    const { state } = kernels.find(({ id }: Entry) => id === idle.id);
    return state === 'idle' ? true : undefined;
  }, 'the idle kernel is idle');
  const { status, body } = await local.call('DELETE', '/server');
  expect(status).toBe(409);
  expect(body.message).toContain(busy.id);
  expect(body.message).not.toContain(idle.id);
  // The operator asks Jupyter, before it ends a session that is not used.
  await local.until(async () => {
    const response = await local.jupyter.fetch(`/api/kernels/${busy.id}`);
    const { execution_state } = (await response.json()) as { execution_state: string };
    return execution_state === 'busy' ? true : undefined;
  }, 'Jupyter says that the other kernel is busy');
  for (const { id } of [busy, idle]) await local.jupyter.fetch(`/api/kernels/${id}`, { method: 'DELETE' });
});

it.each(places)('kernels %s that end with their server are not missing later', async (_, of) => {
  const server = of();
  const { id, kernel } = await openSession(server.jupyter, 'ended.ipynb');
  await server.stop();
  await server.launch();
  const { kernels, sessions } = await sync(server);
  expect(idsOf([...kernels.missing, ...kernels.lost, ...kernels.unknown])).not.toContain(kernel.id);
  expect(sessions.waiting).not.toContain(id);
});

it('a first synchronization that takes long continues while the server already responds', async () => {
  await using own = await Supervised.create({ args: ['--SessionKernels.autosync=False'] });
  mkdirSync(join(own.folder, 'config'));
  const code = `import sys\nsys.path.append(${JSON.stringify(sessionPython)})\n`;
  const limit = 'import session_kernels.extension\nsession_kernels.extension.FIRST_ROUND_SECONDS = 0\n';
  writeFileSync(join(own.folder, 'config/jupyter_server_config.py'), `${code}${limit}`);
  await own.launch();
  const session = await openSession(own.jupyter, 'late.ipynb');
  await own.killServer();
  await own.restarted();
  await own.until(async () => idsOf(await sessionsOf(own.jupyter)).includes(session.id) || undefined, 'the session');
  expect(own.output).toContain('The server starts, and the search continues.');
});

it('synchronizer 10: a damaged file of records is kept under another name and reported', async () => {
  await using server = await Supervised.start();
  await server.stop();
  for (const suffix of ['-wal', '-shm']) rmSync(join(server.state, `kernels.sqlite${suffix}`), { force: true });
  writeFileSync(join(server.state, 'kernels.sqlite'), 'this is not a database'.repeat(100));
  await server.launch();
  const report = await sync(server);
  expect(report.damaged_file).toMatch(/kernels\.sqlite\.corrupt-\d+$/);
  expect(readdirSync(server.state)).toContain(report.damaged_file.split('/').at(-1));
  expect(server.output).toContain('The file of kernels and sessions was damaged.');
});

it('a killed supervisor starts again without a second server, and with the same kernels', async () => {
  const session = await openSession(local.jupyter, 'supervisor.ipynb');
  await local.jupyter.execute(session.kernel.id, 'z = 3');
  const { pid } = (await local.call('GET', '/server')).body;
  await local.kill();
  await local.launch();
  expect(isAlive(pid)).toBe(false);
  expect(await local.jupyter.execute(session.kernel.id, 'print(z)')).toContain('3');
  const kernel = Number(await local.jupyter.execute(session.kernel.id, 'import os; print(os.getpid())'));
  await local.jupyter.fetch(`/api/sessions/${session.id}`, { method: 'DELETE' });
  expect(isAlive(kernel)).toBe(false);
});

it('a kernel inherits nothing of the supervisor', async () => {
  const { kernel } = await openSession(local.jupyter, 'environment.ipynb');
  const printed = await local.jupyter.execute(kernel.id, 'import os; print(sorted(os.environ))');
  expect(printed).not.toMatch(/SESSION_KERNELS|PYTHONPATH|JUPYTER_CONFIG_PATH|JPY_PARENT_PID/);
  expect(await local.jupyter.inTerminal('env')).not.toMatch(/SESSION_KERNELS|session-python|jupyter-config/);
});
