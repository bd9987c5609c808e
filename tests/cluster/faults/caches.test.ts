import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import pino from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { ownerKey } from '../../../src/identity/owner.ts';
import { childLabels, label } from '../../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { type ClusterView, createClusterView } from '../../../src/operator/cluster-view.ts';
import { createKubernetesClient } from '../../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../../src/platform/kubernetes/kubeconfig.ts';
import { createListWatchCache, type ListWatchCache } from '../../../src/platform/kubernetes/list-watch-cache.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { createTransport, type Transport } from '../../../src/platform/kubernetes/transport.ts';
import type { KubernetesConnection } from '../../../src/platform/kubernetes/types.ts';
import { readKubeconfig } from '../../support/api-server-under-test.ts';
import { send } from '../../support/app.ts';
import { jupyterServer, testDeadline } from '../../support/cluster-under-test.ts';
import {
  type ApiRequest,
  type ApiServerProxy,
  startApiServerProxy,
} from '../../support/kubernetes/api-server-proxy.ts';
import { type FakeGitLab, startFakeGitLab } from '../../support/sessions/fake-gitlab.ts';
import { john } from '../../support/sessions/service.ts';
import { startWholeService, type WholeService } from '../../support/whole-service.ts';
import { findPrograms, type RunningControlPlane, startControlPlane } from '../control-plane.ts';

const childLabel = childLabels('amalthea.dev');

/**
 * The caches of the service and of the operator behind a faulty connection to a real API server: what they hold after the
 * fault, and what the service says of its readiness meanwhile.
 */

const log = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });
const namespace = 'faults';
const marker = 'renku.io/branch';
/** Delays after a failure are those of the programs; a dead connection is noticed sooner than by default. */
const timing = { watchTimeoutSeconds: 2, watchGraceMs: 1_000, listTimeoutMs: 1_000 };
const silenceLimitMs = 5_000;
/** The time in which a watch that receives nothing counts as dead. */
const deadConnectionMs = timing.watchTimeoutSeconds * 1_000 + timing.watchGraceMs;
const recoveryMs = 2_000;

let plane: RunningControlPlane;
let client: KubernetesConnection;
let transport: Transport;
let proxied: KubernetesConnection;
let proxy: ApiServerProxy;
let gitlab: FakeGitLab;
let service: WholeService;
let view: ClusterView;
let cache: ListWatchCache<JupyterServer>;
/** Names of sessions that the cache reported as deleted, and of those that were deleted. */
const reported: string[] = [];
const deleted = new Set<string>();

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  plane = await startControlPlane(findPrograms() ?? '');
  const kubeconfig = readFileSync(plane.kubeconfig, 'utf8');
  client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
  transport = createTransport({ kubeconfig: await parseKubeConfig(kubeconfig), log });
  proxy = await startApiServerProxy(readKubeconfig(plane.kubeconfig).cluster);
  const proxiedConfig = proxy.kubeconfig(kubeconfig);
  proxied = createKubernetesClient({ kubeconfig: await parseKubeConfig(proxiedConfig), log });
  gitlab = await startFakeGitLab();
  await createNamespace();
  for (let index = 0; index < 8; index += 1) await createSession(`s-${index}`);

  service = await startWholeService({
    kubeconfig: proxiedConfig,
    config: {
      git: { url: gitlab.url, registry: 'registry.example.org' },
      k8s: { renku_namespace: namespace, sessions_namespace: null },
    },
    following: { timing, silenceLimitMs },
  });
  const common = { client: proxied, namespaces: [namespace], log, timing };
  view = createClusterView({ ...common, jupyterServers, onChange: () => undefined });
  cache = createListWatchCache<JupyterServer>({
    ...common,
    type: jupyterServers,
    project: (raw) => raw,
    onChange: (event) => void (event.type === 'deleted' && reported.push(event.name)),
  });
  await Promise.all([view.start(), cache.start()]);
});
afterAll(async () => {
  await Promise.all([service?.[Symbol.asyncDispose](), view?.stop(), cache?.stop()]);
  await Promise.all([client?.close(), transport?.close(), proxied?.close(), gitlab?.close()]);
  await proxy?.[Symbol.asyncDispose]();
  await plane?.close();
});

async function createNamespace(): Promise<void> {
  const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await client.create(resource.namespaces, '', manifest, testDeadline());
}

/** Creates a session of John with one child. */
async function createSession(name: string): Promise<void> {
  const labels = { [label.owner]: ownerKey(john(gitlab.url)) };
  const object = jupyterServer(name, {}, { labels, annotations: { [marker]: 'first' } });
  const { metadata } = await client.create(jupyterServers, namespace, object, testDeadline());
  const uid = metadata.uid ?? '';
  const child: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      labels: { [childLabel.parentUid]: uid, [childLabel.parentName]: name, [childLabel.childKey]: 'configmap' },
      ownerReferences: [{ apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', name, uid, controller: true }],
    },
  };
  await client.create(resource.configMaps, namespace, child, testDeadline());
}

