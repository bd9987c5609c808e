// @ts-check
import { sessionContainers } from './containers.js';

/** Texts for sessions: labels, names of states, and the questions before a session is deleted. */

/** @typedef {import('./api.js').Session} Session */

export const stateWords = {
  running: 'Running',
  starting: 'Starting',
  stopping: 'Stopping',
  failed: 'Failed',
  hibernated: 'Hibernated',
};

/** Returns "group/project" of a session. @param {Pick<Session, 'annotations' | 'name'>} session */
export function pathOf({ annotations, name }) {
  const path = [annotations['renku.io/namespace'], annotations['renku.io/projectName']].filter(Boolean).join('/');
  return path || name;
}

/** @param {Pick<Session, 'annotations'>} session */
const commitOf = ({ annotations }) => (annotations['renku.io/commit-sha'] ?? '').slice(0, 8);

/** Returns "group/project at main" of a session. @param {Pick<Session, 'annotations' | 'name'>} session */
function placeOf(session) {
  const branch = session.annotations['renku.io/branch'];
  return branch ? `${pathOf(session)} at ${branch}` : pathOf(session);
}

/**
 * Returns a unique label for each session. The label contains the commit if two sessions have the same project and branch.
 * @param {readonly Pick<Session, 'annotations' | 'name'>[]} sessions
 * @returns {Map<string, string>} Labels by the name of the session.
 */
export function labelsOf(sessions) {
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const session of sessions) times.set(placeOf(session), (times.get(placeOf(session)) ?? 0) + 1);
  return new Map(
    sessions.map((session) => {
      const place = placeOf(session);
      return [session.name, (times.get(place) ?? 0) > 1 ? `${place}, commit ${commitOf(session)}` : place];
    }),
  );
}

/** Returns a text about the data that a deletion of the session loses. @param {Pick<Session, 'status'>} session */
function lossOf({ status }) {
  const autosaveStep = sessionContainers().find(({ role }) => role === 'repository')?.step;
  const autosaves = (status.details ?? []).some(({ step }) => step === autosaveStep);
  return autosaves
    ? 'Its files are deleted. Before that, the platform tries to push unpushed work to an autosave branch. To be sure, push your work yourself.'
    : 'Its files are deleted and not saved: work that was not pushed is lost.';
}

/** @param {Session} session @param {string} label @returns {import('./confirm.js').Confirmation} */
export const stopQuestion = (session, label) => ({
  question: `Stop ${label}?`,
  loss: lossOf(session),
  yes: 'Stop and delete',
});

/**
 * @param {Session} session
 * @param {string} label
 * @param {Record<string, string>} [known] Values of the session's environment variables, if this page has launched the session.
 * @returns {import('./confirm.js').Confirmation}
 */
export function relaunchQuestion(session, label, known = {}) {
  const values = (session.launch?.environment_variables ?? []).map(
    (name) => /** @type {const} */ ([name, known[name] ?? '']),
  );
  const again = [
    lossOf(session),
    'The new session starts from the same commit with the same options.',
    ...(values.length > 0
      ? ['The values of its environment variables are stored in the session only. Enter them again.']
      : []),
    ...(session.cloudstorage?.length
      ? ['Its cloud storage is not mounted, because the keys for it are not stored.']
      : []),
  ];
  return { question: `Launch ${label} again?`, loss: again.join(' '), yes: 'Delete and launch again', values };
}
