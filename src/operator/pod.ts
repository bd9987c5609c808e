import type { ChildLabels } from '../jupyter-server/labels.ts';
import type {
  ContainerState,
  ContainerStatus,
  KubernetesObject,
  ObjectMeta,
  PodStatus,
} from '../platform/kubernetes/objects.ts';
import type { ValuePool } from './value-pool.ts';

/** The pod of a session, with the fields that this operator reads. */
export interface MainPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly parentName: string;
  readonly parentUid: string;
  readonly createdAt: string;
  /** Whether the pod is being deleted. */
  readonly terminating: boolean;
  /** The end of the grace period (RFC 3339) and its length, if the pod is being deleted. */
  readonly deletion: { readonly endsAt: string; readonly graceSeconds: number } | undefined;
  /** The label `controller-revision-hash`: the revision of the StatefulSet's template from which the pod was created. */
  readonly revision: string | undefined;
  readonly containers: { readonly init: readonly string[]; readonly regular: readonly string[] };
  readonly status: PodStatus;
}

interface Pod extends KubernetesObject {
  spec?: { initContainers?: { name: string }[]; containers?: { name: string }[] };
  status?: PodStatus;
}

/** Returns the fields of a pod that the operator reads; undefined if the pod does not belong to a session. */
export function projectPod({ metadata, spec, status = {} }: Pod, label: ChildLabels): MainPod | undefined {
  const parentName = metadata.labels?.[label.parentName];
  const parentUid = metadata.labels?.[label.parentUid];
  if (!parentName || !parentUid || metadata.labels?.[label.mainPod] !== 'true') return undefined;
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    parentName,
    parentUid,
    createdAt: metadata.creationTimestamp ?? '',
    terminating: metadata.deletionTimestamp !== undefined,
    deletion: deletionOf(metadata),
    revision: metadata.labels?.['controller-revision-hash'],
    containers: {
      init: (spec?.initContainers ?? []).map(({ name }) => name),
      regular: (spec?.containers ?? []).map(({ name }) => name),
    },
    status: withShortMessages(status),
  };
}

const deletionOf = ({ deletionTimestamp, deletionGracePeriodSeconds }: ObjectMeta): MainPod['deletion'] =>
  deletionTimestamp === undefined
    ? undefined
    : { endsAt: deletionTimestamp, graceSeconds: deletionGracePeriodSeconds ?? 0 };

/**
 * The maximum length of the end of a container's log that is kept: the last lines, which say why the container ended. The
 * kubelet puts up to 2 KB into the status of the pod, which every watch of JupyterServers would receive at each change. Tokens in
 * addresses are removed.
 */
const maxLogLength = 500;

const withoutTokens = (message: string): string =>
  message.replace(/\btoken=[^\s&"']+/gi, 'token=...').replace(/(:\/\/)[^\s/@"']+@/g, '$1...@');

function withShortMessages(status: PodStatus): PodStatus {
  const short = (state: ContainerState | undefined): ContainerState | undefined => {
    const message = state?.terminated?.message;
    if (message === undefined) return state;
    const shown = withoutTokens(message).slice(-maxLogLength);
    return shown === message ? state : { ...state, terminated: { ...state?.terminated, message: shown } };
  };
  const all = (statuses: ContainerStatus[] | undefined): ContainerStatus[] | undefined =>
    statuses?.map((each) => {
      const [state, lastState] = [short(each.state), short(each.lastState)];
      return { ...each, ...(state ? { state } : {}), ...(lastState ? { lastState } : {}) };
    });
  const [init, regular] = [all(status.initContainerStatuses), all(status.containerStatuses)];
  return {
    ...status,
    ...(init ? { initContainerStatuses: init } : {}),
    ...(regular ? { containerStatuses: regular } : {}),
  };
}

/** Returns the pod for the cache, which has thousands of pods with equal values. */
export const compactPod = (pod: MainPod | undefined, pool: ValuePool): MainPod | undefined =>
  pod && {
    ...pod,
    ...pool.share({ namespace: pod.namespace, containers: pod.containers, status: pod.status }),
  };

/** Returns the newest pod that is not being deleted; the newest pod if all pods are being deleted. */
export function currentPod(pods: readonly MainPod[]): MainPod | undefined {
  return pods.toSorted(
    (a, b) => Number(a.terminating) - Number(b.terminating) || b.createdAt.localeCompare(a.createdAt),
  )[0];
}
