import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';

/**
 * How long after a restart what the operator wrote before it is not believed. The pod has 30 s to end; if it is still
 * there after a minute, the service was interrupted before it could replace the pod, and the session has failed again.
 */
const restartSeconds = 60;

/** The pod that the operator's status tells of is the one that the last restart replaces. */
export function isPodReplaced({ metadata, status }: JupyterServer): boolean {
  const uid = metadata.annotations?.[annotation.restartedPod];
  return uid !== undefined && uid === status?.mainPod?.uid;
}

/** @param now milliseconds since the epoch */
export function wasRestartedJustNow({ metadata }: JupyterServer, now: number): boolean {
  const at = Date.parse(metadata.annotations?.[annotation.restartedAt] ?? '');
  // The clock of another replica may be ahead.
  return Math.abs(now - at) < restartSeconds * 1000;
}

/** The session without what its status says of a pod that is being replaced: right after a restart it is starting. */
export function withoutReplacedPod(server: JupyterServer, now: number): JupyterServer {
  if (!isPodReplaced(server) || !wasRestartedJustNow(server, now)) return server;
  return { ...server, status: { state: 'starting' } };
}
