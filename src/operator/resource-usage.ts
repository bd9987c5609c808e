import type { Logger } from 'pino';
import { readQuantity } from '../jupyter-server/quantities.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { Deadline } from '../lib/deadline.ts';
import { inParallel } from '../lib/in-parallel.ts';
import { sleep } from '../lib/sleep.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { type KubernetesConnection, KubernetesError, type ResourceType } from '../platform/kubernetes/types.ts';
import { sessionContainer } from '../session-contract/containers.ts';
import type { ClusterView } from './cluster-view.ts';

export interface Usage {
  cpuMillicores?: number;
  memoryBytes?: number;
}

const podMetrics: ResourceType = { group: 'metrics.k8s.io', version: 'v1beta1', plural: 'pods' };

interface PodMetrics extends KubernetesObject {
  containers?: { name?: string; usage?: { cpu?: unknown; memory?: unknown } }[];
}

/** Returns the usage of the Jupyter container by pod name. Values that are not quantities are left out. */
export function usageByPod(metrics: readonly PodMetrics[]): Map<string, Usage> {
  const usages = new Map<string, Usage>();
  for (const { metadata, containers } of metrics) {
    const usage = containers?.find(({ name }) => name === sessionContainer.jupyter.name)?.usage;
    const cores = readQuantity(usage?.cpu);
    const bytes = readQuantity(usage?.memory);
    if (metadata?.name === undefined || (cores === undefined && bytes === undefined)) continue;
    usages.set(metadata.name, {
      ...(cores === undefined ? {} : { cpuMillicores: Math.round(cores * 1000) }),
      ...(bytes === undefined ? {} : { memoryBytes: Math.round(bytes) }),
    });
  }
  return usages;
}

/** Returns whether a change is too small to write. Each write sends an event to all watches of JupyterServers. */
export function isNegligible(before: Usage | undefined, after: Usage): boolean {
  const { cpuMillicores: cpu, memoryBytes: memory } = after;
  const near = (a: number | undefined, b: number | undefined, slack: number) =>
    a === b || (a !== undefined && b !== undefined && Math.abs(a - b) <= slack);
  return near(before?.cpuMillicores, cpu, 2) && near(before?.memoryBytes, memory, 1024 * 1024);
}

/** Sessions whose usage is written at the same time. */
const concurrency = 8;
/** Usage that has not been measured for this time is removed, or for five intervals if they are longer. */
const maxAgeMs = 300_000;

/**
 * Copies CPU and memory usage from the metrics API to `status.mainPod.resourceUsage` every `intervalMs` until `signal` aborts.
 * Each time, makes one call per namespace and one write per session whose usage has changed. Usage that is no longer measured is
 * removed after `maxAgeMs`. If the cluster has no metrics API, the errors are logged at debug level.
 */
export async function copyResourceUsage(options: {
  client: KubernetesConnection;
  view: Pick<ClusterView, 'servers' | 'pod' | 'observeServer'>;
  namespaces: readonly string[];
  jupyterServers: ResourceType;
  intervalMs: number;
  /** Returns whether this operator may change the sessions of the namespace. */
  mayWrite: (namespace: string) => boolean;
  log: Logger;
  signal: AbortSignal;
  /** Shorter for tests. */
  expiresMs?: number;
}): Promise<void> {
  const { client, view, namespaces, jupyterServers, intervalMs, mayWrite, log, signal } = options;
  const { expiresMs = Math.max(maxAgeMs, 5 * intervalMs) } = options;
  /** Time of the last measurement by the uid of the session, in milliseconds of `performance.now()`. */
  const measuredAt = new Map<string, number>();
  const startedAt = performance.now();

  while (!signal.aborted) {
    for (const namespace of namespaces) {
      try {
        await copyOnce(namespace);
      } catch (err) {
        const absent = err instanceof KubernetesError && (err.status === 404 || err.status === 503);
        if (!signal.aborted) log[absent ? 'debug' : 'warn']({ err, namespace }, 'the resource usage could not be read');
      }
    }
    await removeExpired();
    await sleep(intervalMs, signal);
  }

  async function copyOnce(namespace: string): Promise<void> {
    const metrics = await client.list<PodMetrics>(podMetrics, namespace, {}, Deadline.after(10_000, signal));
    const byNamespace = Map.groupBy(metrics, ({ metadata }) => metadata?.namespace ?? namespace);
    const changed: { server: JupyterServer; usage: Usage }[] = [];
    for (const [each, found] of byNamespace) {
      if (!mayWrite(each)) continue;
      const usages = usageByPod(found);
      for (const server of view.servers()) {
        if (server.metadata.namespace !== each) continue;
        const { uid = '' } = server.metadata;
        const { uid: podUid, name: podName, resourceUsage } = server.status?.mainPod ?? {};
        const usage = usages.get(podName ?? '');
        if (!usage || podUid !== view.pod(uid)?.uid) continue;
        measuredAt.set(uid, performance.now());
        if (!isNegligible(resourceUsage, usage)) changed.push({ server, usage });
      }
    }
    await inParallel(changed, concurrency, ({ server, usage }) => write(server, usage));
  }

  /** Removes usage that says nothing about the present, for example if the metrics API has been removed. */
  async function removeExpired(): Promise<void> {
    const servers = view.servers();
    const uids = new Set(servers.map(({ metadata }) => metadata.uid));
    for (const uid of measuredAt.keys()) if (!uids.has(uid)) measuredAt.delete(uid);
    const expired = servers.filter(
      ({ metadata, status }) =>
        mayWrite(metadata.namespace ?? '') &&
        status?.mainPod?.resourceUsage !== undefined &&
        performance.now() - (measuredAt.get(metadata.uid ?? '') ?? startedAt) > expiresMs,
    );
    await inParallel(expired, concurrency, (server) => write(server, null));
  }

  async function write({ metadata }: JupyterServer, usage: Usage | null): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    const patch = { metadata: { uid }, status: { mainPod: { resourceUsage: usage } } };
    try {
      const deadline = Deadline.after(10_000, signal);
      view.observeServer(await client.mergePatch<JupyterServer>(jupyterServers, namespace, name, patch, deadline));
    } catch (err) {
      log.debug({ err, namespace, session: name }, 'the resource usage could not be written');
    }
  }
}
