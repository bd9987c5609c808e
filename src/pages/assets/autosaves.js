// @ts-check
import './account.js';
import { ApiError, launchLink, listSessions, targetOf } from './api.js';
import { autosaveRow } from './autosave-row.js';
import { announce, byId, reconcile, show } from './dom.js';
import { showError } from './error-message.js';
import { poll } from './poll.js';
import { getAutosave, listAutosaves, readWork } from './work-api.js';

/** @typedef {import('./work-api.js').Autosave} Autosave */

/** Number of autosaves that are shown at a time: each needs one request to GitLab for its content. */
const pageSize = 10;

/** @type {string} */
const project = JSON.parse(byId('autosaves-data').textContent ?? '{}').project;
/** @type {Map<string, ReturnType<typeof autosaveRow>>} */
const rows = new Map();
/** @type {Autosave[]} */
let autosaves = [];
/** The user's sessions of the project. @type {import('./api.js').Session[]} */
let sessions = [];
/** Names of autosaves whose content is in a running session. @type {Set<string>} */
const restored = new Set();
let shown = pageSize;

/** Whether a session was launched from the branch and commit of an autosave. @param {import('./api.js').Session} session @param {Autosave} autosave */
const isOfLaunch = (session, { branch, commit }) =>
  targetOf(session).branch === branch && targetOf(session).commit_sha.startsWith(commit);

/**
 * Returns why a new session would not restore the autosave; null if it would.
 * @param {Autosave} autosave
 */
function obstacleOf(autosave) {
  if (sessions.some((session) => isOfLaunch(session, autosave)))
    return 'You have a session of this branch and commit. A new session restores the autosave: stop the present one first.';
  const newest = autosaves.find(({ branch, commit }) => branch === autosave.branch && commit === autosave.commit);
  return newest === autosave
    ? null
    : 'A new session restores a newer autosave of the same branch and commit. Delete the newer one to restore this one.';
}

/** @param {Autosave} autosave */
function linkOf({ branch, commit }) {
  const segments = project.split('/');
  const target = { project: segments.pop() ?? '', namespace: segments.join('/') };
  return launchLink(target, { ref: commit, branch }).href;
}

function render() {
  reconcile(
    byId('autosaves'),
    rows,
    autosaves.slice(0, shown),
    ({ name }) => name,
    (autosave) => autosaveRow(project, autosave, () => remove(autosave)),
    (row, autosave) =>
      row.update({ obstacle: obstacleOf(autosave), link: linkOf(autosave), isRestored: restored.has(autosave.name) }),
  );
  show(byId('autosaves-loading'), false);
  show(byId('autosaves-empty'), autosaves.length === 0);
  show(byId('autosaves-more'), autosaves.length > shown);
}

/** @param {Autosave} removed */
function remove(removed) {
  autosaves = autosaves.filter((autosave) => autosave !== removed);
  render();
  byId('autosaves-title').focus();
  announce('The autosave was deleted');
}

/** Loads what is in the shown autosaves, one after the other. */
async function loadContents() {
  for (const row of [...rows.values()]) await row.load(getAutosave);
}

/** Finds the autosaves whose content is in a running session. Without an answer of the session, there is no mark. */
async function findRestored() {
  const running = sessions.filter(
    (session) => session.status.state === 'running' && autosaves.some((autosave) => isOfLaunch(session, autosave)),
  );
  for (const { name } of running) {
    for (const autosave of await restoredIn(name)) restored.add(autosave);
    render();
  }
}

/** @param {string} session */
async function restoredIn(session) {
  try {
    return (await readWork(session)).work?.autosaves ?? [];
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/** Runs a step until it has succeeded once, and shows its errors. @param {() => Promise<void>} step */
const once = (step) =>
  poll(
    async () => {
      await step();
      showError(byId('autosaves-error'), null);
      return null;
    },
    (error) => {
      show(byId('autosaves-loading'), false);
      showError(byId('autosaves-error'), error);
    },
  );

byId('autosaves-more').addEventListener('click', () => {
  shown += pageSize;
  render();
  once(loadContents);
});
once(async () => {
  const [found, all] = await Promise.all([listAutosaves(project), listSessions()]);
  autosaves = found;
  sessions = all.filter(({ annotations }) => {
    const path = `${annotations['renku.io/namespace']}/${annotations['renku.io/projectName']}`;
    return path.toLowerCase() === project.toLowerCase();
  });
  render();
  once(loadContents);
  once(findRestored);
});
