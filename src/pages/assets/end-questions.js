// @ts-check
/** The questions before a session is stopped or deleted, which name what is saved and what is lost. */
import { ApiError } from './api.js';
import { groupList } from './group-list.js';
import { lossOf } from './session-words.js';
import { readWork } from './work-api.js';
import { groupsOf, hasNothingToLose, notSavedGroup, shortened } from './work-words.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./confirm.js').Question} Question */
/** @typedef {import('./work-api.js').SessionWork} SessionWork */
/** @typedef {{ content: (Node | string)[], isHarmless: boolean, isSaved: boolean }} Loss */

const savedFirst =
  'Its work is saved first, as an autosave in the repository. The next session of the same branch and commit has it again.';
const lost = 'Its files are deleted and not saved: work that was not pushed is lost.';

/** Returns the question; null if there is nothing to lose. @param {Session} session @param {string} label @returns {Promise<Question | null>} */
export async function stopQuestion(session, label) {
  const loss = await lossByStop(session);
  if (loss === null) return null;
  const { content, isHarmless, isSaved } = loss;
  return {
    question: `Stop ${label}?`,
    content,
    yes: isSaved && isHarmless ? 'Save and stop' : 'Stop and delete',
    isHarmless,
  };
}

/**
 * Returns the question before a session is deleted without a save.
 * @param {Session} session
 * @param {string} label
 * @returns {Promise<Question>}
 */
export async function discardQuestion(session, label) {
  const found = await workOf(session.name);
  const failure = session.status.saving?.failure;
  const content = [
    ...(failure ? [`The work could not be saved: ${failure.message}`] : []),
    ...(found instanceof ApiError ? unknownWork(found) : lossWithoutSave(session, found)),
  ];
  return { question: `Delete ${label} without saving?`, content, yes: 'Delete without saving' };
}

/**
 * Returns the question before a session is deleted and launched again.
 * @param {Session} session
 * @param {string} label
 * @param {Record<string, string>} [known] Values of the session's environment variables, if this page has launched the session.
 * @returns {Promise<Question>}
 */
export async function relaunchQuestion(session, label, known = {}) {
  const loss = await lossByStop(session);
  const values = (session.launch?.environment_variables ?? []).map(
    (name) => /** @type {const} */ ([name, known[name] ?? '']),
  );
  const content = [
    ...(loss?.content ?? ['It has no work that is neither pushed nor saved.']),
    'The new session starts from the same commit with the same options.',
    ...(values.length > 0
      ? ['The values of its environment variables are stored in the session only. Enter them again.']
      : []),
    ...(session.cloudstorage?.length
      ? ['Its cloud storage is not mounted, because the keys for it are not stored.']
      : []),
  ];
  return { question: `Launch ${label} again?`, content, yes: 'Delete and launch again', values };
}

/** Returns what a stop saves and loses; null if there is nothing to lose. @param {Session} session @returns {Promise<Loss | null>} */
async function lossByStop(session) {
  const found = await workOf(session.name);
  if (found instanceof ApiError) return { content: unknownWork(found), isHarmless: false, isSaved: false };
  const { work, whyNotSaved, savesOnStop, unavailable } = found;
  if (work && hasNothingToLose(work)) return null;
  if (whyNotSaved?.reason === 'saved-before')
    return { content: [whyNotSaved.message, 'Its volume is deleted.'], isHarmless: true, isSaved: false };
  if (savesOnStop && work) {
    const notSavable = notSavedGroup(work.notSavable, 'These are not saved, and are lost:');
    const content = [
      ...(work.isClean ? [] : [savedFirst, groupList(shortened(groupsOf(work)))]),
      ...(notSavable ? [groupList(shortened([notSavable]))] : []),
    ];
    return { content, isHarmless: notSavable === null, isSaved: true };
  }
  if (savesOnStop && unavailable) {
    const content = [
      unavailable.message,
      'If its volume has work, the work is saved first. If that fails, the session is kept.',
    ];
    return { content, isHarmless: false, isSaved: true };
  }
  const why = whyNotSaved ? [whyNotSaved.message] : [];
  return { content: [...why, ...lossWithoutSave(session, found)], isHarmless: false, isSaved: false };
}

/** Returns what a deletion without a save loses. @param {Session} session @param {SessionWork} found */
function lossWithoutSave(session, { work, unavailable }) {
  if (!work)
    return [unavailable?.reason === 'no-agent' || session.status.state === 'hibernated' ? lossOf(session) : lost];
  const notSavable = notSavedGroup(work.notSavable);
  const groups = [...(work.isClean ? [] : groupsOf(work)), ...(notSavable ? [notSavable] : [])];
  return groups.length > 0 ? ['This is lost:', groupList(shortened(groups))] : ['Everything is pushed or saved.'];
}

/** @param {ApiError} error */
const unknownWork = (error) => [
  [`What is not saved could not be read: ${error.message}`, error.detail].filter(Boolean).join(' '),
  'Work that is neither pushed nor saved may be lost.',
];

/** @param {string} name @returns {Promise<SessionWork | ApiError>} */
async function workOf(name) {
  try {
    return await readWork(name);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
