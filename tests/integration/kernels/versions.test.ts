import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../../support/platform.ts';
import { type EnvironmentName, environmentOf, pythonFor } from '../../support/session-python/environment.ts';
import {
  execute,
  idsOf,
  interruptCell,
  openSession,
  Supervised,
  sessionsOf,
  startFront,
  sync,
} from '../../support/session-python/supervisor.ts';

/** The oldest and the newest supported versions, each with a Python of its age, if this machine has one. */
const names: EnvironmentName[] = [];
for (const name of ['oldest', 'newest'] as const) {
  if (await pythonFor(name)) names.push(name);
  else
    process.stderr.write(
      `  The ${name} versions are not tested: no Python for them, see tests/session-python/environments\n`,
    );
}

describe.concurrent.each(names)('with the %s versions of Python and Jupyter', (name) => {
  const started = new AsyncDisposableStack();
  let python: string;
  /** Also the gateway of `front`. */
  let local: Supervised;
  let front: Supervised;
  beforeAll(async () => {
    ({ python } = await environmentOf(name));
    local = started.use(await Supervised.start({ python }));
    front = started.use(await startFront(local.url, { python }));
  });
  afterAll(() => started.disposeAsync());

  it('kernels are found again and used as before, on the same machine and behind a gateway', {
    concurrent: false,
  }, async () => {
    for (const server of [front, local]) {
      const session = await openSession(server.jupyter, 'a.ipynb');
      const shared = await openSession(server.jupyter, 'b.ipynb', session.kernel.id);
      const { id } = session.kernel;
      expect(shared.kernel.id).toBe(id);
      await execute(server, id, 'x = 41');
      await server.killServer();
      await server.untilState('running');
      const found = (await sessionsOf(server.jupyter)).map((each) => [each.id, each.path, each.kernel.id]);
      expect(found.sort()).toEqual([session, shared].map((each) => [each.id, each.path, id]).sort());
      const report = await sync(server);
      expect(idsOf(report.kernels.kept)).toEqual([id]);
      expect(await sync(server)).toEqual(report);

      await interruptCell(server, id);
      expect(await execute(server, id, 'print(x)')).toContain('41');
      await server.jupyter.post(`/api/kernels/${id}/restart`);
      expect(await execute(server, id, 'print("x" in globals())')).toContain('False');
      const pid = Number(await execute(server, id, 'import os; os.getpid()'));
      await server.jupyter.fetch(`/api/sessions/${session.id}`, { method: 'DELETE' });
      expect(isAlive(pid)).toBe(true);
      await server.jupyter.fetch(`/api/sessions/${shared.id}`, { method: 'DELETE' });
      expect(isAlive(pid)).toBe(false);
      expect(await sync(server)).toMatchObject({ kernels: { kept: [] }, sessions: { kept: [] } });
    }
  });

  it('a killed kernel that was found again starts again with the same id', { concurrent: false }, async () => {
    const { kernel } = await openSession(local.jupyter, 'killed.ipynb');
    const pid = Number(await execute(local, kernel.id, 'import os; os.getpid()'));
    await local.killServer();
    await local.restarted();
    process.kill(pid, 'SIGKILL');
    const next = await local.until(async () => {
      const { kernels } = (await local.call('GET', '/kernels')).body;
      const { state, memory_bytes: memory } = kernels.find((each: { id: string }) => each.id === kernel.id);
      return memory && state !== 'dead' ? Number(await execute(local, kernel.id, 'import os; os.getpid()')) : undefined;
    }, 'the kernel runs again');
    expect(next).not.toBe(pid);
    await local.jupyter.fetch(`/api/kernels/${kernel.id}`, { method: 'DELETE' });
  });

  it('Jupyter starts also if it cannot record its kernels, and says so', { concurrent: false }, async () => {
    await using server = await Supervised.create({ python });
    // Not even root can open it as a file.
    mkdirSync(join(server.state, 'kernels.sqlite'), { recursive: true });
    await server.launch();
    const reason = /Kernels end with this server, because they cannot be recorded: .*kernels\.sqlite/;
    expect(server.output).toMatch(reason);
    expect((await server.call('POST', '/kernels/sync', {})).body.message).toMatch(reason);
    const id = await server.jupyter.startKernel();
    expect(await execute(server, id, 'print(1 + 1)')).toContain('2');
  });
});
