import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config/types.ts';
import { send, type TestResponse } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { testConfig } from '../support/sessions/config.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

let backends: Backends;
let service: WholeService;

beforeAll(async () => {
  backends = await startBackends();
  const { cluster, gitlab, registry } = backends;
  service = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: {
      git: { url: gitlab.url, registry: registry.host },
      request: { ...testConfig().request, deadline_ms: 3_000 },
    },
  });
});
beforeEach(() => {
  backends.gitlab.fault = () => undefined;
  backends.gitlab.paths.length = 0;
  backends.registry.fault = () => undefined;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await backends.close();
});

type Request = WholeService['request'];
const asJohn: Request = (...request) => service.request(...request);
/** Sends a request as the anonymous user with this number. */
const anonymous =
  (id: number): Request =>
  (method, path, body) =>
    send(service.port, {
      method,
      path: `/notebooks${path}`,
      headers: { 'content-type': 'application/json', 'renku-auth-anon-id': `anon-${id}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const statuses = (responses: readonly TestResponse[]) => {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const checkImage = (name: string, request = asJohn) =>
  request('GET', `/images?image_url=${encodeURIComponent(`${backends.registry.host}/${name}`)}`);

it('limits the image checks of one user that hang, and does not delay those of other users', async () => {
  backends.registry.fault = (path) => (path.includes('slow') ? 'silence' : undefined);
  const hanging = many(15, (index) => checkImage(`slow/${index}`));
  const quick = await Promise.all(many(5, (index) => checkImage('my-group/my-project:0123456', anonymous(index))));
  expect(statuses(quick)).toEqual({ 200: 5 });
  const responses = await Promise.all(hanging);
  expect(statuses(responses)).toEqual({ 404: 10, 429: 5 });
  const rejected = responses.find(({ status }) => status === 429);
  expect([rejected?.error().code, rejected?.headers['retry-after']]).toEqual([1429, '5']);
});

it('limits the image checks of all anonymous users at one address together, because anonymous ids cost nothing', async () => {
  backends.registry.fault = (path) => (path.includes('slow') ? 'silence' : undefined);
  const hanging = many(60, (index) => checkImage(`slow/anonymous-${index}`, anonymous(index)));
  expect((await checkImage('my-group/my-project:0123456')).status).toBe(200);
  expect(statuses(await Promise.all(hanging))).toEqual({ 404: 40, 429: 20 });
});

it('counts dry runs with the launches of the same user only', async () => {
  backends.gitlab.fault = () => 'silence';
  const body = (branch: string) => ({ namespace: 'my-group', project: 'my-project', commit_sha: commitSha, branch });
  const dryRun = (index: number, request = asJohn) => request('POST', '/servers?dry_run=true', body(`dry-${index}`));
  const own = [
    ...many(15, (index) => service.request('POST', '/servers', body(`launch-${index}`))),
    ...many(10, (index) => dryRun(index)),
  ];
  const other = await Promise.all(many(5, (index) => dryRun(index, anonymous(1))));
  expect(statuses(other)).toEqual({ 200: 5 });
  const responses = await Promise.all(own);
  expect(responses.filter(({ status }) => status === 429)).toHaveLength(5);
});

/** Starts another service. */
async function started(changes: Partial<Config>): Promise<WholeService> {
  const { cluster, gitlab, registry } = backends;
  const git = { url: gitlab.url, registry: registry.host };
  const another = await startWholeService({ kubeconfig: cluster.kubeconfig, config: { git, ...changes } });
  onTestFinished(() => another[Symbol.asyncDispose]());
  return another;
}

const limitsOf = (changes: Partial<Config['limits']>) => ({ limits: { ...testConfig().limits, ...changes } });

it('limits the requests of one user that are in progress, and does not reject those of others', async () => {
  const at = await started(limitsOf({ requests_in_flight: { registered: 3, anonymous: 3 } }));
  backends.gitlab.fault = () => 'silence';
  const hanging = many(3, (index) => at.request('GET', `/projects?page=${index + 1}`));
  // A lookup of the test before may still be calling GitLab.
  const listed = () => backends.gitlab.paths.filter((path) => path === '/api/v4/projects');
  await expect.poll(() => listed().length).toBe(3);
  const [rejected, other] = await Promise.all([
    at.request('GET', '/servers'),
    send(at.port, { path: '/notebooks/servers', headers: { 'renku-auth-anon-id': 'anon-1' } }),
  ]);
  expect([rejected.status, rejected.error().code, rejected.headers['retry-after']]).toEqual([429, 1429, '5']);
  expect(rejected.error().message).toBe('You have 3 requests in progress already.');
  expect(other.status).toBe(200);
  await Promise.all(hanging);
  expect((await at.request('GET', '/servers')).status).toBe(200);
}, 30_000);

it('counts anonymous users by the address that a trusted proxy names, and by no address that a client invents', async () => {
  const requests_in_flight = { registered: 1, anonymous: 1 };
  const at = await started({
    ...limitsOf({ requests_in_flight }),
    server: { trusted_proxies: ['127.0.0.0/8', '10.0.0.0/8'], shutdown_delay_ms: 0 },
  });
  const direct = await started(limitsOf({ requests_in_flight }));
  backends.gitlab.fault = () => 'silence';
  const from = (target: WholeService, forwarded: string, path = '/servers') =>
    send(target.port, {
      path: `/notebooks${path}`,
      headers: { 'renku-auth-anon-id': `anon-${Math.random()}`.replace('.', ''), 'x-forwarded-for': forwarded },
    });
  const hanging = [from(at, '198.51.100.7, 10.1.2.3', '/projects'), from(direct, '198.51.100.7', '/projects')];
  await expect.poll(() => backends.gitlab.paths.filter((path) => path.endsWith('/projects')).length).toBeGreaterThan(1);
  const [same, withPorts, another, invented, untrusted] = await Promise.all([
    from(at, '198.51.100.7'),
    // As some proxies write them.
    from(at, '198.51.100.7:50000, 10.1.2.3:50001'),
    from(at, '198.51.100.8, 10.1.2.3'),
    from(at, '203.0.113.1, 198.51.100.7'),
    from(direct, '203.0.113.1'),
  ]);
  const all = [same, withPorts, another, invented, untrusted];
  expect(all.map(({ status }) => status)).toEqual([429, 429, 200, 429, 429]);
  expect(same.error().message).toBe('Anonymous users at your address have 1 requests in progress already.');
  await Promise.all(hanging);
}, 30_000);

it('limits the sessions of a user, also in launches at the same time, and a stopped session frees a place', async () => {
  const at = await started(limitsOf({ sessions_per_user: { registered: null, anonymous: 2 } }));
  for (const id of ['a', 'b', 'c', 'd', 'e']) backends.gitlab.refs.set(`ref-${id}`, id.repeat(40));
  const call = (method: string, path: string, body?: object) =>
    send(at.port, {
      ...{ method, path: `/notebooks${path}` },
      headers: { 'content-type': 'application/json', 'renku-auth-anon-id': 'anon-collector' },
      ...(body && { body: JSON.stringify(body) }),
    });
  const body = (id: string) => ({ namespace: 'my-group', project: 'my-project', commit_sha: `ref-${id}` });
  const launches = await Promise.all(['a', 'b', 'c', 'd'].map((id) => call('POST', '/servers', body(id))));
  expect(statuses(launches)).toEqual({ 201: 2, 429: 2 });
  const rejected = launches.find(({ status }) => status === 429);
  expect([rejected?.error().code, rejected?.headers['retry-after']]).toEqual([1430, '60']);
  const dryRun = (await call('POST', '/servers?dry_run=true', body('e'))).json();
  expect(dryRun).toMatchObject({ possible: false, problems: [{ code: 1430, status: 429 }] });
  const first = launches.find(({ status }) => status === 201);
  await call('DELETE', `/servers/${String(first?.json()['name'])}`);
  expect((await call('POST', '/servers', body('e'))).status).toBe(201);
}, 30_000);

it('launches for others while two registries accept connections of two users and never respond', async () => {
  const silent = await Promise.all(
    many(2, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      const sockets = new Set<Socket>();
      server.on('connection', (socket) => sockets.add(socket));
      onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
      await once(server, 'listening');
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    }),
  );
  const at = await started({ outbound: { allowed_networks: ['127.0.0.0/8'] } });
  const by = (id: string, method: string, path: string, body?: object) =>
    send(at.port, {
      ...{ method, path: `/notebooks${path}` },
      headers: { 'content-type': 'application/json', 'renku-auth-anon-id': `anon-${id}` },
      ...(body && { body: JSON.stringify(body) }),
    });
  let ended = 0;
  const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
  const hostile = many(20, (index) =>
    by('mallory', 'POST', '/servers', { ...project, image: `${silent[index % 2]}/slow/${index}:1` }).then(
      (response) => {
        ended += 1;
        return response.status;
      },
    ),
  );
  const checks = many(10, (index) => at.request('GET', `/images?image_url=${silent[index % 2]}/check-${index}:1`));
  const image = `${backends.registry.host}/my-group/my-project:0123456`;
  const strangers = await Promise.all(
    many(10, (index) => by(`stranger-${index}`, 'POST', '/servers', { ...project, image })),
  );
  expect(statuses(strangers)).toEqual({ 201: 10 });
  expect(ended).toBe(0);
  await Promise.all([...hostile, ...checks]);
}, 60_000);
