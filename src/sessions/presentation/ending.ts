import type { SavingStatus, SessionStep, SessionWarning } from '../../generated/openapi.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isPending, secondStopMs } from '../../jupyter-server/stop-request.ts';
import type { SessionState } from '../../jupyter-server/types.ts';

/** Texts about the save before the end of a session. */

const stepTexts: Readonly<Record<SavingStatus['step'], string>> = {
  waiting: 'waiting for the agent of the session',
  'stopping-kernels': 'stopping kernels and terminals',
  scanning: 'looking for changes',
  collecting: 'collecting changes',
  pushing: 'pushing to the repository',
  verifying: 'verifying that the repository has everything',
  done: 'complete',
};

/** Returns how far the save is; undefined if no save precedes the end of the session. */
export function savingMessage({ stopRequest, save, isBeingDeleted }: Session): string | undefined {
  if (isBeingDeleted || !isPending(stopRequest)) return undefined;
  const what = stopRequest.action === 'delete' ? 'deleted' : 'hibernated';
  const progress = save?.id === stopRequest.id ? save : undefined;
  const name = progress?.step ?? 'waiting';
  const step = isStep(name) ? stepTexts[name] : 'in progress';
  const amount = progress && progress.done > 0 ? ` (${amountOf(progress.step, progress.done, progress.total)})` : '';
  return `The work is being saved before the session is ${what}: ${step}${amount}.`;
}

const isStep = (step: string): step is SavingStatus['step'] => Object.hasOwn(stepTexts, step);

/** Returns the save before the end of the session, for programs; undefined if there is none, or its failure has no effect any more. */
export function savingStatus(session: Session, state: SessionState, now: number): SavingStatus | undefined {
  const { stopRequest, save, isBeingDeleted } = session;
  if (isBeingDeleted || !stopRequest) return undefined;
  const { id, action, failure } = stopRequest;
  const progress = save?.id === id ? save : undefined;
  const step = progress && isStep(progress.step) ? progress.step : 'waiting';
  const saving = { operation: id, action, step, done: progress?.done ?? 0, total: progress?.total ?? null };
  if (!failure) return { ...saving, failure: null };
  const until = Date.parse(failure.at) + secondStopMs;
  if (state !== 'hibernated' && now > until) return undefined;
  const isLimited = state !== 'hibernated' && action === 'delete';
  return { ...saving, failure: { ...failure, until: isLimited ? inSeconds(until) : null } };
}

const inSeconds = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

/** The agent counts bytes while it pushes, and files otherwise. */
function amountOf(step: string, done: number, total: number | null): string {
  const count = (value: number): string => (step === 'pushing' ? `${(value / 1e6).toFixed(1)} MB` : `${value} files`);
  return total === null ? count(done) : `${count(done)} of ${count(total)}`;
}

/** Returns the step of the save in `status.details`. */
export const savingSteps = (session: Session): SessionStep[] =>
  savingMessage(session) === undefined ? [] : [{ step: 'Saving your work', status: 'executing' }];

/** Returns why a session that was to be deleted is hibernated; undefined for any other session. */
export function notDeletedMessage({ stopRequest }: Session): string | undefined {
  if (!stopRequest?.failure) return undefined;
  return `${failureText(stopRequest.failure.message)} So the session is hibernated, and its files are kept until you stop it again. To continue, launch it again.`;
}

/** Returns the warning of a running session whose work could not be saved. */
export function notSavedWarnings({ stopRequest }: Session, state: SessionState, now: number): SessionWarning[] {
  const { action, failure } = stopRequest ?? {};
  if (state !== 'running' || !failure || now - Date.parse(failure.at) > secondStopMs) return [];
  const until = inSeconds(Date.parse(failure.at) + secondStopMs);
  const next =
    action === 'delete'
      ? `So the session still runs. If you stop it again before ${until}, it is deleted with its work.`
      : 'So the session still runs.';
  return [{ message: `${failureText(failure.message)} ${next}`, critical: true }];
}

const failureText = (why: string): string => `The work could not be saved in the repository: ${why}`;
