// @ts-check
/**
 * Calls of the public API about synchronized folders.
 *
 * @typedef {{ size: number, modifiedAt: string | null } | null} SyncVersion
 * @typedef {object} SyncConflict
 * @property {string} id
 * @property {string} path
 * @property {'both-changed' | 'deleted-here' | 'deleted-there' | 'kind-changed'} kind
 * @property {SyncVersion} mine
 * @property {SyncVersion} theirs
 * @property {string | null} copy
 * @typedef {{ uploaded: number, downloaded: number, deletedLocally: number, deletedRemotely: number, bytes: number }} SyncCounters
 * @typedef {{ id: string, message: string }} UnusableFolder
 * @typedef {object} SyncFolder
 * @property {string} id
 * @property {string} path
 * @property {{ name: string, type: string, path: string, options: Readonly<Record<string, string>> }} remote
 * @property {number} intervalSeconds
 * @property {string[]} ignore
 * @property {number} maxFileBytes
 * @property {number} backupSeconds
 * @property {number | null} bytesPerSecond
 * @property {boolean} paused
 * @property {{ session: string, remote: string }} backups
 * @property {object} status
 * @property {'idle' | 'syncing' | 'suspended' | 'error' | 'paused'} status.state
 * @property {{ counters: SyncCounters } | null} status.lastRound
 * @property {string | null} status.lastSuccessAt
 * @property {SyncConflict[]} status.conflicts
 * @property {number} status.conflictCount
 * @property {{ message: string } | null} status.error
 * @property {{ message: string, deletions: number } | null} status.suspension
 * @property {number} status.skippedCount
 * @property {{ path: string, message: string }[]} status.skipped
 * @typedef {object} SyncFolders
 * @property {{ reason: string, message: string } | null} unavailable
 * @property {SyncFolder[]} folders
 * @property {UnusableFolder[]} unusable
 * @property {string[]} remoteTypes
 */

import { request, serverPath } from './api.js';

/** @param {string} name @param {string[]} parts */
const pathOf = (name, ...parts) =>
  [`${serverPath(name)}/sync-folders`, ...parts.map((part) => encodeURIComponent(part))].join('/');

/** @param {string} name @returns {Promise<SyncFolders>} */
export const listSyncFolders = (name) => request('GET', pathOf(name));

/** Starts a round. @param {string} name @param {string} id @param {{ deletions?: number }} body */
export const startSync = (name, id, body) => request('POST', `${pathOf(name, id)}/sync`, { body });

/** @param {string} name @param {string} id @param {string} conflict @param {'keep-both' | 'mine' | 'theirs'} resolution */
export const resolveConflict = (name, id, conflict, resolution) =>
  request('POST', `${pathOf(name, id)}/conflicts/${encodeURIComponent(conflict)}`, { body: { resolution } });

/** Creates a folder, or replaces its settings. @param {string} name @param {string} id @param {object} body */
export const putFolder = (name, id, body) => request('PUT', pathOf(name, id), { body });

/** Ends the synchronization of a folder. @param {string} name @param {string} id */
export const deleteFolder = (name, id) => request('DELETE', pathOf(name, id));
