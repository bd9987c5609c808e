import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import { followSessions, Load, namesIn } from '../support/clients-of-replicas.ts';
import { testDeadline } from '../support/cluster-under-test.ts';
import type { EventStream } from '../support/event-stream.ts';
import { anonymousHeaders, type Caller, registered, withHeaders } from './caller.ts';
import { chart, helm } from './helm.ts';
import { platform, podsOf, publicProject } from './platform.ts';
import { release } from './release.ts';

const restarts = 10;
/** Fewer on a machine that is too busy for the rate, because the nodes and the cluster run on it, too, beside other lanes. */
const requestsPerSecond = 200;
const connections = 20;
const streamClients = 4;
/** Between two sessions that the test creates. Each has five children, and no pod. */
const createEveryMs = 2_000;

const namespace = release.sessionsNamespace;
const headers = anonymousHeaders();
let owner: Caller;
let ada: Caller;
let client: KubernetesConnection;
let revision: string;
let isUpgraded = false;
let name = '';
let nameOfAda = '';
const created: string[] = [];

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  const kubeconfig = readFileSync(platform().cluster.controlPlane.kubeconfig, 'utf8');
  client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfig), log: pino({ level: 'silent' }) });
  owner = withHeaders(headers);
  revision = await currentRevision();
  ada = await registered('ada');
  const [own, hers] = await Promise.all([owner.launch(publicProject()), ada.launch(publicProject())]);
  [name, nameOfAda] = [own.name, hers.name];
  await Promise.all([owner.until(name, 'running'), ada.until(nameOfAda, 'running')]);
});
afterAll(async () => {
  if (inject('e2e') === undefined) return;
  if (isUpgraded) await rollBack();
  await Promise.all(created.map((each) => client.delete(jupyterServers, namespace, each, {}, testDeadline())));
  await Promise.all([name && owner.remove(name), nameOfAda && ada.remove(nameOfAda)]);
  await client.close();
});

const flags = ['--namespace', release.namespace, '--wait', '--timeout', '180s'];
async function upgrade(values: string): Promise<void> {
  isUpgraded = true;
  await helm(platform().cluster, ['upgrade', release.name, chart, ...flags, '--reuse-values', '--set', values]);
}

async function rollBack(): Promise<void> {
  await helm(platform().cluster, ['rollback', release.name, revision, ...flags]);
  isUpgraded = false;
}

async function currentRevision(): Promise<string> {
  const history = await helm(platform().cluster, [
    ...['history', release.name, '--namespace', release.namespace, '--output', 'json'],
  ]);
  return String(JSON.parse(history).at(-1).revision);
}

const uidsOf = async (component: 'service' | 'operator') =>
  (
    await podsOf(
      release.namespace,
      `app.kubernetes.io/instance=${release.name},app.kubernetes.io/component=${component}`,
    )
  )
    .filter(({ isReady }) => isReady)
    .map(({ uid }) => uid);

/** Deletes a pod of the service. Resolves when there are two ready ones again. */
async function restartOne(): Promise<void> {
  const pods = await podsOf(release.namespace, `app.kubernetes.io/component=service`);
  // The newest one: the other replica is the same in all restarts.
  const [victim] = pods.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt));
  if (!victim) throw new Error('the service has no pods');
  await platform().kubectl(['delete', 'pod', victim.name, '--namespace', release.namespace, '--wait=false']);
  const others = async () => (await uidsOf('service')).filter((uid) => uid !== victim.uid).length;
  await expect.poll(others, { timeout: 120_000, interval: 250 }).toBe(2);
}

