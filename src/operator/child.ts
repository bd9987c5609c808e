import type { ChildLabels } from '../jupyter-server/labels.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { ChildKind } from './children/manifest.ts';
import { resourcesAnnotation } from './children/stateful-set.ts';
import type { ValuePool } from './value-pool.ts';

/** An existing child, with the fields that this operator reads. */
export interface Child {
  readonly key: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly parentName: string;
  readonly parentUid: string;
  readonly terminating: boolean;
  /** The status of the child; undefined if its kind has no status. */
  readonly status: unknown;
  /** Set for a StatefulSet only. */
  readonly statefulSet: StatefulSetState | undefined;
}

export interface StatefulSetState {
  readonly replicas: number;
  /** The value of `resourcesAnnotation`; undefined on a StatefulSet that another operator created. */
  readonly resources: string | undefined;
  readonly containerResources: unknown;
  readonly parallel: boolean;
  readonly generation: number | undefined;
  readonly observedGeneration: number | undefined;
  readonly updateRevision: string | undefined;
}

/** The operator reads `spec` and `status` only of a StatefulSet, so the fields are those of a StatefulSet. */
interface ChildObject extends KubernetesObject {
  spec?: {
    replicas?: number;
    podManagementPolicy?: string;
    template?: { spec?: { containers?: { resources?: unknown }[] } };
  };
  status?: { observedGeneration?: number; updateRevision?: string };
}

/**
 * Returns the function that converts objects of this kind for the cache. That function returns undefined for an object that
 * is not a child of a JupyterServer.
 */
export function projectChild(
  { apiVersion, kind }: ChildKind,
  label: ChildLabels,
): (raw: KubernetesObject) => Child | undefined {
  return (raw: ChildObject) => {
    const { metadata, status } = raw;
    const parentName = metadata.labels?.[label.parentName];
    const parentUid = metadata.labels?.[label.parentUid];
    const key = metadata.labels?.[label.childKey];
    const owned = metadata.ownerReferences?.some(({ uid }) => uid === parentUid);
    if (!parentName || !parentUid || !key || !owned) return undefined;
    return {
      key,
      apiVersion,
      kind,
      namespace: metadata.namespace ?? '',
      name: metadata.name ?? '',
      uid: metadata.uid ?? '',
      parentName,
      parentUid,
      terminating: metadata.deletionTimestamp !== undefined,
      status,
      statefulSet: kind === 'StatefulSet' ? stateOf(raw) : undefined,
    };
  };
}

/** Returns the child for the cache, which has thousands of children with equal values. */
export const compactChild = (child: Child | undefined, pool: ValuePool): Child | undefined =>
  child && {
    ...child,
    ...pool.share({ key: child.key, namespace: child.namespace }),
    parentName: child.name === child.parentName ? child.name : child.parentName,
    status: child.status && pool.share(child.status),
    statefulSet: child.statefulSet && pool.share(child.statefulSet),
  };

function stateOf({ metadata, spec, status }: ChildObject): StatefulSetState {
  return {
    replicas: spec?.replicas ?? 1,
    resources: metadata.annotations?.[resourcesAnnotation],
    containerResources: spec?.template?.spec?.containers?.[0]?.resources,
    parallel: spec?.podManagementPolicy === 'Parallel',
    generation: metadata.generation,
    observedGeneration: status?.observedGeneration,
    updateRevision: status?.updateRevision,
  };
}
