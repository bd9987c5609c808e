import type { Session } from './session.ts';

/**
 * Time after a restart during which the operator's reports about the replaced pod are ignored. The grace period of the pod is
 * 30 s. If the pod still exists after this time, the restart was interrupted, and the session is `failed` again.
 */
const restartSeconds = 60;

/** Returns whether the operator reports the pod that the last restart replaces. */
export const isPodReplaced = ({ restart, pod }: Session): boolean =>
  restart !== undefined && restart.podUid === pod?.uid;

/** Returns whether the last restart was less than a minute ago. `now` is in milliseconds since the epoch. */
export function wasRestartedRecently({ restart }: Session, now: number): boolean {
  // The clock of another replica may be ahead.
  return Math.abs(now - Date.parse(restart?.at ?? '')) < restartSeconds * 1000;
}

/** Returns the session without reports about a pod that is being replaced, so that the session is `starting` after a restart. */
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