/** Creates hibernated sessions of the same owner, one after the other, until the signal. */
async function createSessions(stop: AbortSignal): Promise<void> {
  const object = await client.get<JupyterServer>(jupyterServers, namespace, name, testDeadline());
  if (!object) throw new Error('the session does not exist');
  const { labels = {}, annotations = {} } = object.metadata;
  const { status: _, ...rest } = object;
  const spec = { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } };
  while (!stop.aborted) {
    const metadata = { name: `made-${created.length}`, namespace, labels, annotations };
    const made: JupyterServer = { ...rest, metadata, spec };
    await client.create(jupyterServers, namespace, made, testDeadline());
    created.push(metadata.name);
    await delay(createEveryMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

it('two replicas fail none of up to 200 requests per second, lose no event and restart no session while a replica is deleted ten times, and during an upgrade and a rollback', {
  timeout: 1_800_000,
}, async () => {
  const podsOfSessions = async () =>
    (await podsOf(namespace)).filter(({ name: pod }) => [`${name}-0`, `${nameOfAda}-0`].includes(pod));
  const uidsOfAll = async () => [await uidsOf('service'), await uidsOf('operator')] as const;
  await expect.poll(async () => (await uidsOfAll()).map(({ length }) => length), { timeout: 120_000 }).toEqual([2, 2]);
  const before = { sessions: await podsOfSessions(), operator: await uidsOf('operator') };

  const sessions = `https://${release.host}/notebooks/servers`;
  const load = new Load(`https://${release.host}`, ['/notebooks/servers?branch=none', `/notebooks/servers/${name}`], {
    headers,
    requestsPerSecond,
    connections,
  });
  const stop = new AbortController();
  const clients = Array.from({ length: streamClients }, (): EventStream[] => []);
  const urls = { first: sessions, others: sessions };
  const failures: string[] = [];
  const report = (error: unknown) => void failures.push(String(error));
  const following = Promise.all(
    clients.map((streams) => followSessions(urls, headers, streams, stop.signal).catch(report)),
  );
  const stopCreating = new AbortController();
  const creating = createSessions(stopCreating.signal).catch(report);
  try {
    for (let count = 0; count < restarts; count += 1) await restartOne();
    const restarted = await uidsOf('service');
    await upgrade('config.sessions.culling.anonymous.idle_seconds=7200,operator.logLevel=debug');
    const upgraded = await uidsOfAll();
    await rollBack();
    const rolledBack = await uidsOfAll();
    // Both programs have new pods after each of the two.
    for (const [old, now] of [
      [restarted, upgraded[0]],
      [before.operator, upgraded[1]],
      [upgraded[0], rolledBack[0]],
      [upgraded[1], rolledBack[1]],
    ] as const) {
      expect(now).not.toEqual([]);
      expect(old.filter((uid) => now.includes(uid))).toEqual([]);
    }
    stopCreating.abort();
    await creating;
    expect([...failures, ...load.failures]).toEqual([]);
    const missing = (): string[] => clients.map(namesIn).flatMap((names) => created.filter((each) => !names.has(each)));
    await expect.poll(missing, { timeout: 30_000, interval: 200 }).toEqual([]);
  } finally {
    stopCreating.abort();
    stop.abort();
    await Promise.all([load.stop(), creating, following]);
  }
  expect([...failures, ...load.failures]).toEqual([]);
  expect(load.responses).toBeGreaterThan(restarts * requestsPerSecond);
  // Each stream but the last of a client ended with its replica, and the next one continued it.
  const ended = clients.flatMap((streams) => streams.slice(0, -1));
  expect(ended.length).toBeGreaterThanOrEqual(streamClients);
  expect(ended.map(({ ending }) => ending)).toEqual(ended.map(() => 'shutdown'));
  expect(clients.flatMap((streams) => streams.slice(1).flatMap((each) => each.named('snapshot')))).toEqual([]);

  expect(before.sessions.map(({ isReady }) => isReady)).toEqual([true, true]);
  expect(await podsOfSessions()).toEqual(before.sessions);
  process.stdout.write(
    `e2e: ${load.responses} responses, ${load.notSent} requests not sent, ${load.repeated} repeated after a reset, ${created.length} sessions, ${ended.length} streams continued\n`,
  );
});
