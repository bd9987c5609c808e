import type { Session } from './session.ts';

/**
 * How long after a restart the operator's earlier reports are ignored. The pod has 30 s to end; a pod that is still
 * there after a minute was not replaced, because the service was interrupted, and the session has failed again.
 */
const restartSeconds = 60;

/** Returns whether the pod that the operator reports is the one that the last restart replaces. */
export const isPodReplaced = ({ restart, pod }: Session): boolean =>
  restart !== undefined && restart.podUid === pod?.uid;

/** Returns whether the last restart was less than a minute ago. `now` in milliseconds since the epoch. */
export function wasRestartedRecently({ restart }: Session, now: number): boolean {
  // The clock of another replica may be ahead.
  return Math.abs(now - Date.parse(restart?.at ?? '')) < restartSeconds * 1000;
}

/** Returns the session without reports about a pod that is being replaced: right after a restart it is starting. */
export function withoutReplacedPod(session: Session, now: number): Session {
  if (!isPodReplaced(session) || !wasRestartedRecently(session, now)) return session;
  return {
    ...session,
    reportedState: 'starting',
    containers: [],
    pod: undefined,
    messages: {},
    idleSeconds: undefined,
  };
}
