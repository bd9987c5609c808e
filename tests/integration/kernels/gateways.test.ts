import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentOf, pythonFor } from '../../support/session-python/environment.ts';
import { Gateway, type GatewayName, gatewayPrograms } from '../../support/session-python/gateway.ts';
import {
  execute,
  idsOf,
  interruptCell,
  openSession,
  type Supervised,
  sessionsOf,
  startFront,
  sync,
} from '../../support/session-python/supervisor.ts';

/** Those for which this machine has a Python. */
const names: GatewayName[] = [];
for (const name of Object.keys(gatewayPrograms) as GatewayName[]) {
  const { environment } = gatewayPrograms[name];
  if ((await pythonFor(environment)) && (await pythonFor('newest'))) names.push(name);
  else process.stderr.write(`  ${name} is not tested: no Python for it, see tests/session-python/environments\n`);
}

// The gateways, with a server each, do not share anything: their tests run at the same time.
describe.concurrent.each(names)('kernels behind %s', (name) => {
  const started = new AsyncDisposableStack();
  let gateway: Gateway;
  let front: Supervised;
  beforeAll(async () => {
    const { python } = await environmentOf('newest');
    gateway = started.use(await Gateway.start(name));
    front = started.use(await startFront(gateway.url, { python }));
  });
  afterAll(() => started.disposeAsync());

  const kernelsOf = async (server: Supervised): Promise<string[]> =>
    idsOf((await (await server.jupyter.fetch('/api/kernels')).json()) as { id: string }[]);

  it('are found again after their server was killed, used as before, and those of others are left alone', {
    concurrent: false,
  }, async () => {
    const session = await openSession(front.jupyter, 'survives.ipynb');
    await execute(front, session.kernel.id, 'x = 41');
    const withoutSession = await front.jupyter.startKernel();
    const foreign = await gateway.jupyter.startKernel();
    await front.killServer();
    await front.untilState('running');
    const found = (await sessionsOf(front.jupyter)).find(({ path }) => path === 'survives.ipynb');
    expect(found).toMatchObject({ id: session.id, kernel: { id: session.kernel.id } });
    expect(await execute(front, session.kernel.id, 'print(x)')).toContain('41');
    const first = await sync(front);
    expect(idsOf(first.kernels.kept)).toEqual([session.kernel.id, withoutSession].sort());
    for (let round = 0; round < 10; round++) expect(await sync(front)).toEqual(first);
    expect((await kernelsOf(front)).sort()).toEqual([session.kernel.id, withoutSession].sort());
    expect((await gateway.jupyter.fetch(`/api/kernels/${foreign}`)).status).toBe(200);
    await interruptCell(front, session.kernel.id);
    expect(await execute(front, session.kernel.id, 'print(x)')).toContain('41');
    await front.jupyter.post(`/api/kernels/${session.kernel.id}/restart`);
    expect(await execute(front, session.kernel.id, 'print("x" in globals())')).toContain('False');
    for (const id of [session.kernel.id, withoutSession]) {
      await front.jupyter.fetch(`/api/kernels/${id}`, { method: 'DELETE' });
      expect((await gateway.jupyter.fetch(`/api/kernels/${id}`)).status).toBe(404);
    }
    expect((await sync(front)).kernels.kept).toEqual([]);
  });

  it('are reported as lost after they were ended at the gateway', { concurrent: false }, async () => {
    const { kernel } = await openSession(front.jupyter, 'lost.ipynb');
    await gateway.jupyter.fetch(`/api/kernels/${kernel.id}`, { method: 'DELETE' });
    await untilLost(kernel.id);
  });

  it('keep their records while the gateway does not answer, and are lost if it comes back without them', {
    concurrent: false,
  }, async () => {
    const session = await openSession(front.jupyter, 'outage.ipynb');
    await gateway.kill();
    await front.killServer();
    await front.restarted();
    const { kernels, sessions } = await sync(front);
    expect(kernels.unknown).toContainEqual(
      expect.objectContaining({ id: session.kernel.id, reason: expect.stringContaining('does not answer') }),
    );
    expect(sessions.waiting).toContain(session.id);
    await gateway.launch();
    await untilLost(session.kernel.id);
    expect((await sync(front)).sessions.waiting).toContain(session.id);
    const { kernel } = await openSession(front.jupyter, 'outage.ipynb');
    expect(await execute(front, kernel.id, 'print(1 + 1)')).toContain('2');
  });

  async function untilLost(id: string): Promise<void> {
    const lost = await front.until(async () => {
      const { kernels } = (await front.call('GET', '/kernels')).body;
      return kernels.find((each: { id: string; state: string }) => each.id === id && each.state === 'lost');
    }, 'the kernel is lost');
    expect(lost.reason).toBe(`the gateway ${gateway.url} does not have the kernel any more`);
    expect(idsOf((await sync(front)).kernels.lost)).toContain(id);
  }
});
