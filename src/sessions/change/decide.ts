import { ApiError, errorKind } from '../../errors.ts';
import { isPodReplaced, wasRestartedRecently } from '../../jupyter-server/restart.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { sessionState, wasInterrupted } from '../../jupyter-server/state.ts';
import type { SessionState } from '../../jupyter-server/types.ts';
import { failureReason } from '../presentation/failure.ts';
import { type VolumeClaim, volumeLoss } from './volume.ts';

export type RestartStep =
  /** Replace this pod. `isClaimed` means that a recent restart has begun to replace the pod and may have been interrupted. */
  | { readonly is: 'replace'; readonly podUid: string; readonly isClaimed: boolean }
  /** No action: a recent restart has replaced the pod, and the new pod is starting. */
  | { readonly is: 'done' };

/**
 * Returns the next step of a restart. Pure. Throws ApiError 1409 if the session has not failed, or has no pod to replace.
 * @param session the session from a live read
 * @param now milliseconds since the epoch
 */
export function restartStep(session: Session, now: number): RestartStep {
  const { name } = session;
  const state = sessionState(session, now);
  if (state === 'starting' && wasRestartedRecently(session, now)) return { is: 'done' };
  if (state !== 'failed') {
    const message = `The session ${name} is ${state}. Only a failed session can be restarted.`;
    throw notRestartable(message, remedies[state]);
  }
  if (wasInterrupted(session, now) && session.secrets.variables) {
    const message = `The launch of the session ${name} was interrupted before its environment variables were stored.`;
    throw notRestartable(message, 'Launch the session again with the same variables: that completes it.');
  }
  const podUid = session.pod?.uid;
  if (podUid === undefined) {
    const message = `The session ${name} has no pod that could be replaced.`;
    throw notRestartable(message, `${failureReason(session, now)} The cluster tries to start it again by itself.`);
  }
  return { is: 'replace', podUid, isClaimed: isPodReplaced(session) && wasRestartedRecently(session, now) };
}

/** Throws ApiError 1409 if a restart would lose the session's files. */
export function checkVolume(session: Session, claim: VolumeClaim | undefined): void {
  const loss = volumeLoss(session, claim);
  if (loss === undefined) return;
  throw notRestartable(
    loss,
    'Push or copy what you need, if you still can. Then stop the session and launch it again: work that was not pushed is lost.',
  );
}

const notRestartable = (message: string, detail: string): ApiError =>
  new ApiError(errorKind.conflict, message, { detail });

const remedies: Record<Exclude<SessionState, 'failed'>, string> = {
  starting: 'Wait until it is running.',
  running: 'Use the session, or stop it and launch it again.',
  stopping: 'Wait until it is deleted, then launch it again.',
  hibernated: 'To resume it, launch it again.',
};
