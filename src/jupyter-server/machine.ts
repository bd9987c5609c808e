import type { Session } from './session.ts';

/**
 * Returns since when (RFC 3339) the node of the session's pod does not respond; undefined if it responds. The kubelet derives the
 * condition Ready from ContainersReady and the readiness gates. If they differ without a gate, the node lifecycle controller has
 * set Ready to False, because the node sends no reports.
 */
export function nodeLostSince({ pod }: Pick<Session, 'pod'>): string | undefined {
  const condition = (type: string) => pod?.conditions.find((each) => each.type === type);
  const ready = condition('Ready');
  const isLost = ready?.status === 'False' && ready.reason !== 'ReadinessGatesNotReady';
  return isLost && condition('ContainersReady')?.status === 'True' ? ready.changedAt : undefined;
}

/** Returns the end of a sentence for a result of `nodeLostSince`, which is empty if the cluster reports no time. */
export const sinceText = (since: string): string => (since === '' ? 'for some time' : `since ${since}`);
