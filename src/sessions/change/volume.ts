import type { Session } from '../../jupyter-server/session.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

/** The used part of a PersistentVolumeClaim. */
export interface VolumeClaim extends KubernetesObject {
  status?: { phase?: string };
}

/**
 * Returns a sentence if the files of a session would be lost with its pod; otherwise undefined. Pure.
 * @param claim the claim of the session's name, as the API server has it; undefined if there is none
 */
export function volumeLoss(session: Session, claim: VolumeClaim | undefined): string | undefined {
  const { name, uid } = session;
  if (!session.hasVolume) return `The session ${name} has no volume. A restart would delete its files.`;
  const isOwn = claim?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
  if (!claim || !isOwn) return `The volume of the session ${name} no longer exists.`;
  if (claim.metadata.deletionTimestamp !== undefined) {
    return `The volume of the session ${name} is being deleted. It will be gone with the pod.`;
  }
  if (claim.status?.phase === 'Lost') return `The volume of the session ${name} has lost its storage.`;
  if (isYoungerThanPod(session, claim)) {
    return `The volume of the session ${name} was deleted and replaced by an empty one.`;
  }
  return undefined;
}

/** A pod starts after its claim is bound, so a pod that is older than the claim has written to another volume. */
const isYoungerThanPod = ({ pod }: Session, { metadata }: VolumeClaim): boolean =>
  Date.parse(metadata.creationTimestamp ?? '') > Date.parse(pod?.startedAt ?? '');
