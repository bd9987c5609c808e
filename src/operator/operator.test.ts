import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kubeconfigOf } from '../../tests/support/sessions/kubeconfig.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { Deadline } from '../lib/deadline.ts';
import { createApiServer } from '../local/api-server/api-server.ts';
import { openCluster } from '../local/api-server/open-cluster.ts';
import { createKubernetesClient } from '../platform/kubernetes/client.ts';
import { parseKubeConfig } from '../platform/kubernetes/kubeconfig.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../platform/kubernetes/types.ts';
import { createMetrics } from '../platform/metrics/prometheus.ts';
import type { ReadableMetrics } from '../platform/metrics/types.ts';
import { createOperator, type Operator } from './operator.ts';
import { readSettings } from './settings.ts';

const log = pino({ level: 'silent' });
const token = 'the-token-of-the-operator';
const namespace = 'sessions';
const name = 'ada';
const settings = readSettings({ NAMESPACES: namespace, JUPYTER_SERVER_RESOURCE_CHECK_ENABLED: 'false' });
const deadline = () => Deadline.after(60_000);

let metrics: ReadableMetrics;
let client: KubernetesConnection;
let operator: Operator;
let end: () => Promise<void>;

beforeEach(async () => {
  const store = openCluster({ path: ':memory:', log });
  store.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const api = createApiServer({ cluster: store, token, log });
  const server = createServer(api.handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeconfig = kubeconfigOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, token);
  client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log });
  const created = createMetrics();
  metrics = created;
  operator = createOperator({ client, settings, log, metrics: created });
  await operator.start();
  end = async () => {
    await operator.stop();
    await client.close();
    await api.close();
    server.close();
    store.close();
  };
});

afterEach(() => end());

const create = (spec: JupyterServer['spec'], status: unknown = undefined, of = name) =>
  client.create<object & JupyterServer>(
    jupyterServers,
    namespace,
    {
      apiVersion: 'amalthea.dev/v1alpha1',
      kind: 'JupyterServer',
      metadata: { name: of },
      spec: { routing: { host: 'sessions.example.org' }, ...spec },
      ...(status === undefined ? {} : { status }),
    } as JupyterServer,
    deadline(),
  );
const read = () => client.get<JupyterServer>(jupyterServers, namespace, name, deadline());

describe('the operator', () => {
  it.each([
    ['children', { children: { x: null, secret: { kind: 'Secret' } } }],
    ['created children', { create_fn: { createdResources: 'service' } }],
    ['a pod', { mainPod: { uid: 'u', status: { conditions: [null, 7], containerStatuses: [null], message: 7 } } }],
    ['messages', { events: { pod: null, statefulset: { message: 7 }, other: 'x' } }],
    ['lists', { events: [null], children: 'x', mainPod: [], containerStates: 5, create_fn: 'x' }],
    ['a state', { state: 'lost', startingSince: 5, stoppedPod: 5 }],
  ])('reconciles a session whose status has %s of unexpected types', async (_name, status) => {
    await create({}, status);
    const state = async () => {
      const { state: written, create_fn, conditions } = (await read())?.status ?? {};
      return { written, isCreated: create_fn?.createdResources?.['statefulset'] !== undefined, of: conditions?.length };
    };
    await expect.poll(state).toEqual({ written: 'starting', isCreated: true, of: 4 });
  });

  it('says that the routing of an existing session has become invalid', async () => {
    await create({});
    await expect.poll(async () => (await read())?.status?.create_fn !== undefined).toBe(true);
    const spec = { routing: { host: 'not a host' } };
    await client.mergePatch(jupyterServers, namespace, name, { spec }, deadline());
    await expect
      .poll(async () => (await read())?.status)
      .toMatchObject({ state: 'failed', events: { operator: { message: 'spec.routing.host is not a host name' } } });
  });

  it('creates the children of waiting sessions before it writes the first status of others', async () => {
    await operator.stop();
    const names = Array.from({ length: 20 }, (_none, index) => `session-${index}`);
    for (const each of names) await create({}, undefined, each);
    const calls: string[] = [];
    const recording: KubernetesConnection = {
      ...client,
      async create(type, of, body, until) {
        const created = await client.create(type, of, body, until);
        calls.push(`create ${type.plural}`);
        return created;
      },
      mergePatch(type, ...rest) {
        calls.push(`patch ${type.plural}`);
        return client.mergePatch(type, ...rest);
      },
    };
    // The clock stands still, so that no status is late.
    const now = new Date();
    operator = createOperator({ client: recording, settings, log, now: () => now });
    await operator.start();
    const servers = () => client.list<JupyterServer>(jupyterServers, namespace, {}, deadline());
    await expect.poll(async () => (await servers()).filter(({ status }) => status?.create_fn).length).toBe(20);
    // Six sessions at a time: the first status may be written when the last six are in progress.
    const first = calls.slice(0, calls.indexOf('patch jupyterservers'));
    expect(first.filter((call) => call === 'create statefulsets').length).toBeGreaterThanOrEqual(14);
    // No child was created twice, and the status has all of them.
    expect(calls.filter((call) => call === 'create secrets')).toHaveLength(20);
    for (const { metadata, status } of await servers())
      expect(Object.keys(status?.children ?? {}), metadata.name).toHaveLength(5);
  });

  it('counts a session that it deletes because a threshold has passed', async () => {
    await create({ culling: { startingSecondsThreshold: 1 } });
    await expect.poll(read).toBeUndefined();
    await expect.poll(() => metrics.text()).toContain('operator_sessions_culled_total{reason="starting"} 1');
  });
});
