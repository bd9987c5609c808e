import type { JupyterServer } from '../../jupyter-server/types.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';

/** A PersistentVolumeClaim, the part that is used here. */
export interface VolumeClaim extends KubernetesObject {
  status?: { phase?: string };
}

/**
 * Why the files of a session would not be there after its pod is replaced, a sentence; undefined: they would be. Pure.
 * @param claim the one that has the session's name, as the API server has it; undefined: there is none
 */
export function volumeLoss(server: JupyterServer, claim: VolumeClaim | undefined): string | undefined {
  const { name, uid } = server.metadata;
  if (!server.spec?.storage?.pvc?.enabled) {
    return `The session ${name} has no volume. A restart would delete its files.`;
  }
  const isOwn = claim?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
  if (!claim || !isOwn) return `The volume of the session ${name} does not exist any more.`;
  if (claim.metadata.deletionTimestamp !== undefined) {
    return `The volume of the session ${name} is being deleted. It is gone as soon as the pod is.`;
  }
  if (claim.status?.phase === 'Lost') return `The volume of the session ${name} has lost its storage.`;
  if (isYoungerThanPod(server, claim)) {
    return `The volume of the session ${name} was deleted and replaced by an empty one.`;
  }
  return undefined;
}

/** A pod starts after its claim is bound, so what it wrote is on another one. */
function isYoungerThanPod({ status }: JupyterServer, { metadata }: VolumeClaim): boolean {
  return Date.parse(metadata.creationTimestamp ?? '') > Date.parse(status?.mainPod?.status?.startTime ?? '');
}
