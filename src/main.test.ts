import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startServiceProgram, stopServicePrograms } from '../tests/support/service-program.ts';

const directory = mkdtempSync(join(tmpdir(), 'service-'));
const servers: Server[] = [];

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The part of a Kubernetes API server that a service without sessions uses: empty lists and watches without events. */
function emptyApiServer(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://x');
  res.setHeader('content-type', 'application/json');
  if (url.searchParams.get('watch')) res.writeHead(200).flushHeaders();
  else res.end(JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items: [] }));
}

let env: Record<string, string>;
/** Requests to GitLab without a response yet. */
const waiting: ServerResponse[] = [];

beforeAll(async () => {
  const server = await serve(emptyApiServer);
  const gitlab = await serve((_req, res) => void waiting.push(res.setHeader('content-type', 'application/json')));
  const kubeconfig = join(directory, 'kubeconfig');
  const entry = (key: string, value: object) => [{ name: 'test', [key]: value }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: entry('cluster', { server }),
      users: entry('user', {}),
      contexts: entry('context', { cluster: 'test', user: 'test' }),
      'current-context': 'test',
    }),
  );
  env = {
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: kubeconfig,
    SOCKET: join(directory, 'service.sock'),
    NB_GIT__URL: gitlab,
    NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
    NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
    NB_IDENTITY__GATEWAY: 'off',
  };
});
afterEach(stopServicePrograms);
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(directory, { recursive: true });
});

const run = (changes: Record<string, string> = {}) => startServiceProgram({ ...env, ...changes });

async function get(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; connection?: string | undefined }> {
  const call = request({ socketPath: join(directory, 'service.sock'), path, headers }).end();
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, text, connection: response.headers.connection };
}

describe('the service', () => {
  it('starts, responds, finishes running requests when it stops, and removes its socket', async () => {
    const service = run();
    await service.says('listening');
    expect(await get('/health')).toMatchObject({
      status: 200,
      text: 'Notebook Sessions is running under the prefix /notebooks.',
    });
    await service.says('all sessions are known');
    expect(JSON.parse((await get('/ready')).text)).toMatchObject({
      ready: true,
      dependencies: [{ name: 'kubernetes', ready: true }],
    });
    expect(await get('/notebooks/servers')).toMatchObject({ status: 200, text: '{"servers":{}}' });
    expect((await get('/notebooks/')).text).toContain('<!doctype html>');
    expect((await get('/notebooks/docs/')).status).toBe(200);

    const slow = get('/notebooks/projects');
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    service.child.kill('SIGTERM');
    await service.says('stopping');
    await expect(get('/health')).rejects.toThrow();
    waiting.pop()?.end('[]');
    expect(await slow).toMatchObject({ status: 200, text: '{"projects":[]}' });
    expect(await service.exit).toBe(0);
    expect(existsSync(join(directory, 'service.sock'))).toBe(false);
    expect(service.stderr()).toBe('');
  });

  it('imports no package that takes much memory without being needed', async () => {
    // Prints the URL of each file that the program imports.
    const hook = join(directory, 'hook.mjs');
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module';
       registerHooks({ load: (url, context, next) => (process.stderr.write(url + '\\n'), next(url, context)) });`,
    );
    const service = run({ NODE_OPTIONS: `--import=${hook}` });
    await service.says('all sessions are known');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
    const imported = service.stderr().split('\n');
    const of = (name: string) => imported.filter((url) => url.includes(`/node_modules/${name}/`));
    expect(of('express')).not.toEqual([]);
    // Its index takes 57 MiB, because it imports the types of all APIs.
    expect(of('@kubernetes/client-node').map((url) => url.split('/').at(-1))).toEqual(['config_types.js']);
    // Packages of the local platform and of tests.
    expect([
      of('selfsigned'),
      of('fast-json-patch'),
      of('typescript'),
      imported.filter((url) => url.includes('/src/local/')),
    ]).toEqual([[], [], [], []]);
  });

  it('is not ready after SIGTERM, serves requests and closes their connections until the delay is over, and ends then', async () => {
    const service = run({ NB_SERVER__SHUTDOWN_DELAY_MS: '6000' });
    await service.says('all sessions are known');
    service.child.kill('SIGTERM');
    await service.says('stopping');
    const ready = await get('/ready');
    expect(ready.status).toBe(503);
    expect(JSON.parse(ready.text)).toMatchObject({
      dependencies: [{ ready: true }, { name: 'service', ready: false }],
    });
    const response = await get('/notebooks/servers');
    expect([response.status, response.connection]).toEqual([200, 'close']);
    expect(await service.exit).toBe(0);
    await expect(get('/health')).rejects.toThrow();
  }, 60_000);

  it('serves its metrics on a port of its own, unless they are disabled', async () => {
    const service = run();
    const { metrics } = await service.says('the metrics are served at /metrics');
    const { port } = metrics as AddressInfo;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('notebook_sessions_cache_sessions');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);

    const silent = run({ NB_METRICS__ENABLED: 'false' });
    await silent.says('listening');
    expect(silent.stdout()).not.toContain('/metrics');
    silent.child.kill('SIGTERM');
    expect(await silent.exit).toBe(0);
  }, 60_000);

  it('starts without its metrics, and logs the reason, if their port is taken', async () => {
    const { port } = new URL(env['NB_GIT__URL'] ?? '');
    const service = run({ NB_METRICS__PORT: port, HOST: '127.0.0.1' });
    await service.says('listening');
    expect(service.stdout()).toContain('the port cannot be used; change metrics.port (NB_METRICS__PORT)');
    service.child.kill('SIGTERM');
    expect(await service.exit).toBe(0);
  }, 60_000);

  it('prints each configuration error on a line', async () => {
    const service = run({ NB_IDENTITY__GATEWAY: 'maybe', NB_SERVICE_PREFIX: 'x' });
    expect(await service.exit).toBe(1);
    expect(service.stderr()).toMatch(
      /^The service cannot start: the configuration has 2 errors:\n {2}NB_IDENTITY__GATEWAY: identity\.gateway [^\n]+\n {2}NB_SERVICE_PREFIX: service_prefix [^\n]+\n$/,
    );
    const line = JSON.parse(service.stdout().trim()) as { level: number; msg: string };
    expect(line).toMatchObject({ level: 60, msg: expect.stringContaining('identity.gateway') });
  });

  it.each([
    [{ KUBECONFIG: '/nowhere/kubeconfig' }, /kubeconfig|KUBECONFIG/i],
    [{ SOCKET: '/nowhere/service.sock' }, /cannot listen on the socket \/nowhere\/service\.sock/],
    [{ SOCKET: '', PORT: 'http' }, /PORT must be a whole number/],
  ])(
    'prints in one line why it cannot start: %j',
    async (changes, sentence) => {
      const service = run(changes);
      expect(await service.exit).toBe(1);
      expect(service.stderr()).toMatch(sentence);
      expect(service.stderr().trim().split('\n')).toHaveLength(1);
    },
    60_000,
  );
});
