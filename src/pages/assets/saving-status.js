// @ts-check
import { setAttribute, setText, show } from './dom.js';
import { showProgress } from './save-operation.js';
import { failureTitle } from './work-words.js';

/**
 * Shows the save before the end of a session: how far it is, or why it has failed, and the choices.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With saving, savingTitle, savingText, savingUntil, savingBar, saveAgain,
 *   keepRunning, discard, hibernateAnyway.
 */
export function savingIn(ref) {
  /** @param {import('./api.js').Session} session */
  return ({ status }) => {
    const { saving, state, message } = status;
    show(ref('saving'), saving !== undefined);
    if (!saving) return;
    const { action, failure } = saving;
    const isDeletion = action === 'delete';
    setAttribute(ref('saving'), 'data-failed', failure ? 'true' : null);
    setText(ref('savingTitle'), failure ? `${failureTitle(failure.reason)}.` : titleOf(action));
    setText(ref('savingText'), failure ? failure.message : (message ?? ''));
    setText(ref('savingUntil'), failure ? consequence(failure, state, action) : '');
    show(ref('savingUntil'), failure !== null);
    show(ref('savingBar'), failure === null);
    showProgress(ref('savingBar'), saving);
    show(ref('saveAgain'), failure !== null && state === 'running');
    show(ref('keepRunning'), failure === null && !isDeletion);
    show(ref('discard'), isDeletion && (failure !== null || state === 'stopping'));
    show(ref('hibernateAnyway'), failure !== null && !isDeletion && state === 'running');
  };
}

/** @param {'delete' | 'hibernate'} action */
const titleOf = (action) =>
  action === 'delete'
    ? 'Saving the work, then the session is deleted'
    : 'Saving the work, then the session is hibernated';

/** @param {import('./work-api.js').SaveFailure} failure @param {string} state @param {'delete' | 'hibernate'} action */
function consequence({ at, until }, state, action) {
  const when = `The save failed at ${timeOf(at)}.`;
  if (state === 'hibernated' && action === 'hibernate')
    return `${when} The session is hibernated, and its files are kept on its volume. To save them, resume it.`;
  if (state === 'hibernated')
    return `${when} The session is hibernated instead of deleted. Its files are kept until you stop it again. To save them, resume it, and stop it then.`;
  if (action === 'hibernate') return `${when} The session still runs.`;
  const next = until === null ? '' : ` Until ${timeOf(until)}, another stop deletes it with its work.`;
  return `${when} The session still runs.${next}`;
}

/** @param {string} iso */
const timeOf = (iso) => new Date(iso).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
