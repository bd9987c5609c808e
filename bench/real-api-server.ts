import { readFileSync } from 'node:fs';
import pino from 'pino';
import { jupyterServers } from '../src/jupyter-server/resource.ts';
import { Deadline } from '../src/lib/deadline.ts';
import { inParallel } from '../src/lib/in-parallel.ts';
import { namespace } from '../src/local/environment.ts';
import type { Manifest } from '../src/operator/children/manifest.ts';
import { createKubernetesClient } from '../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../src/platform/kubernetes/kubeconfig.ts';
import { resource } from '../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection } from '../src/platform/kubernetes/types.ts';
import { findPrograms, startControlPlane } from '../tests/cluster/control-plane.ts';
import { type AuditLog, readAuditLog } from './audit-log.ts';
import type { Report } from './figure.ts';
import { priorityClass, sessionOf } from './operated-sessions.ts';

/** Calls at the same time: as many as the operator makes. */
export const concurrency = 8;

export interface RealApiServer {
  readonly client: KubernetesConnection;
  /** The path of the file. */
  readonly kubeconfig: string;
  readonly calls: AuditLog;
}

const priorityClasses = { group: 'scheduling.k8s.io', version: 'v1', plural: 'priorityclasses' };

export const deadline = (): Deadline => Deadline.after(120_000);

/** Runs a measurement on a kube-apiserver with etcd, with the namespace of the sessions and `namespaces`; skips it without Go. */
export async function onRealApiServer(
  report: Report,
  what: string,
  namespaces: readonly string[],
  measure: (api: RealApiServer) => Promise<void>,
): Promise<void> {
  const programs = findPrograms();
  if (programs === undefined) return report.skip(what, 'Go is needed to build kube-apiserver');
  const plane = await startControlPlane(programs);
  const kubeconfig = await parseKubeConfig(readFileSync(plane.kubeconfig, 'utf8'));
  const client = createKubernetesClient({ kubeconfig, log: pino({ level: 'silent' }) });
  try {
    for (const name of [namespace, ...namespaces]) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await client.create(resource.namespaces, '', object, deadline());
    }
    // Kubernetes creates no pod with a priority class that does not exist.
    const priority = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: priorityClass } };
    await client.create<Manifest>(priorityClasses, '', { ...priority, value: 1 }, deadline());
    await measure({ client, kubeconfig: plane.kubeconfig, calls: readAuditLog(plane.auditLog) });
  } finally {
    await client.close();
    await plane.close();
  }
}

/** Creates `count` sessions of one owner. */
export async function createSessions(client: KubernetesConnection, owner: string, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_none, index) => `${owner}-${index}`);
  await inParallel(names, concurrency, async (name) => {
    await client.create(jupyterServers, namespace, sessionOf(name, owner), deadline());
  });
}
