import type { Session } from '../../jupyter-server/session.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

/** The fields of a PersistentVolumeClaim that this project reads. */
export interface VolumeClaim extends KubernetesObject {
  status?: { phase?: string };
}

/**
 * Returns a message if a deletion of the pod would delete the files of the session; otherwise undefined. Pure.
 * @param claim the claim with the session's name, from a live read; undefined if the claim does not exist
 */
export function volumeLoss(session: Session, claim: VolumeClaim | undefined): string | undefined {
  const { name, uid } = session;
  if (!session.hasVolume) return `The session ${name} has no volume. A restart would delete its files.`;
  const isOwn = claim?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
  if (!claim || !isOwn) return `The volume of the session ${name} no longer exists.`;
  if (claim.metadata.deletionTimestamp !== undefined) {
    return `The volume of the session ${name} is being deleted. A restart would delete its files.`;
  }
  if (claim.status?.phase === 'Lost') return `The volume of the session ${name} has lost its storage.`;
  if (isYoungerThanPod(session, claim)) {
    return `The volume of the session ${name} was deleted and replaced by an empty one.`;
  }
  return undefined;
}

/** A pod starts only after its claim is bound, so a pod that is older than the claim has used another volume. */
const isYoungerThanPod = ({ pod }: Session, { metadata }: VolumeClaim): boolean =>
  Date.parse(metadata.creationTimestamp ?? '') > Date.parse(pod?.startedAt ?? '');
