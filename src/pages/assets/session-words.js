// @ts-check
import { sessionContainers } from './containers.js';

/** Texts for sessions: labels, names of states, and what a deletion loses. */

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

/** Returns the warnings of a session, without the one about a failed save, which the page shows with its choices. @param {Pick<Session, 'status'>} session */
export function warningsOf({ status }) {
  const failure = status.saving?.failure;
  return (status.warnings ?? []).filter(({ message }) => !failure || !message.includes(failure.message));
}

/** Returns whether the user can hibernate sessions: signed in, and the platform keeps the files on volumes. */
export const mayHibernate = () => document.body.dataset.hibernates === 'true';

/** Returns a text about the data that a deletion of the session loses. @param {Pick<Session, 'status' | 'annotations'>} session */
export function lossOf({ status, annotations }) {
  if (status.state === 'hibernated') return hibernatedLoss(annotations);
  const autosaveStep = sessionContainers().find(({ role }) => role === 'repository')?.step;
  const autosaves = (status.details ?? []).some(({ step }) => step === autosaveStep);
  return autosaves
    ? 'Its files are deleted. Before that, the platform tries to push unpushed work to an autosave branch. To be sure, push your work yourself.'
    : 'Its files are deleted and not saved: work that was not pushed is lost.';
}

/** Returns what a hibernated session loses, by the state of its repository at the hibernation. @param {Session['annotations']} annotations */
function hibernatedLoss(annotations) {
  const isDirty = annotations['renku.io/hibernationDirty'];
  const isPushed = annotations['renku.io/hibernationSynchronized'];
  if (isDirty === 'false' && isPushed === 'true')
    return 'Its volume is deleted. When it was hibernated, it had no changed files and no commits that were not pushed.';
  const parts = [
    ...(isDirty === 'true' ? ['files that were not committed'] : []),
    ...(isPushed === 'false' ? ['commits that were not pushed'] : []),
  ];
  const had = parts.length > 0 ? ` When it was hibernated, it had ${parts.join(' and ')}.` : '';
  return `Its files are deleted and not saved: work that was not pushed is lost.${had}`;
}