async function mark(name: string, value: string): Promise<void> {
  await client.mergePatch(
    jupyterServers,
    namespace,
    name,
    { metadata: { annotations: { [marker]: value } } },
    testDeadline(),
  );
}

let round = 0;
/** Creates a session, changes two of them twice and deletes one, without the proxy. */
async function change(): Promise<void> {
  round += 1;
  await createSession(`new-${round}`);
  for (const value of ['a', 'b']) for (const name of ['s-0', 's-1']) await mark(name, `${round}-${value}`);
  const gone = round === 1 ? 's-7' : `new-${round - 1}`;
  deleted.add(gone);
  await client.delete(jupyterServers, namespace, gone, { propagationPolicy: 'Background' }, testDeadline());
}

const sorted = <Value>(entries: (readonly [string, Value])[]): Record<string, Value> =>
  Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
const versions = (servers: readonly JupyterServer[]) =>
  sorted(servers.map(({ metadata }) => [metadata.name ?? '', metadata.resourceVersion ?? ''] as const));

/** What the API server has, and what the caches have. */
async function compared() {
  const servers = await client.list<JupyterServer>(jupyterServers, namespace, {}, testDeadline());
  const children = await client.list(
    resource.configMaps,
    namespace,
    { labelSelector: childLabel.parentUid },
    testDeadline(),
  );
  const uidsOf = (uid = '') =>
    children.flatMap(({ metadata }) => (metadata.labels?.[childLabel.parentUid] === uid ? [metadata.uid ?? ''] : []));
  const response = await service.request('GET', '/servers');
  expect(response.status, response.text).toBe(200);
  const listed = response.json()['servers'] as Record<string, { annotations: Record<string, string> }>;
  return {
    truth: {
      service: sorted(
        servers.map(({ metadata: { name = '', annotations } }) => [name, annotations?.[marker]] as const),
      ),
      cache: versions(servers),
      operator: versions(servers),
      children: sorted(servers.map(({ metadata }) => [metadata.name ?? '', uidsOf(metadata.uid)] as const)),
    },
    cached: {
      service: sorted(Object.entries(listed).map(([name, { annotations }]) => [name, annotations[marker]] as const)),
      cache: versions(cache.values()),
      operator: versions(view.servers()),
      children: sorted(
        view
          .servers()
          .map(
            ({ metadata }) => [metadata.name ?? '', view.children(metadata.uid ?? '').map(({ uid }) => uid)] as const,
          ),
      ),
    },
  };
}

/** Resolves when the caches equal the API server's objects. */
async function untilEqual(): Promise<void> {
  const difference = async () => {
    const { truth, cached } = await compared();
    return isDeepStrictEqual(truth, cached) ? 'equal' : { truth, cached };
  };
  await expect.poll(difference, { interval: 20 }).toBe('equal');
}

/** The milliseconds that this machine needs for a few calls to the API server now. */
async function pace(): Promise<number> {
  const began = performance.now();
  for (let call = 0; call < 10; call += 1) await client.list(jupyterServers, namespace, {}, testDeadline());
  return performance.now() - began;
}

const ready = async () => {
  const response = await send(service.port, { path: '/ready' });
  const { dependencies } = response.json() as { dependencies: { detail: string }[] };
  return `${response.status} ${dependencies[0]?.detail}`;
};

/** Expects the caches to be equal in time. @param extraMs the time in which a dead connection is noticed. */
async function expectRecovery(extraMs = 0): Promise<void> {
  const began = performance.now();
  await untilEqual();
  const took = performance.now() - began;
  // A busy machine needs more.
  expect(took).toBeLessThan(recoveryMs + extraMs + 2 * (await pace()));
  expect(reported.filter((name) => !deleted.has(name))).toEqual([]);
  await expect.poll(ready).toMatch(/^200/);
}

beforeEach(async ({ skip }) => {
  skip(inject('controlPlane') === undefined, 'there is no real API server');
  await untilEqual();
  await expect.poll(ready).toMatch(/^200/);
});

const everything = () => true;
const isWatch = ({ isWatch }: ApiRequest) => isWatch;
const instead = (
  status: number,
  reason: string,
  when: (request: ApiRequest) => boolean,
  retryAfterSeconds?: number,
) => {
  proxy.fault = (request) =>
    when(request) ? { status, reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) } : undefined;
  proxy.resetConnections();
};

/** The proxy passes each pair of events in the reverse order. */
function reverse(): void {
  const held = new Map<object, string>();
  proxy.onEvent = (line, to) => {
    const before = held.get(to);
    if (before === undefined) {
      held.set(to, line);
      // An event without a successor arrives late.
      setTimeout(() => {
        if (held.get(to) !== line) return;
        held.delete(to);
        to.send(`${line}\n`);
      }, 300);
      return;
    }
    held.delete(to);
    to.send(`${line}\n`);
    to.send(`${before}\n`);
  };
}

