import { ApiError, errorKind } from '../../errors.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { JupyterServer, SessionState } from '../../jupyter-server/types.ts';
import { howToResume } from '../presentation/hibernated.ts';
import { isPodReplaced, wasRestartedJustNow } from '../presentation/restarted.ts';
import { sessionState, wasInterrupted } from '../presentation/state.ts';
import { whyFailed } from '../presentation/trouble.ts';
import { type VolumeClaim, volumeLoss } from './volume.ts';

export type RestartStep =
  /** Replace this pod. `isClaimed`: a restart of a moment ago has begun it; complete it, in case it was interrupted. */
  | { readonly is: 'replace'; readonly podUid: string; readonly isClaimed: boolean }
  /** A restart of a moment ago has replaced the pod, and its successor starts. */
  | { readonly is: 'done' };

/**
 * What a restart has to do. Pure.
 * @param server as the API server has it at this moment, projected
 * @param now milliseconds since the epoch
 * Throws ApiError 1409 for a session that is not failed, or has no pod to replace.
 */
export function restartStep(server: JupyterServer, now: number): RestartStep {
  const { name = '' } = server.metadata;
  const state = sessionState(server, now);
  if (state === 'starting' && wasRestartedJustNow(server, now)) return { is: 'done' };
  if (state !== 'failed') {
    const message = `The session ${name} is ${state}. Only a failed session can be restarted.`;
    throw notRestartable(message, remedies(name)[state]);
  }
  if (wasInterrupted(server, now) && server.metadata.annotations?.[annotation.variablesSecret]) {
    const message = `The launch of the session ${name} was interrupted before its environment variables were stored.`;
    throw notRestartable(message, 'Launch the session again with the same variables: that completes it.');
  }
  const podUid = server.status?.mainPod?.uid;
  if (podUid === undefined) {
    const message = `The session ${name} has no pod that could be replaced.`;
    throw notRestartable(message, `${whyFailed(server, now)} The cluster tries to start it again by itself.`);
  }
  return { is: 'replace', podUid, isClaimed: isPodReplaced(server) && wasRestartedJustNow(server, now) };
}

/** Throws ApiError 1409 if the files of the session would not be there after a restart. */
export function checkVolume(server: JupyterServer, claim: VolumeClaim | undefined): void {
  const loss = volumeLoss(server, claim);
  if (loss === undefined) return;
  throw notRestartable(
    loss,
    'Push or copy what you need, if you still can. Then stop the session and launch it again: work that was not pushed is lost.',
  );
}

const notRestartable = (message: string, detail: string): ApiError =>
  new ApiError(errorKind.conflict, message, { detail });

const remedies = (name: string): Record<Exclude<SessionState, 'failed'>, string> => ({
  starting: 'Wait until it runs.',
  running: 'Use the session, or stop it and launch it again.',
  stopping: 'Wait until it is gone, then launch it again.',
  hibernated: howToResume(name),
});
