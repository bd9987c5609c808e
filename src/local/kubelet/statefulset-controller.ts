import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { Cluster } from '../cluster.ts';
import type { EventRecorder } from './events.ts';
import type { Pod, StatefulSet } from './types.ts';

const revisionLabel = 'controller-revision-hash';
const podNameLabel = 'statefulset.kubernetes.io/pod-name';
/** Milliseconds until the next attempt after the API server has rejected a pod. */
const retryAfterMs = 5_000;

/** The next step for a StatefulSet. */
export type Action = { do: 'nothing' } | { do: 'create'; pod: Pod } | { do: 'delete'; pod: Pod; why: string };

/**
 * Returns the next step, given the set's pod. A set has one replica or none: `<name>-0` is created while `replicas` is not 0,
 * replaced when it was deleted or the template has changed, and deleted when `replicas` is 0. Pure.
 */
export function decide(set: StatefulSet, pod: Pod | undefined): Action {
  if (set.metadata.deletionTimestamp !== undefined) return { do: 'nothing' };
  const wanted = (set.spec?.replicas ?? 1) > 0;
  if (!pod) return wanted ? { do: 'create', pod: podOf(set) } : { do: 'nothing' };
  if (pod.metadata.deletionTimestamp !== undefined || !isOwned(pod, set)) return { do: 'nothing' };
  if (!wanted) return { do: 'delete', pod, why: 'the set is scaled to 0' };
  if (pod.metadata.labels?.[revisionLabel] !== revisionOf(set))
    return { do: 'delete', pod, why: 'its template has changed' };
  return { do: 'nothing' };
}

export const podName = (set: StatefulSet): string => `${set.metadata.name}-0`;

function isOwned(pod: Pod, set: StatefulSet): boolean {
  return pod.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === set.metadata.uid) ?? false;
}

function podOf(set: StatefulSet): Pod {
  const { name = '', namespace = '', uid = '' } = set.metadata;
  const template = set.spec?.template;
  const pod = podName(set);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod,
      namespace,
      labels: {
        ...template?.metadata?.labels,
        [revisionLabel]: revisionOf(set),
        [podNameLabel]: pod,
        'apps.kubernetes.io/pod-index': '0',
      },
      annotations: { ...template?.metadata?.annotations },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: { ...template?.spec, hostname: pod, subdomain: set.spec?.serviceName ?? '' },
  };
}

/** Returns `<name>-<10 characters>`, which changes with the template. */
export function revisionOf(set: StatefulSet): string {
  const digest = createHash('sha256')
    .update(canonical(set.spec?.template ?? {}))
    .digest('hex');
  return `${set.metadata.name}-${digest.slice(0, 10)}`;
}

/** Returns JSON with sorted keys: the order of keys does not change a template. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Returns the set's status, for a merge patch. Pure. */
export function statusOf(set: StatefulSet, pod: Pod | undefined): Record<string, unknown> {
  const own = pod && isOwned(pod, set) ? pod : undefined;
  const ready = own?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return {
    observedGeneration: set.metadata.generation ?? 1,
    replicas: own ? 1 : 0,
    readyReplicas: ready ? 1 : 0,
    updateRevision: revisionOf(set),
  };
}

/** Watches StatefulSets and their pods and carries out the steps of `decide`. Returns the function that stops the watch. */
export function startStatefulSetController(cluster: Cluster, events: EventRecorder, log: Logger): () => void {
  const retries = new Map<string, NodeJS.Timeout>();

  function reconcile(namespace: string, name: string): void {
    try {
      const set = cluster.get<StatefulSet>(resource.statefulSets, namespace, name);
      if (!set) return;
      const pod = cluster.get<Pod>(resource.pods, namespace, podName(set));
      act(set, decide(set, pod));
      writeStatus(set);
    } catch (error) {
      log.error({ err: error, statefulSet: `${namespace}/${name}` }, 'a StatefulSet could not be reconciled');
      retry(namespace, name);
    }
  }

  function act(set: StatefulSet, action: Action): void {
    const { namespace = '', name = '' } = set.metadata;
    if (action.do === 'nothing') return;
    const verb = action.do === 'create' ? 'Create' : 'Delete';
    const what = `${action.do} Pod ${podName(set)} in StatefulSet ${name}`;
    try {
      if (action.do === 'create') cluster.create(resource.pods, namespace, action.pod);
      else cluster.delete(resource.pods, namespace, podName(set));
      const why = action.do === 'delete' ? ` (${action.why})` : '';
      events.record(set, 'Normal', `Successful${verb}`, `${what} successful${why}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      events.record(set, 'Warning', `Failed${verb}`, `${what} failed error: ${reason}`);
      throw error;
    }
  }

  function writeStatus(set: StatefulSet): void {
    const { namespace = '', name = '' } = set.metadata;
    const status = statusOf(set, cluster.get<Pod>(resource.pods, namespace, podName(set)));
    if (Object.entries(status).every(([field, value]) => set.status?.[field] === value)) return;
    cluster.patchStatus(resource.statefulSets, namespace, name, status);
  }

  function retry(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    clearTimeout(retries.get(key));
    retries.set(
      key,
      setTimeout(() => {
        retries.delete(key);
        reconcile(namespace, name);
      }, retryAfterMs),
    );
  }

  const ends = [
    cluster.watch<StatefulSet>(resource.statefulSets, ({ type, object: { metadata } }) => {
      if (type !== 'DELETED') reconcile(metadata.namespace ?? '', metadata.name ?? '');
    }),
    cluster.watch<Pod>(resource.pods, ({ object: { metadata } }) => {
      const owner = metadata.ownerReferences?.find(({ kind, controller }) => controller && kind === 'StatefulSet');
      if (owner) reconcile(metadata.namespace ?? '', owner.name);
    }),
  ];
  return () => {
    for (const end of ends) end();
    for (const timer of retries.values()) clearTimeout(timer);
  };
}
