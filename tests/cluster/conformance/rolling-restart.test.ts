import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NotebookResponse } from '../../../src/generated/openapi.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { followSessions, Load, namesIn } from '../../support/clients-of-replicas.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import type { EventStream } from '../../support/event-stream.ts';
import { type ReplicaProxy, startReplicaProxy } from '../../support/replica-proxy.ts';
import { type ServiceProgram, startServiceProgram, stopServicePrograms } from '../../support/service-program.ts';
import { commitSha, type FakeGitLab, startFakeGitLab } from '../../support/sessions/fake-gitlab.ts';
import { type FakeRegistry, startFakeRegistry } from '../../support/sessions/fake-registry.ts';

const restarts = 10;
const requestsPerSecond = 200;
const connections = 20;
const streamClients = 4;
const sessions = '/notebooks/servers';

let cluster: ClusterUnderTest;
let gitlab: FakeGitLab;
let registry: FakeRegistry;
let proxy: ReplicaProxy;
const directory = mkdtempSync(join(tmpdir(), 'rolling-restart-'));

beforeAll(async () => {
  [cluster, gitlab, registry, proxy] = await Promise.all([
    openClusterUnderTest(),
    startFakeGitLab(),
    startFakeRegistry(),
    startReplicaProxy(),
  ]);
  writeFileSync(join(directory, 'kubeconfig'), cluster.serviceKubeconfig, { mode: 0o600 });
});
afterAll(async () => {
  proxy.close();
  stopServicePrograms();
  await Promise.all([cluster.close(), gitlab.close(), registry.close()]);
  rmSync(directory, { recursive: true });
});

interface Replica {
  readonly program: ServiceProgram;
  readonly port: number;
}

async function startReplica(): Promise<Replica> {
  const program = startServiceProgram({
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    KUBECONFIG: join(directory, 'kubeconfig'),
    HOST: '127.0.0.1',
    PORT: '0',
    NB_GIT__URL: gitlab.url,
    NB_GIT__REGISTRY: registry.host,
    NB_K8S__RENKU_NAMESPACE: cluster.namespace,
    NB_SESSIONS__INGRESS__HOST: 'sessions.example.org',
    NB_ANONYMOUS_SESSIONS_ENABLED: 'true',
    NB_IDENTITY__GATEWAY: 'off',
    NB_IDENTITY__COOKIE_SECRET: 'the same secret of 32 bytes or more',
    NB_SERVER__SHUTDOWN_DELAY_MS: '1000',
  });
  const { address } = await program.says('listening');
  const { port } = address as { port: number };
  proxy.add(port);
  return { program, port };
}

const isReady = async (port: number): Promise<void> =>
  expect.poll(() => proxy.ready.includes(port), { timeout: 60_000, interval: 20 }).toBe(true);

it('two replicas serve every request and lose no event of a stream while one of them is restarted ten times', async () => {
  const [first, fixed] = await Promise.all([startReplica(), startReplica()]);
  let replica = first;
  await Promise.all([isReady(first.port), isReady(fixed.port)]);

  // The cookie of one replica is valid at the other.
  const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
  const launched = await fetch(`http://127.0.0.1:${first.port}/notebooks/servers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(project),
  });
  const { name } = (await launched.json()) as NotebookResponse;
  expect(launched.status).toBe(201);
  const headers = { cookie: launched.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  const atOther = await fetch(`http://127.0.0.1:${fixed.port}/notebooks/servers/${name}`, { headers });
  expect(atOther.status).toBe(200);

  const object = await cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, name, testDeadline());
  const { labels, annotations } = object?.metadata ?? {};
  const stop = new AbortController();
  const clients = Array.from({ length: streamClients }, (): EventStream[] => []);
  const following = Promise.all(
    clients.map((streams, index) => {
      const { port } = index % 2 === 0 ? first : fixed;
      const urls = { first: `http://127.0.0.1:${port}${sessions}`, others: `${proxy.url}${sessions}` };
      return followSessions(urls, headers, streams, stop.signal);
    }),
  );
  const created: string[] = [];
  let isCreating = true;
  async function createSessions(): Promise<void> {
    for (let count = 0; isCreating; count += 1) {
      const metadata = { name: `made-${count}`, namespace: cluster.namespace, labels, annotations };
      const body: JupyterServer = {
        ...object,
        metadata: { ...metadata, labels: labels ?? {}, annotations: annotations ?? {} },
      };
      await cluster.client.create(jupyterServers, cluster.namespace, body, testDeadline());
      created.push(metadata.name);
      await delay(250);
    }
  }
  const creating = createSessions();
  const paths = [`${sessions}?branch=none`, `${sessions}/${name}`];
  const load = new Load(proxy.url, paths, { headers, requestsPerSecond, connections });

  for (let count = 0; count < restarts; count += 1) {
    const { program, port } = replica;
    program.child.kill('SIGTERM');
    expect(await program.exit).toBe(0);
    proxy.remove(port);
    replica = await startReplica();
    await isReady(replica.port);
  }
  await load.stop();
  isCreating = false;
  await creating;
  const missing = (): string[] => clients.map(namesIn).flatMap((names) => created.filter((each) => !names.has(each)));
  await expect.poll(missing, { timeout: 30_000, interval: 200 }).toEqual([]);
  stop.abort();
  await following;

  expect(load.failures).toEqual([]);
  expect(load.responses).toBeGreaterThan(restarts * requestsPerSecond);
  const endings = clients.flatMap((streams) => streams.slice(0, -1).map(({ ending }) => ending));
  // Half of the streams began at the replica that was restarted.
  expect(endings.length).toBeGreaterThanOrEqual(streamClients / 2);
  expect(endings).toEqual(endings.map(() => 'shutdown'));
  console.info(
    `${load.responses} responses, ${load.repeated} requests repeated after a reset, ${created.length} sessions, ${endings.length} streams ended`,
  );
}, 600_000);
