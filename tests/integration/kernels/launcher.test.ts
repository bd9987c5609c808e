import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ensureTls } from '../../../src/local/http/tls.ts';
import { freePort } from '../../support/free-ports.ts';
import { isAlive } from '../../support/platform.ts';
import { openSession, Supervised } from '../../support/session-python/supervisor.ts';

let supervised: Supervised;
beforeAll(async () => {
  supervised = await Supervised.start();
});
beforeEach(async () => {
  await supervised.call('POST', '/server', {});
});
afterAll(async () => {
  await supervised[Symbol.asyncDispose]();
});

it('launcher 1: a start returns when the server answers, and says where the server is', async () => {
  expect(await supervised.call('DELETE', '/server')).toMatchObject({ status: 200, body: { state: 'stopped' } });
  expect((await supervised.call('GET', '/server')).body).not.toHaveProperty('pid');
  const { status, body } = await supervised.call('POST', '/server', {});
  expect(status).toBe(201);
  expect((await supervised.jupyter.fetch('/api')).status).toBe(200);
  expect(body).toMatchObject({
    state: 'running',
    url: expect.stringMatching(/^http:/),
    port: supervised.port,
    base_url: '/',
    token_file: expect.stringMatching(/jpserver-\d+\.json$/),
    pid: expect.any(Number),
    root_dir: supervised.root,
    version: expect.stringMatching(/^\d/),
  });
  expect(JSON.stringify(body)).not.toContain('token-of-the-test');
});

it('launcher 2: of 20 starts at the same time, one starts the only server', async () => {
  await supervised.call('DELETE', '/server');
  const before = (await supervised.call('GET', '/server')).body.starts;
  const answers = await Promise.all(Array.from({ length: 20 }, () => supervised.call('POST', '/server', {})));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201]);
  expect(new Set(answers.map(({ body }) => body.pid)).size).toBe(1);
  expect((await supervised.call('GET', '/server')).body.starts).toBe(before + 1);
});

it('launcher 3: the gateway is given at a start, and a gateway that does not answer is reported', async () => {
  await using gateway = await Supervised.start();
  await supervised.call('DELETE', '/server');
  const { status, body } = await supervised.call('POST', '/server', { gateway_url: gateway.url });
  expect({ status, body }).toMatchObject({ status: 201, body: { state: 'running', gateway_url: gateway.url } });
  // The gateway wants a token, which this server does not have.
  expect(body.gateway_problem).toMatch(/The kernels of the gateway .* cannot be used\./);
  expect(await supervised.call('POST', '/server', { gateway_url: 'http://127.0.0.1:9' })).toMatchObject({
    status: 409,
    body: { message: expect.stringContaining('runs with another gateway') },
  });
  await supervised.call('DELETE', '/server?force=true');
});

it.each([
  [{ 'ServerApp.token': '' }, 'ServerApp.token: unknown option'],
  [{ config: '/etc/passwd' }, 'config: unknown option'],
  [{ 'a key': 1 }, 'a key: unknown option'],
  [{ gateway_url: 'file:///etc/passwd' }, 'gateway_url: must be an http or https URL'],
  [{ gateway_url: 'http://user:secret@host' }, 'gateway_url: must be an http or https URL without a user'],
  [{ gateway_url: 'http://host --ServerApp.token=' }, 'gateway_url: must be'],
])('launcher 4: the option %j is rejected', async (options, message) => {
  expect(await supervised.call('POST', '/server', options)).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining(message) },
  });
});

it('launcher 5: the error of a server that does not start has the last lines of its log', async () => {
  await supervised.call('DELETE', '/server');
  const listener = createServer().listen(supervised.port, '127.0.0.1');
  await once(listener, 'listening');
  try {
    const { status, body } = await supervised.call('POST', '/server', {});
    expect(status).toBe(500);
    expect(body.message).toMatch(/did not start: exit code 1/);
    expect(body.log.join('\n')).toMatch(/port.*in use/i);
    expect((await supervised.call('GET', '/server')).body).toMatchObject({ state: 'crashed', log: body.log });
  } finally {
    listener.close();
    await once(listener, 'close');
  }
});

it('launcher 6: a killed server is noticed, its file of the runtime folder is not believed, and it starts again', async () => {
  const { pid, token_file: file } = (await supervised.call('GET', '/server')).body;
  process.kill(pid, 'SIGKILL');
  const seen = await supervised.until(async () => {
    const { body } = await supervised.call('GET', '/server');
    return body.state !== 'running' ? body : undefined;
  }, 'the crash is noticed');
  expect(seen).toMatchObject({ state: expect.stringMatching(/crashed|starting/), last_exit: 'ended by signal 9' });
  expect(seen).not.toHaveProperty('pid');
  expect(existsSync(file)).toBe(true);
  expect((await supervised.untilState('running')).pid).not.toBe(pid);
});

it('launcher 7: a stop ends all kernels, and is rejected while a kernel is busy', async () => {
  const { id } = (await openSession(supervised.jupyter, 'busy.ipynb')).kernel;
  const pid = Number(await supervised.jupyter.execute(id, 'import os; os.getpid()'));
  await supervised.jupyter.start(id, 'import time; time.sleep(600)');
  expect(await supervised.call('DELETE', '/server')).toMatchObject({
    status: 409,
    body: { message: `These kernels are busy: ${id}. To end them nevertheless, send force=true.` },
  });
  // launcher 10
  const { kernels } = (await supervised.call('GET', '/kernels')).body;
  expect(kernels).toMatchObject([{ id, state: 'busy', path: 'busy.ipynb', memory_bytes: expect.any(Number) }]);
  expect(await supervised.call('DELETE', '/server?force=true')).toMatchObject({ body: { state: 'stopped' } });
  expect(isAlive(pid)).toBe(false);
  expect(readdirSync(join(supervised.folder, 'runtime')).filter((name) => name.startsWith('kernel-'))).toEqual([]);
});

