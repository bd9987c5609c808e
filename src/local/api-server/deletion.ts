import { isDeepStrictEqual } from 'node:util';
import { conflict } from './failures.ts';
import { at, cloneJson, type StoredObject } from './json.ts';
import type { Kind } from './kinds/kind.ts';
import { timestamp } from './kinds/metadata.ts';

export interface DeleteRequest {
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  preconditions?: { uid?: string; resourceVersion?: string };
}

/** The object waits until its dependents (those with blockOwnerDeletion) are gone. */
export const FOREGROUND_FINALIZER = 'foregroundDeletion';
/** The object waits until its dependents no longer name it as their owner. */
export const ORPHAN_FINALIZER = 'orphan';

export type Deletion =
  | { outcome: 'removed' }
  /** Already being deleted, and this request changes nothing. */
  | { outcome: 'unchanged' }
  /** Marked for deletion; somebody (kubelet, finalizers) still has to finish it. */
  | { outcome: 'terminating'; object: StoredObject };

/** Decides what a DELETE does to `old`. Throws StatusError 409 when a precondition does not hold. */
export function planDeletion(kind: Kind, old: StoredObject, request: DeleteRequest, now: number): Deletion {
  checkPreconditions(kind, old, request);
  const next = cloneJson(old);
  const { metadata } = next;
  const finalizers = withPolicy(metadata.finalizers ?? [], request.propagationPolicy);
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;

  const grace = gracePeriod(kind, old, request);
  const waitsForNamespaceContent = Array.isArray(at(next, 'spec', 'finalizers'));
  if (grace === 0 && finalizers.length === 0 && !waitsForNamespaceContent) return { outcome: 'removed' };

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
  const { name = '', uid, resourceVersion } = old.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflict(kind, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflict(kind, name, why);
  }
}

function withPolicy(finalizers: readonly string[], policy: DeleteRequest['propagationPolicy']): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND_FINALIZER && finalizer !== ORPHAN_FINALIZER);
  if (policy === 'Foreground') return [...others, FOREGROUND_FINALIZER];
  if (policy === 'Orphan') return [...others, ORPHAN_FINALIZER];
  return others;
}

/**
 * Seconds that the object has to end in order. Only pods have such a time, and only pods that a kubelet may be running:
 * it removes them at the end with a grace period of 0.
 */
function gracePeriod(kind: Kind, old: StoredObject, { gracePeriodSeconds }: DeleteRequest): number {
  if (kind.kind !== 'Pod' || !at(old, 'spec', 'nodeName')) return 0;
  const own = at(old, 'spec', 'terminationGracePeriodSeconds');
  // Less than nothing counts as a second.
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds < 0) return 1;
  return gracePeriodSeconds ?? old.metadata.deletionGracePeriodSeconds ?? (typeof own === 'number' ? own : 30);
}
