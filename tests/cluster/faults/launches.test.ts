import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { secretReferences } from '../../../src/sessions/manifest/secret-references.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { killAtWrite, killTimes } from '../../support/kill-at-write.ts';
import type { ApiRequest } from '../../support/kubernetes/api-server-proxy.ts';
import { type ProgramsOnCluster, programsOnCluster, type RunningService } from '../../support/programs-on-cluster.ts';

/** Launches by processes of the service on a real API server, with lost responses and killed processes. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
});
afterAll(async () => {
  await programs?.close();
  await cluster?.close();
});

let commits = 0;
/** Returns the body of a launch at a new commit, so of a new session. */
function newLaunch(): { namespace: string; project: string; commit_sha: string; environment_variables: object } {
  commits += 1;
  const commit = commits.toString(16).padStart(40, 'c');
  programs.gitlab.refs.set(commit, commit);
  return {
    namespace: 'my-group',
    project: 'my-project',
    commit_sha: commit,
    environment_variables: { GREETING: 'hello' },
  };
}

const isCreate = ({ method, path }: ApiRequest): boolean =>
  method === 'POST' && /\/(jupyterservers|secrets)$/.test(path);
const allServers = () => cluster.client.list<JupyterServer>(jupyterServers, cluster.namespace, {}, testDeadline());
const allSecrets = () =>
  cluster.client.list<KubernetesObject & { data?: object }>(resource.secrets, cluster.namespace, {}, testDeadline());

/** Expects that each session has its Secrets, and that each Secret belongs to a session. */
async function expectComplete(): Promise<void> {
  const [servers, secrets] = [await allServers(), await allSecrets()];
  const owners = secrets.map(({ metadata }) => metadata.ownerReferences?.[0]?.uid);
  expect(owners.filter((uid) => !servers.some(({ metadata }) => metadata.uid === uid))).toEqual([]);
  for (const { metadata, spec } of servers) {
    const own = secrets.filter((secret) => secret.metadata.ownerReferences?.[0]?.uid === metadata.uid);
    for (const { name, key } of secretReferences(spec)) {
      expect(own.find((secret) => secret.metadata.name === name)?.data, `${name} ${key}`).toHaveProperty([key]);
    }
    expect(own.length).toBeGreaterThanOrEqual(2);
  }
}

describe('200 identical launches at two processes', () => {
  it('create one session if every fifth create request is processed and gets no response', async () => {
    const proxy = await programs.proxy();
    const services = await Promise.all([programs.startService(proxy), programs.startService(proxy)]);
    for (let round = 0; round < 3; round += 1) {
      const body = newLaunch();
      // In the first round, the first request of all gets no response.
      let creates = 4 - round;
      proxy.fault = (request) => {
        if (!isCreate(request)) return undefined;
        creates += 1;
        return creates % 5 === 0 ? 'cut after commit' : undefined;
      };
      // Requests with different tokens do not share a launch within a process.
      const responses = await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          (services[index % 2] as RunningService).launch(body, `token-${Math.floor(index / 10)}`),
        ),
      );
      const statuses = responses.map(({ status }) => status);
      expect(statuses.filter((status) => status === 201)).toHaveLength(1);
      expect(statuses.filter((status) => status === 200)).toHaveLength(199);
      expect(proxy.hits).toBeGreaterThan(1);
      proxy.recover();
      const names = new Set(responses.map((response) => response.json()['name']));
      expect(names.size).toBe(1);
      const found = (await allServers()).filter(({ metadata }) => names.has(metadata.name ?? ''));
      expect(found).toHaveLength(1);
    }
    await expectComplete();
    for (const { child } of services) child.kill('SIGKILL');
  });
});

describe('a service that is killed during a launch', () => {
  it.each(killTimes)(
    '(%s any of its writes) leaves what the next request completes at another replica',
    async (when) => {
      const other = await programs.startService(await programs.proxy());
      const proxy = await programs.proxy();
      for (let at = 1; ; at += 1) {
        const body = newLaunch();
        const service = await programs.startService(proxy);
        const wasKilled = killAtWrite(at, when, proxy, service.child);
        const response = await service.launch(body).catch(() => undefined);
        proxy.recover();
        proxy.onResponse = () => undefined;
        service.child.kill('SIGKILL');
        await service.exit;
        if (!wasKilled()) {
          expect(response?.status).toBe(201);
          // The JupyterServer and its two Secrets.
          expect(at).toBeGreaterThan(3);
          break;
        }
        const next = await other.launch(body);
        expect([200, 201], next.text).toContain(next.status);
        await expectComplete();
      }
      other.child.kill('SIGKILL');
    },
  );
});
