import { isDeepStrictEqual } from 'node:util';
import { conflict } from './failures.ts';
import { at, cloneJson, type StoredObject } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { timestamp } from './kinds/metadata.ts';
import { checkUid } from './update-rules.ts';

export interface DeleteRequest {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** Delays a deletion until the dependents with blockOwnerDeletion are deleted. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** Delays a deletion until the dependents have no reference to the owner. */
export const ORPHAN_FINALIZER = 'orphan';

export type Deletion =
  | { outcome: 'removed' }
  /** The object is already being deleted, and the request changes nothing. */
  | { outcome: 'unchanged' }
  /** The object is marked for deletion; the kubelet or the finalizers delay the removal. */
  | { outcome: 'terminating'; object: StoredObject };

/** Returns the effect of a DELETE on `old`. Throws StatusError 409 if a precondition fails. */
export function planDeletion(kind: Kind, old: StoredObject, request: DeleteRequest, now: number): Deletion {
  checkPreconditions(kind, old, request);
  const next = cloneJson(old);
  const { metadata } = next;
  const finalizers = withPolicy(metadata.finalizers ?? [], request.propagationPolicy);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;

  const grace = gracePeriod(kind, old, request);
  const isNamespaceWithContent = Array.isArray(at(next, 'spec', 'finalizers'));
  if (grace === 0 && finalizers.length === 0 && !isNamespaceWithContent) return { outcome: 'removed' };

  const running = metadata.deletionTimestamp === undefined ? undefined : (metadata.deletionGracePeriodSeconds ?? 0);
  if (running === undefined) {
    if (metadata.generation !== undefined) metadata.generation += 1;
    metadata.deletionTimestamp = timestamp(now + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
  } else if (grace < running) {
    const started = Date.parse(metadata.deletionTimestamp ?? '') - running * 1000;
    metadata.deletionTimestamp = timestamp(started + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
  }
  if (kind.resource.plural === 'namespaces') next['status'] = { phase: 'Terminating' };
  return isDeepStrictEqual(next, old) ? { outcome: 'unchanged' } : { outcome: 'terminating', object: next };
}

function checkPreconditions(kind: Kind, old: StoredObject, { preconditions }: DeleteRequest): void {
  const { name = '', resourceVersion } = old.metadata;
  checkUid(kind, old.metadata, preconditions?.uid);
  const required = preconditions?.resourceVersion ?? resourceVersion;
  if (required === resourceVersion) return;
  const why = `Precondition failed: ResourceVersion in precondition: ${required}, in object meta: ${resourceVersion}`;
  throw conflict(kind, name, why);
}

function withPolicy(finalizers: readonly string[], policy: DeleteRequest['propagationPolicy']): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER);
  if (policy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  if (policy === 'Orphan') return [...others, ORPHAN_FINALIZER];
  return others;
}

/**
 * Returns the grace period in seconds. Only a pod on a node has one: the kubelet stops the pod and then removes the
 * object, with a grace period of 0.
 */
function gracePeriod(kind: Kind, old: StoredObject, { gracePeriodSeconds }: DeleteRequest): number {
  if (kind.kind !== 'Pod' || !at(old, 'spec', 'nodeName')) return 0;
  const own = at(old, 'spec', 'terminationGracePeriodSeconds');
  // Kubernetes treats a negative grace period as one second.
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds < 0) return 1;
  return gracePeriodSeconds ?? old.metadata.deletionGracePeriodSeconds ?? (typeof own === 'number' ? own : 30);
}
