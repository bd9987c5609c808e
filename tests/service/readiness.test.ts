import { afterEach, beforeEach, expect, it } from 'vitest';
import { send } from '../support/app.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { kubeconfigOf } from '../support/sessions/kubeconfig.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

let backends: Backends;
let cluster: FaultyProxy;
let service: WholeService;

beforeEach(async () => {
  backends = await startBackends();
  cluster = await startFaultyProxy(backends.cluster.url);
});
/** Starts the service, which is not ready after `silenceLimitMs` without a response of the Kubernetes API. */
async function start(silenceLimitMs: number): Promise<void> {
  service = await startWholeService({
    kubeconfig: kubeconfigOf(cluster.url, 'the-service-account-token'),
    config: { git: { url: backends.gitlab.url, registry: backends.registry.host } },
    // About a 30th of the defaults.
    following: {
      timing: {
        watchTimeoutSeconds: 1,
        watchGraceMs: 170,
        listTimeoutMs: 1_000,
        backOffFirstMs: 10,
        backOffMaxMs: 300,
      },
      silenceLimitMs,
    },
    validateResponses: true,
  });
}
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await backends.close();
});

const ready = async () => {
  const response = await send(service.port, { path: '/ready' });
  const { dependencies } = response.json() as { dependencies: { detail: string }[] };
  return `${response.status} ${dependencies[0]?.detail}`;
};

it.each([
  ['slow', /^503 the Kubernetes API has not responded for \d+ s$/],
  ['429', /^503 the Kubernetes API has responded with errors only for \d+ s$/],
] as const)(
  'is not ready while the Kubernetes API is %s for too long, reports the reason, and still serves reads',
  async (fault, reason) => {
    await start(2_000);
    await expect.poll(ready).toMatch(/^200 the list of sessions was current/);
    const body = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
    const name = String((await service.request('POST', '/servers', body)).json()['name']);
    await expect.poll(async () => (await service.request('GET', `/servers/${name}`)).status).toBe(200);
    cluster.fail(fault);
    await expect.poll(ready).toMatch(reason);
    expect((await service.request('GET', `/servers/${name}`)).status).toBe(200);
    expect(Object.keys((await service.request('GET', '/servers')).json()['servers'] as object)).toEqual([name]);
    cluster.fail(undefined);
    await expect.poll(ready).toMatch(/^200/);
  },
);

it('replaces a watch that is dead while the API answers other calls, and stays ready', async () => {
  await start(5_000);
  await expect.poll(ready).toMatch(/^200/);
  // From here on watches stay open and receive nothing: the service replaces each of them.
  backends.cluster.isMute = true;
  const begun = backends.cluster.watchesBegun;
  const statuses = new Set<string>();
  const watchesSinceThen = async () => {
    statuses.add((await ready()).slice(0, 3));
    return backends.cluster.watchesBegun - begun;
  };
  // Each is open for about a second, so that they take much longer than the limit.
  await expect.poll(watchesSinceThen).toBeGreaterThanOrEqual(10);
  expect([...statuses]).toEqual(['200']);
});