/** Every list fails on its third page, and no watch resumes. */
function failThirdPages(): void {
  const pages = new Map<string, number>();
  proxy.pageLimit = 2;
  proxy.fault = ({ isWatch, isList, path, query }) => {
    if (isWatch) return { status: 410, reason: 'Expired' };
    if (!isList || !path.endsWith('/jupyterservers')) return undefined;
    // The token of a page names the page only within one list.
    const page = query.has('continue') ? (pages.get(path) ?? 0) + 1 : 1;
    pages.set(path, page);
    return page >= 3 ? { status: 500, reason: 'InternalError' } : undefined;
  };
  proxy.resetConnections();
}

describe('the caches of service and operator are those of the API server', () => {
  it.each<[string, () => void]>([
    ['a watch that gets 410', () => instead(410, 'Expired', isWatch)],
    [
      'a watch that ends with 410 as an event',
      () => {
        const object = { kind: 'Status', code: 410, reason: 'Expired' };
        proxy.onEvent = (_line, to) => to.send(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      },
    ],
    [
      'a connection that is reset within an event',
      () => {
        proxy.onEvent = (line, to) => {
          to.send(line.slice(0, line.length / 2));
          to.cut();
        };
      },
    ],
    [
      'events that arrive twice',
      () => {
        proxy.onEvent = (line, to) => {
          to.send(`${line}\n`);
          to.send(`${line}\n`);
        };
      },
    ],
    ['events in another order', reverse],
  ])('after %s, and the service stays ready', async (_fault, begin) => {
    begin();
    await change();
    // At least one for each of the three caches of sessions.
    await expect.poll(() => proxy.hits).toBeGreaterThanOrEqual(3);
    expect(await ready()).toMatch(/^200/);
    proxy.recover();
    await expectRecovery();
  });

  it.each<[string, RegExp, () => void, number]>([
    ['500 with Retry-After', /with errors only/, () => instead(500, 'InternalError', everything, 1), 0],
    ['429 with Retry-After', /with errors only/, () => instead(429, 'TooManyRequests', everything, 1), 0],
    ['a list that fails on its third page', /with errors only/, failThirdPages, 0],
    ['a server that cannot be reached', /has not responded/, () => proxy.down(), 0],
    ['a half-open connection', /has not responded/, () => proxy.freeze(), deadConnectionMs],
    [
      'requests without an answer',
      /has not responded/,
      () => {
        proxy.fault = () => 'silence';
        proxy.resetConnections();
      },
      deadConnectionMs,
    ],
  ])('after %s, and the service says meanwhile that it is not current', async (_fault, reason, begin, extraMs) => {
    begin();
    const { cached } = await compared();
    await change();
    await expect.poll(ready).toMatch(reason);
    expect(await ready()).toMatch(/^503/);
    // Reads continue with the last known sessions.
    expect((await compared()).cached.service).toEqual(cached.service);
    proxy.recover();
    await expectRecovery(extraMs);
  });

  it('after a restart of the API server', async () => {
    const start = await plane.kill('kube-apiserver');
    await expect.poll(ready).toMatch(/^503 .*has not responded/);
    start();
    await expect.poll(isServed).toBe(true);
    await change();
    // A list that began before the API server was ready fails first.
    await expectRecovery(timing.listTimeoutMs);
  });

  it('after a restart with an empty etcd, whose versions are lower than those before', async () => {
    const { cached } = await compared();
    for (const name of Object.keys(cached.service)) deleted.add(name);
    const startApiServer = await plane.kill('kube-apiserver');
    const startEtcd = await plane.kill('etcd');
    plane.emptyEtcd();
    startEtcd();
    startApiServer();
    await expect.poll(ready).toMatch(/^503/);
    await createCrd();
    await expect.poll(isServed).toBe(true);
    await expectRecovery(timing.listTimeoutMs);
    await createNamespace();
    await createSession('after');
    await untilEqual();
    expect((await compared()).cached.service).toEqual({ after: 'first' });
  });
});

async function isServed(): Promise<boolean> {
  try {
    const call = { describe: 'readyz', method: 'GET', path: '/readyz', limitBytes: 1_000 } as const;
    await transport.request(call, testDeadline());
    await client.list(jupyterServers, namespace, {}, testDeadline());
    return true;
  } catch {
    // The API server is starting.
    return false;
  }
}

async function createCrd(): Promise<void> {
  const crds = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
  const file = new URL('../../../src/jupyter-server/crd.yaml', import.meta.url);
  const crd = parse(readFileSync(file, 'utf8')) as KubernetesObject;
  const create = async () => (await client.create(crds, '', crd, testDeadline())).metadata.name;
  await expect.poll(() => create().catch(() => undefined)).toBe('jupyterservers.amalthea.dev');
}
