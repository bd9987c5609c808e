// @ts-check
import { setAttribute, setText, show, showText } from './dom.js';
import { age } from './format.js';
import { groupList } from './group-list.js';
import { poll } from './poll.js';
import { savesIn } from './save-operation.js';
import { readWork } from './work-api.js';
import { groupsOf, notSavedGroup, recoveryText, summaryOf } from './work-words.js';

/** @typedef {import('./work-api.js').SessionWork} SessionWork */

/** Time between two reads while the page is visible. Each one costs about as much as `git status` in the session. */
const everyMs = 30_000;
/** Time between two reads while the pod of a running session is not known yet. */
const soonMs = 5_000;

/**
 * Shows what is not saved in a running session, with a button to save.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With work, workSummary, workRecovered, workMore, workGroups, workNotes, and those of
 *   `savesIn`.
 * @param {() => string} nameOf Returns the name of the session.
 */
export function workIn(ref, nameOf) {
  /** @type {ReturnType<typeof poll> | null} */
  let reading = null;
  let hasSearched = false;
  /** @type {SessionWork | null} */
  let known = null;
  const saves = savesIn(ref, nameOf, () => reading?.now());

  async function step() {
    const found = await readWork(nameOf());
    // The session has ended in the meantime.
    if (!reading) return null;
    known = found;
    render(found);
    if (found.work && !hasSearched) {
      hasSearched = true;
      await saves.findRunning();
    }
    const reason = found.unavailable?.reason;
    // These never change.
    if (reason === 'no-agent' || reason === 'no-key') return null;
    return reason === undefined ? everyMs : soonMs;
  }

  /** @param {SessionWork} found */
  function render({ work, unavailable, whyNotSaved }) {
    show(ref('work'), true);
    showText(ref('workRecovered'), recoveryText(work?.recovered));
    const isLost = work !== null && !work.isClean;
    setAttribute(ref('work'), 'data-work', work === null ? 'unknown' : isLost ? 'not-saved' : 'saved');
    if (work === null) {
      setText(ref('workSummary'), `What is not saved is not shown: ${unavailable?.message ?? ''}`);
      show(ref('workMore'), false);
      return show(ref('save'), false);
    }
    setText(ref('workSummary'), sentence(work));
    const groups = isLost ? groupsOf(work) : [];
    const notSavable = notSavedGroup(work.notSavable);
    const notes = [
      ...(isLost && whyNotSaved ? [`A stop does not save this work. ${whyNotSaved.message}`] : []),
      ...(work.inProgress ? [`A ${work.inProgress} is in progress. A save keeps its state.`] : []),
      ...work.remotes.map(({ name, reason }) => `The session cannot push to the remote ${name}: ${reason}`),
    ];
    show(ref('workMore'), groups.length > 0 || notSavable !== null || notes.length > 0);
    ref('workGroups').replaceChildren(groupList([...groups, ...(notSavable ? [notSavable] : [])]));
    ref('workNotes').replaceChildren(
      ...notes.map((text) => {
        const note = document.createElement('p');
        setText(note, text);
        return note;
      }),
    );
    show(ref('save'), isLost && work.canPush && !saves.isRunning());
  }

  /** @param {import('./api.js').ApiError} error */
  function showFailure(error) {
    show(ref('work'), true);
    setAttribute(ref('work'), 'data-work', 'unknown');
    setText(ref('workSummary'), `What is not saved could not be read: ${error.message}`);
    show(ref('workMore'), false);
    show(ref('save'), false);
  }

  return {
    /** @param {import('./api.js').Session} session */
    update({ status }) {
      if (status.state !== 'running') return this.close();
      if (reading) return;
      hasSearched = false;
      reading = poll(step, showFailure);
    },
    now: () => reading?.now(),
    known: () => known,
    close() {
      reading?.stop();
      reading = null;
      known = null;
      saves.close();
      show(ref('work'), false);
    },
  };
}

/** @param {import('./work-api.js').Work} work */
function sentence(work) {
  const { isClean, savedAs, canPush } = work;
  const summary = summaryOf(work);
  if (isClean && summary === '') return 'All work is pushed.';
  if (isClean && savedAs) return `All work is saved: ${summary}, as an autosave ${age(savedAs.savedAt)}.`;
  if (!isClean && savedAs?.isCurrent && savedAs.location === 'volume')
    return `Saved on the volume of the session only, and not in the repository: ${summary}.`;
  if (!canPush) return `Not saved, and you cannot push: ${summary}.`;
  return `Not saved: ${summary}.`;
}
