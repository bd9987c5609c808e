import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import pino from 'pino';
import { label } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../src/jupyter-server/types.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { namespace } from '../../src/local/environment.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../../src/platform/kubernetes/types.ts';
import { findPrograms, startControlPlane } from '../../tests/cluster/control-plane.ts';
import type { Figure, Report } from '../figure.ts';
import { childrenOf, sessionOf } from '../operated-sessions.ts';
import { startOperator, untilQuiet } from '../operator.ts';
import { processorMs, residentBytes } from '../processor-time.ts';

const sessions = 500;
/** Sessions that one owner creates before another owner creates one. */
const many = 2_000;
const mebibyte = 1024 * 1024;
/** Calls at the same time, of the operator and of the bare loop. */
const concurrency = 8;
const bare = 'bare';
/** Of kubernetes-sigs/agent-sandbox, measured earlier on an idle machine: it creates one child, a pod, for each object. */
const peerMsPerChild = 4.3;

export const children: Figure = {
  name: 'children',
  about: `the children of ${sessions} sessions on a real API server, and a session behind ${many} of another owner`,
  async run(report) {
    const programs = findPrograms();
    if (programs === undefined) {
      report.skip('the children of sessions on a real API server', 'Go is needed to build kube-apiserver');
      return;
    }
    const plane = await startControlPlane(programs);
    const kubeconfig = await parseKubeConfig(readFileSync(plane.kubeconfig, 'utf8'));
    const client = createKubernetesClient({ kubeconfig, log: pino({ level: 'silent' }) });
    try {
      for (const name of [namespace, bare]) {
        const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
        await client.create(resource.namespaces, '', object, deadline());
      }
      await creation(report, client, plane.kubeconfig);
      await fairness(report, client, plane.kubeconfig);
    } finally {
      await client.close();
      await plane.close();
    }
  },
};

const deadline = () => Deadline.after(120_000);
const seconds = (since: number) => (performance.now() - since) / 1000;

async function creation(report: Report, client: KubernetesConnection, kubeconfig: string): Promise<void> {
  await using operator = await startOperator(kubeconfig);
  const processorBefore = processorMs(operator.pid);
  const begunAt = performance.now();
  await createSessions(client, 'many', sessions);
  const createdAt = performance.now();
  await untilAllCreated(client, sessions);
  const [sinceLast, sinceFirst] = [seconds(createdAt), seconds(begunAt)];
  await untilQuiet(operator.pid);
  const processor = processorMs(operator.pid) - processorBefore;
  const servers = await client.list<JupyterServer>(jupyterServers, namespace, {}, deadline());
  const childCount = childrenOf(servers[0] ?? sessionOf('none', 'none')).length;
  report.progress(
    `creating the objects took ${((createdAt - begunAt) / 1000).toFixed(1)} s; each has ${childCount} children`,
  );
  const bareSeconds = await bareLoop(client, servers);
  report.row({
    what: `children of ${sessions} sessions, after the last object`,
    measured: sinceLast,
    unit: 's',
    target: { of: 'value', atMost: 3 },
  });
  report.row({
    ...{ what: `children of ${sessions} sessions, from the first object`, measured: sinceFirst, unit: 's' },
    baseline: { is: 'a bare loop that creates the same objects', measured: bareSeconds },
    target: { of: 'ratio', atMost: 1.2 },
  });
  report.row({
    ...{ what: 'processor time of the operator per child', measured: processor / sessions / childCount, unit: 'ms' },
    baseline: { is: 'agent-sandbox, in an earlier measurement', measured: peerMsPerChild },
    target: { of: 'ratio', atMost: 0.5 },
  });
  report.row({
    what: `resident memory after the creation of the children of ${sessions} sessions`,
    measured: residentBytes(operator.pid) / mebibyte,
    unit: 'MiB',
    target: { of: 'value', atMost: 120 },
  });
}

/** Creates the same objects and children without an operator, in another namespace. Returns the seconds. */
async function bareLoop(client: KubernetesConnection, servers: readonly JupyterServer[]): Promise<number> {
  const begunAt = performance.now();
  await atOnce(servers, async ({ metadata: { name = '' } }) => {
    const created = await client.create(jupyterServers, bare, sessionOf(name, 'bare'), deadline());
    // The StatefulSet after the others, as the operator does.
    const all = childrenOf(created);
    for (const isLast of [false, true]) {
      const group = all.filter(({ key }) => (key === 'statefulset') === isLast);
      await Promise.all(group.map(({ kind, manifest }) => client.create(kind.type, bare, manifest, deadline())));
    }
  });
  return seconds(begunAt);
}

/** One owner creates many sessions while no operator runs, and another owner one session after them. */
async function fairness(report: Report, client: KubernetesConnection, kubeconfig: string): Promise<void> {
  report.progress(`creating ${many} sessions of one owner`);
  await createSessions(client, 'crowd', many);
  await client.create(jupyterServers, namespace, sessionOf('late', 'late'), deadline());
  await using _operator = await startOperator(kubeconfig);
  const begunAt = performance.now();
  for (;;) {
    const late = await client.get<JupyterServer>(jupyterServers, namespace, 'late', deadline());
    if (late?.status?.create_fn) break;
    await wait(50);
  }
  const lateSeconds = seconds(begunAt);
  const before = (await createdOf(client, 'crowd')).length;
  report.progress(`the children of the late session existed after ${lateSeconds.toFixed(1)} s`);
  report.row({
    what: `sessions created before the only one of its owner, behind ${many} of another`,
    measured: before,
    unit: 'sessions',
    target: { of: 'value', atMost: 2 * concurrency },
  });
}

async function createSessions(client: KubernetesConnection, owner: string, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_none, index) => `${owner}-${index}`);
  await atOnce(names, async (name) => {
    await client.create(jupyterServers, namespace, sessionOf(name, owner), deadline());
  });
}

async function createdOf(client: KubernetesConnection, owner: string): Promise<JupyterServer[]> {
  const selector = { labelSelector: `${label.owner}=${owner}` };
  const servers = await client.list<JupyterServer>(jupyterServers, namespace, selector, deadline());
  return servers.filter(({ status }) => status?.create_fn);
}

/** Resolves when all StatefulSets exist; the operator creates the StatefulSet of a session last. */
async function untilAllCreated(client: KubernetesConnection, count: number): Promise<void> {
  let existing = 0;
  while (existing < count) {
    await wait(100);
    existing = (await client.list(resource.statefulSets, namespace, {}, deadline())).length;
  }
}

async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}