it('launcher 8: SIGTERM ends the server and its kernels, and the supervisor with the exit code 0', async () => {
  await using own = await Supervised.start();
  const { id } = (await openSession(own.jupyter, 'a.ipynb')).kernel;
  const kernel = Number(await own.jupyter.execute(id, 'import os; os.getpid()'));
  const { pid } = (await own.call('GET', '/server')).body;
  expect(await own.stop()).toBe(0);
  expect({ server: isAlive(pid), kernel: isAlive(kernel) }).toEqual({ server: false, kernel: false });
});

it('launcher 9: a server that prints 100 MB is not delayed', async () => {
  await using own = await Supervised.start({
    before: `import os\nfor _ in range(1600): os.write(1, b"x" * 65535 + b"\\n")`,
  });
  expect((await own.call('GET', '/server')).body.state).toBe('running');
});

it('a server whose configuration disables the extension says that kernels end with it', async () => {
  await using own = await Supervised.start({
    config: { ServerApp: { jpserver_extensions: { session_kernels: false } } },
  });
  const { body } = await own.call('GET', '/server');
  expect(body.kernels_problem).toMatch(/Kernels end with the server.*disables the extension session_kernels/);
  expect(await own.call('POST', '/kernels/sync', {})).toMatchObject({ status: 409 });
  expect((await supervised.call('GET', '/server')).body.kernels_problem).toBeNull();
});

it.each([
  ['TLS', (folder: string) => tlsConfig(folder), /lets it use TLS \(ServerApp\.certfile\)/],
  ['a Unix socket', (folder: string) => ({ sock: join(folder, 'jupyter.sock') }), /lets it listen on a Unix socket/],
])('a server with %s starts without the supervisor, which leaves the reason', async (_, configuration, reason) => {
  const folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-launcher-'));
  try {
    const config = { ServerApp: await configuration(folder) };
    await using own = await Supervised.create({ config, listensAsConfigured: true });
    const { pid } = own.spawn();
    const file = join(own.state, 'unavailable');
    await own.until(async () => existsSync(file) || undefined, 'the reason is written');
    expect(readFileSync(file, 'utf8')).toMatch(reason);
    // The server replaces the supervisor.
    const running = join(own.folder, 'runtime', `jpserver-${pid}.json`);
    await own.until(async () => existsSync(running) || undefined, 'the server runs');
    expect(existsSync(join(own.state, 'supervisor.sock'))).toBe(false);
    expect(statusOf(pid)).not.toContain('session_kernels');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function tlsConfig(folder: string): Promise<object> {
  const { key, cert } = await ensureTls(folder);
  const files = { port: await freePort(), keyfile: join(folder, 'key.pem'), certfile: join(folder, 'cert.pem') };
  writeFileSync(files.keyfile, key);
  writeFileSync(files.certfile, cert);
  return files;
}

const statusOf = (pid: number | undefined): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8');

it('a lost kernel is removed by its owner, with its sessions, and another one is not', async () => {
  const lost = await openSession(supervised.jupyter, 'lost.ipynb');
  const kept = await openSession(supervised.jupyter, 'kept.ipynb');
  const pid = Number(await supervised.jupyter.execute(lost.kernel.id, 'import os; os.getpid()'));
  const { pid: server } = (await supervised.call('GET', '/server')).body;
  process.kill(server, 'SIGKILL');
  process.kill(pid, 'SIGKILL');
  await supervised.until(async () => {
    const { body } = await supervised.call('GET', '/server');
    return body.state === 'running' && body.pid !== server ? true : undefined;
  }, 'the server runs again');
  const listed = async () => (await supervised.call('GET', '/kernels')).body.kernels;
  expect(await listed()).toContainEqual(
    expect.objectContaining({ id: lost.kernel.id, state: 'lost', path: 'lost.ipynb', reason: expect.any(String) }),
  );
  expect(await supervised.call('DELETE', `/kernels/${lost.kernel.id}`)).toMatchObject({ status: 200 });
  expect((await listed()).map(({ id }: { id: string }) => id)).toEqual([kept.kernel.id]);
  const { kernels, sessions } = (await supervised.call('POST', '/kernels/sync', {})).body;
  expect([...kernels.lost, ...kernels.missing]).toEqual([]);
  expect(sessions).toEqual({ kept: [kept.id], restored: [], waiting: [] });
  expect(await supervised.call('DELETE', `/kernels/${lost.kernel.id}`)).toMatchObject({ status: 404 });
});

it('a server that ends at its first start ends the supervisor with its exit code and its output', async () => {
  await using own = await Supervised.create({ args: ['--ServerApp.root_dir=/another'] });
  const child = own.spawn();
  const [code] = await once(child, 'exit');
  expect(code).toBe(1);
  expect(own.output).toContain('Bad config encountered');
  expect(own.output).toContain('did not start: exit code 1');
});
