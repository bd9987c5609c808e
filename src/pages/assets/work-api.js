// @ts-check
/**
 * Calls of the public API about the work in sessions: what is not saved, saves, and autosaves.
 *
 * @typedef {{ count: number, bytes: number, names: string[] }} ChangedFiles
 * @typedef {{ path: string, bytes: number, reason: string, message?: string }} NotSavedFile
 * @typedef {object} Work
 * @property {string | null} branch
 * @property {boolean} isClean
 * @property {boolean} canPush
 * @property {string | null} inProgress
 * @property {ChangedFiles} files
 * @property {{ name: string | null, commits: number }[]} branches
 * @property {number} [branchCount] Also of the branches that the list does not have.
 * @property {number} [commits] Not pushed, of all branches and tags.
 * @property {{ count: number, names: string[] }} [tags] Not pushed.
 * @property {number} stashes
 * @property {{ objects: number, bytes: number }} lfs
 * @property {{ path: string, files: ChangedFiles, commits: number, tags?: number }[]} submodules
 * @property {number} [submoduleCount]
 * @property {{ name: string, reason: string }[]} remotes
 * @property {NotSavedFile[]} notSavable
 * @property {{ branch: string, location: 'remote' | 'volume' | 'none', savedAt: string, isCurrent: boolean } | null} savedAs
 * @property {string[]} [autosaves]
 * @property {Recovered | null} [recovered] The autosave that was restored when the session started.
 * @typedef {object} Recovered
 * @property {string} branch
 * @property {string | null} savedAt
 * @property {boolean} isComplete
 * @property {string | null} error
 * @property {boolean} isDeleted
 * @property {string[]} others
 * @typedef {{ reason: string, message: string }} Reason
 * @typedef {{ savesOnStop: boolean, whyNotSaved: Reason | null, unavailable: Reason | null, work: Work | null }} SessionWork
 * @typedef {'waiting' | 'stopping-kernels' | 'scanning' | 'collecting' | 'pushing' | 'verifying' | 'done'} SaveStep
 * @typedef {{ step: SaveStep, done: number, total: number | null }} Progress
 * @typedef {object} SaveResult
 * @property {'remote' | 'volume' | 'none'} location
 * @property {string | null} branch
 * @property {boolean} isVerified
 * @property {number} files
 * @property {number} commits
 * @property {string[]} changedMeanwhile
 * @property {NotSavedFile[]} notSaved
 * @typedef {object} Operation
 * @property {string} id
 * @property {'save' | 'snapshot' | 'restore'} kind
 * @property {{ kernel_id: string } | null} [snapshot]
 * @property {'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled'} state
 * @property {string | null} finishedAt
 * @property {Progress} progress
 * @property {SaveResult | null} result
 * @property {Reason | null} error
 * @typedef {Reason & { at: string, until: string | null }} SaveFailure
 * @typedef {Progress & { operation: string, action: 'delete' | 'hibernate', failure: SaveFailure | null }} Saving
 *   The save before the end of a session.
 * @typedef {{ branch: string, commit: string, date: string | null, name: string }} Autosave
 * @typedef {object} AutosaveContent
 * @property {{ count: number, names: string[], isComplete: boolean }} files
 * @property {{ count: number, newest: import('./api.js').Commit[], isComplete: boolean }} commits
 * @property {number} others
 */

import { request, serverPath, stream } from './api.js';

/** @param {string} name @returns {Promise<SessionWork>} */
export const readWork = (name) => request('GET', `${serverPath(name)}/work`);

/** @param {string} name @returns {Promise<Operation>} */
export const saveWork = (name) => request('POST', `${serverPath(name)}/save`);

/** @param {string} name @returns {Promise<Operation[]>} The newest first. */
export async function listOperations(name) {
  const { operations } = await request('GET', `${serverPath(name)}/operations`);
  return operations;
}

/** @param {string} name @param {string} id */
const operationPath = (name, id) => `${serverPath(name)}/operations/${encodeURIComponent(id)}`;

/** @param {string} name @param {string} id @returns {Promise<Operation>} */
export const getOperation = (name, id) => request('GET', operationPath(name, id));

/** @param {string} name @param {string} id @returns {Promise<Operation>} */
export const cancelOperation = (name, id) => request('DELETE', operationPath(name, id));

/** Follows an operation until it has ended. @param {string} name @param {string} id @param {AbortSignal} signal */
export const followOperation = (name, id, signal) => stream(operationPath(name, id), {}, '', signal);

/** Returns the user's autosaves of a project, newest first. @param {string} project @returns {Promise<Autosave[]>} */
export async function listAutosaves(project) {
  const { autosaves } = await request('GET', `${encodeURIComponent(project)}/autosave`);
  return autosaves;
}

/** @param {string} project @param {string} name */
const autosavePath = (project, name) => `${encodeURIComponent(project)}/autosave/${encodeURIComponent(name)}`;

/** @param {string} project @param {string} name @returns {Promise<AutosaveContent>} */
export const getAutosave = (project, name) => request('GET', autosavePath(project, name));

/** @param {string} project @param {string} name */
export const deleteAutosave = (project, name) => request('DELETE', autosavePath(project, name));
