import type { ServerResponse } from 'node:http';
import type { NodeAgent, PodMetrics } from '../../cluster.ts';
import { StatusError } from '../../cluster.ts';
import { parseLabelSelector } from '../selectors.ts';
import type { Store } from '../store.ts';
import { sendObject } from './responses.ts';

const API_VERSION = 'metrics.k8s.io/v1beta1';

/** Sends the CPU and memory usage of running pods, as the metrics server of a cluster does. */
export function servePodMetrics(
  store: Store,
  node: NodeAgent,
  res: ServerResponse,
  namespace: string,
  name: string | undefined,
  query: URLSearchParams,
): void {
  const matches = parseLabelSelector(query.get('labelSelector') ?? '');
  const items = node
    .metrics()
    .filter((pod) => (namespace === '' || pod.namespace === namespace) && (name === undefined || pod.name === name))
    .map((pod) => ({
      pod,
      labels: store.objects.get(store.kinds.pods, pod.namespace, pod.name)?.object.metadata.labels,
    }))
    .filter(({ labels }) => matches(labels))
    .map(({ pod, labels }) => podMetrics(pod, labels));
  if (name === undefined) {
    const metadata = { resourceVersion: String(store.objects.version) };
    sendObject(res, 200, JSON.stringify({ kind: 'PodMetricsList', apiVersion: API_VERSION, metadata, items }));
    return;
  }
  const [found] = items;
  if (found === undefined) {
    const details = { name, group: 'metrics.k8s.io', kind: 'pods' };
    throw new StatusError(404, 'NotFound', `pods.metrics.k8s.io "${name}" not found`, details);
  }
  sendObject(res, 200, JSON.stringify(found));
}

function podMetrics(pod: PodMetrics, labels: Record<string, string> | undefined): object {
  const { namespace, name, timestamp, windowSeconds, containers } = pod;
  return {
    kind: 'PodMetrics',
    apiVersion: API_VERSION,
    metadata: { name, namespace, creationTimestamp: timestamp, ...(labels ? { labels } : {}) },
    timestamp,
    window: `${windowSeconds}s`,
    containers: containers.map((container) => ({
      name: container.name,
      usage: {
        cpu: `${Math.round(container.cpuNanocores)}n`,
        memory: `${Math.round(container.memoryBytes / 1024)}Ki`,
      },
    })),
  };
}
