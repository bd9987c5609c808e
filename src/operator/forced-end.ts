import { nodeLostSince } from '../jupyter-server/machine.ts';
import { fromJupyterServer } from '../jupyter-server/session.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { Child } from './child.ts';
import type { MainPod } from './pod.ts';

/** Grace period of a pod whose session is stopped with `forced=true`. Any other deletion has at least that of the session. */
const forcedGraceSeconds = 1;
/** Milliseconds that the kubelet has to remove the pod. A node that does not respond cannot remove it. */
const kubeletMs = { lost: 2_000, responding: 30_000 } as const;

/**
 * Returns after how many milliseconds the pod of a session that is stopped with `forced=true` must be removed from the API without
 * the kubelet, 0 for now; undefined if it must not. Without that, the session would remain until its node responds again. The
 * StatefulSet must be gone or terminating, because it would create another pod. Pure.
 * @param now milliseconds since the epoch
 */
export function forcedEndMs(
  server: JupyterServer,
  pod: MainPod | undefined,
  statefulSet: Child | undefined,
  now: number,
): number | undefined {
  const isEnding = server.metadata.deletionTimestamp !== undefined && (!statefulSet || statefulSet.terminating);
  if (!isEnding || !pod?.deletion || pod.deletion.graceSeconds > forcedGraceSeconds) return undefined;
  const limitMs = isOnLostNode(server, pod) ? kubeletMs.lost : kubeletMs.responding;
  return Math.max(0, Date.parse(pod.deletion.endsAt) + limitMs - now);
}

/** Returns whether the node of the pod does not respond. */
export const isOnLostNode = (server: JupyterServer, { uid, status }: MainPod): boolean =>
  nodeLostSince(fromJupyterServer({ ...server, status: { mainPod: { uid, status } } })) !== undefined;
