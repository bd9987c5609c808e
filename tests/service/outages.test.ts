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

const deadlineMs = 2_000;
/** Additional time on a busy machine. */
const slackMs = 8_000;

const culprits = {
  gitlab: /GitLab/,
  registry: /registry/,
  classes: /resource class service/,
  kubernetes: /Kubernetes/,
};
type Dependency = keyof typeof culprits;
const dependencies = Object.keys(culprits) as Dependency[];

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
  const first = await service.ask('POST', '/servers', project);
  expect(first.status, first.text).toBe(201);
  name = String(first.json()['name']);
  await expect.poll(async () => (await service.ask('GET', `/servers/${name}`)).status).toBe(200);
});
afterEach(async () => {
  await service[Symbol.asyncDispose]();
  for (const proxy of Object.values(proxies)) await proxy[Symbol.asyncDispose]();
  await Promise.all([backends.close(), classes.close()]);
});

/** Returns the names of the objects in the cluster. */
const made = (): (string | undefined)[] =>
  ['jupyterservers', 'secrets'].flatMap((each) => backends.cluster.objects(each).map(({ metadata }) => metadata.name));

async function timed(asking: Promise<TestResponse>): Promise<TestResponse> {
  const began = performance.now();
  const answer = await asking;
  expect(performance.now() - began).toBeLessThan(deadlineMs + slackMs);
  return answer;
}

function expectOutage(answer: TestResponse, culprit: RegExp, kinds: readonly { code: number }[]): void {
  expect(answer.status, answer.text).toBe(500);
  const { message, detail, code } = answer.error();
  expect(kinds.map((kind) => kind.code)).toContain(code);
  expect(`${message} ${detail}`).toMatch(culprit);
  for (const other of Object.values(culprits)) if (other !== culprit) expect(`${message} ${detail}`).not.toMatch(other);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
}

/** A slow server gives one of two errors: the call's time limit or the request's deadline may expire first. */
const kindsOf = (fault: Fault) =>
  fault === 'slow' ? [errorKind.timedOut, errorKind.intermittent] : [errorKind.intermittent];

const combinations = dependencies.flatMap((dependency) => faults.map((fault) => [dependency, fault] as const));

describe.each(combinations)('%s: %s', (dependency, fault) => {
  const culprit = culprits[dependency];

  it('a launch fails in time with the name of the server and creates nothing, reads continue, and launches work after recovery', async () => {
    const before = made();
    const proxy = proxies[dependency];
    proxy.fail(fault);
    // Other values than those that are cached for a short time.
    const headers: Record<string, string> =
      dependency === 'classes' ? { 'renku-auth-access-token': 'another-access-token' } : {};
    const image = dependency === 'registry' ? { image: `${proxy.host}/another/image:1` } : {};
    const launch = () => timed(service.ask('POST', '/servers', { ...another, ...image }, headers));

    const refused = await launch();
    expectOutage(refused, culprit, kindsOf(fault));
    if (fault === '429' && dependency !== 'registry')
      expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(retryAfterSeconds - 1);
    expect(made()).toEqual(before);

    const known = await Promise.all([service.ask('GET', '/servers'), service.ask('GET', `/servers/${name}`)]);
    expect(known.map(({ status }) => status)).toEqual([200, 200]);
    expect((await service.ask('POST', '/servers', project)).json()['name']).toBe(name);
    expect(made()).toEqual(before);

    if (fault === 'down' || fault === '429') return;
    proxy.fail(undefined);
    await expect.poll(async () => (await launch()).status).toBe(201);
  });
});

describe.each(faults)('other requests during an outage (%s)', (fault) => {
  it('autosaves and projects name GitLab as the cause', async () => {
    proxies.gitlab.fail(fault);
    expectOutage(await timed(service.ask('GET', '/my-group%2Fmy-project/autosave')), culprits.gitlab, kindsOf(fault));
    const autosave = 'renku/autosave/john.doe/master/0123456/0123456';
    const deletion = await timed(service.ask('DELETE', `/my-group%2Fmy-project/autosave/${autosave}`));
    expectOutage(deletion, culprits.gitlab, kindsOf(fault));
    expectOutage(await timed(service.ask('GET', '/projects')), culprits.gitlab, kindsOf(fault));
  });

  it('an image check reports an unreachable registry and not a missing image', async () => {
    proxies.registry.fail(fault);
    const path = `/images?image_url=${proxies.registry.host}/a/b:1`;
    const answer = await timed(service.ask('GET', path, undefined, { accept: 'application/json' }));
    expect(answer.status, answer.text).toBe(404);
    expect(answer.json()['reason']).toMatch(
      fault === 'html' || fault === 'cut' ? /unreachable|invalid/ : /unreachable/,
    );
    expect(answer.error().message).toContain(proxies.registry.host);
  });

  it('logs and deletions name the Kubernetes API as the cause', async () => {
    proxies.kubernetes.fail(fault);
    expectOutage(
      await timed(service.ask('GET', `/logs/${name}?container=jupyter-server`)),
      culprits.kubernetes,
      kindsOf(fault),
    );
    const kinds = [...kindsOf(fault), errorKind.cannotDelete];
    expectOutage(await timed(service.ask('DELETE', `/servers/${name}`)), culprits.kubernetes, kinds);
    expect(backends.cluster.objects('jupyterservers')[0]?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('a dry run names GitLab as the cause', async () => {
    proxies.gitlab.fail(fault);
    const answer = await timed(service.ask('POST', '/servers?dry_run=true', another));
    expect(answer.status, answer.text).toBe(200);
    const { possible, problems } = answer.json() as unknown as DryRunResponse;
    expect(possible).toBe(false);
    expect(problems.map(({ message }) => message).join()).toMatch(culprits.gitlab);
  });
});
