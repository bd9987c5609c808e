import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorKind } from '../../src/errors.ts';
import type { DryRunResponse } from '../../src/generated/openapi.ts';
import type { TestResponse } from '../support/app.ts';
import { type Fault, type FaultyProxy, faults, retryAfterSeconds, startFaultyProxy } from '../support/faulty-proxy.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { testConfig } from '../support/sessions/config.ts';
import { type FakeClasses, startFakeClasses } from '../support/sessions/fake-classes.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { kubeconfigOf } from '../support/sessions/kubeconfig.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

const deadlineMs = 3_000;
/** Additional time on a busy machine. */
const slackMs = 30_000;

/** How messages name each server. */
const displayNames = {
  gitlab: /GitLab/,
  registry: /registry/,
  classes: /resource class service/,
  kubernetes: /Kubernetes/,
};
type Dependency = keyof typeof displayNames;
const dependencies = Object.keys(displayNames) as Dependency[];

const project = { namespace: 'my-group', project: 'my-project', commit_sha: commitSha };
const another = { ...project, branch: 'feature/x' };

let backends: Backends;
let classes: FakeClasses;
let proxies: Record<Dependency, FaultyProxy>;
let service: WholeService;
/** A session that exists before the outage. */
let name: string;

beforeEach(async () => {
  [backends, classes] = await Promise.all([startBackends(), startFakeClasses()]);
  const { cluster, gitlab, registry } = backends;
  proxies = {
    gitlab: await startFaultyProxy(gitlab.url),
    registry: await startFaultyProxy(`http://${registry.host}`),
    classes: await startFaultyProxy(classes.url),
    kubernetes: await startFaultyProxy(cluster.url),
  };
  service = await startWholeService({
    kubeconfig: kubeconfigOf(proxies.kubernetes.url, 'the-service-account-token'),
    config: {
      git: { url: proxies.gitlab.url, registry: proxies.registry.host },
      crc_url: `${proxies.classes.url}/api/data`,
      request: { ...testConfig().request, deadline_ms: deadlineMs },
    },
    validateResponses: true,
  });
  const first = await service.request('POST', '/servers', project);
  expect(first.status, first.text).toBe(201);
  name = String(first.json()['name']);
  await expect.poll(async () => (await service.request('GET', `/servers/${name}`)).status).toBe(200);
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  for (const proxy of Object.values(proxies)) await proxy[Symbol.asyncDispose]();
  await Promise.all([backends.close(), classes.close()]);
});

/** Returns the names of the objects in the cluster. */
const objectNames = (): (string | undefined)[] =>
  ['jupyterservers', 'secrets'].flatMap((each) => backends.cluster.objects(each).map(({ metadata }) => metadata.name));

/** Returns the response, after a check that it came in time. */
async function timed(pending: Promise<TestResponse>): Promise<TestResponse> {
  const began = performance.now();
  const response = await pending;
  expect(performance.now() - began).toBeLessThan(deadlineMs + slackMs);
  return response;
}

function expectOutage(response: TestResponse, server: RegExp, kinds: readonly { code: number }[]): void {
  expect(response.status, response.text).toBe(500);
  const { message, detail, code } = response.error();
  expect(kinds.map((kind) => kind.code)).toContain(code);
  expect(`${message} ${detail}`).toMatch(server);
  for (const other of Object.values(displayNames)) {
    if (other !== server) expect(`${message} ${detail}`).not.toMatch(other);
  }
  expect(Number(response.headers['retry-after'])).toBeGreaterThanOrEqual(1);
}

/** A slow server gives one of two errors: the call's time limit or the request's deadline may expire first. */
const kindsOf = (fault: Fault) =>
  fault === 'slow' ? [errorKind.timedOut, errorKind.intermittent] : [errorKind.intermittent];

const combinations = dependencies.flatMap((dependency) => faults.map((fault) => [dependency, fault] as const));

describe.each(combinations)('%s: %s', (dependency, fault) => {
  const server = displayNames[dependency];

  it('a launch fails in time with the name of the server and creates nothing, reads continue, and launches work after recovery', async () => {
    const before = objectNames();
    const proxy = proxies[dependency];
    proxy.fail(fault);
    // Values that are not in a cache.
    const headers: Record<string, string> =
      dependency === 'classes' ? { 'renku-auth-access-token': 'another-access-token' } : {};
    const image = dependency === 'registry' ? { image: `${proxy.host}/another/image:1` } : {};
    const launch = () => timed(service.request('POST', '/servers', { ...another, ...image }, headers));

    const failed = await launch();
    expectOutage(failed, server, kindsOf(fault));
    if (fault === '429' && dependency !== 'registry')
      expect(Number(failed.headers['retry-after'])).toBeGreaterThan(retryAfterSeconds / 2);
    expect(objectNames()).toEqual(before);

    const known = await Promise.all([service.request('GET', '/servers'), service.request('GET', `/servers/${name}`)]);
    expect(known.map(({ status }) => status)).toEqual([200, 200]);
    expect((await service.request('POST', '/servers', project)).json()['name']).toBe(name);
    expect(objectNames()).toEqual(before);

    if (fault === 'down' || fault === '429') return;
    proxy.fail(undefined);
    await expect.poll(async () => (await launch()).status).toBe(201);
  });
});

describe.each(faults)('other requests during an outage (%s)', (fault) => {
  it('autosaves and projects name GitLab as the cause', async () => {
    proxies.gitlab.fail(fault);
    expectOutage(
      await timed(service.request('GET', '/my-group%2Fmy-project/autosave')),
      displayNames.gitlab,
      kindsOf(fault),
    );
    const autosave = 'renku/autosave/john.doe/master/0123456/0123456';
    const deletion = await timed(service.request('DELETE', `/my-group%2Fmy-project/autosave/${autosave}`));
    expectOutage(deletion, displayNames.gitlab, kindsOf(fault));
    expectOutage(await timed(service.request('GET', '/projects')), displayNames.gitlab, kindsOf(fault));
  });

  it('an image check reports an unreachable registry and not a missing image', async () => {
    proxies.registry.fail(fault);
    const path = `/images?image_url=${proxies.registry.host}/a/b:1`;
    const response = await timed(service.request('GET', path, undefined, { accept: 'application/json' }));
    expect(response.status, response.text).toBe(404);
    expect(response.json()['reason']).toMatch(
      fault === 'html' || fault === 'cut' ? /unreachable|invalid/ : /unreachable/,
    );
    expect(response.error().message).toContain(proxies.registry.host);
  });

  it('logs and deletions name the Kubernetes API as the cause', async () => {
    proxies.kubernetes.fail(fault);
    expectOutage(
      await timed(service.request('GET', `/logs/${name}?container=jupyter-server`)),
      displayNames.kubernetes,
      kindsOf(fault),
    );
    const kinds = [...kindsOf(fault), errorKind.cannotDelete];
    expectOutage(await timed(service.request('DELETE', `/servers/${name}`)), displayNames.kubernetes, kinds);
    expect(backends.cluster.objects('jupyterservers')[0]?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('a dry run displayNames GitLab as the cause', async () => {
    proxies.gitlab.fail(fault);
    const response = await timed(service.request('POST', '/servers?dry_run=true', another));
    expect(response.status, response.text).toBe(200);
    const { possible, problems } = response.json() as unknown as DryRunResponse;
    expect(possible).toBe(false);
    expect(problems.map(({ message }) => message).join()).toMatch(displayNames.gitlab);
  });
});
