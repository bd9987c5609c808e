// @ts-check
/**
 * Calls of the public API about kernels and their snapshots.
 *
 * @typedef {{ id: string, name: string | null, path: string | null, state: string, memory_bytes: number | null, reason: string | null }} Kernel
 * @typedef {{ reason: string, message: string }} Reason
 * @typedef {{ unavailable: Reason | null, kernels: Kernel[] }} KernelReport
 * @typedef {{ name: string, type: string, reason: string }} NotSavedVariable
 * @typedef {object} Snapshot
 * @property {string} id
 * @property {string} label
 * @property {string} reason
 * @property {string} created
 * @property {number} size_bytes
 * @property {string} engine
 * @property {number} variables
 * @property {NotSavedVariable[]} not_saved
 * @property {number} not_saved_count
 * @typedef {object} SnapshotReport
 * @property {Reason | null} unavailable
 * @property {Snapshot[]} snapshots
 * @property {{ name: string, unavailable: string | null }[]} engines
 * @property {boolean} automatic
 * @property {string | null} automatic_error
 * @typedef {object} SnapshotResult
 * @property {Snapshot | null} snapshot
 * @property {{ message: string, retry_after_seconds: number } | null} skipped
 * @property {{ restored: number, removed: string[], not_restored: NotSavedVariable[] } | null} restored
 * @typedef {object} SnapshotOperation
 * @property {string} id
 * @property {'save' | 'snapshot' | 'restore'} kind
 * @property {'waiting' | 'running' | 'succeeded' | 'failed' | 'cancelled'} state
 * @property {string | null} finishedAt
 * @property {{ step: string, done: number, total: number | null }} progress
 * @property {SnapshotResult | null} [snapshot]
 * @property {Reason | null} error
 */

import { request, serverPath } from './api.js';

/** @param {string} session @returns {Promise<KernelReport>} */
export const listKernels = (session) => request('GET', `${serverPath(session)}/kernels`);

/** @param {string} session @param {string} kernel */
const snapshotsPath = (session, kernel) => `${serverPath(session)}/kernels/${encodeURIComponent(kernel)}/snapshots`;

/** @param {string} session @param {string} kernel @returns {Promise<SnapshotReport>} */
export const listSnapshots = (session, kernel) => request('GET', snapshotsPath(session, kernel));

/** @param {string} session @param {string} kernel @returns {Promise<SnapshotOperation>} */
export const takeSnapshot = (session, kernel) => request('POST', snapshotsPath(session, kernel), { body: {} });

/** @param {string} session @param {string} kernel @param {boolean} automatic @returns {Promise<SnapshotReport>} */
export const setAutomatic = (session, kernel, automatic) =>
  request('PATCH', snapshotsPath(session, kernel), { body: { automatic } });

/** @param {string} session @param {string} kernel @param {string} id @returns {Promise<SnapshotOperation>} */
export const restoreSnapshot = (session, kernel, id) =>
  request('POST', `${snapshotsPath(session, kernel)}/${encodeURIComponent(id)}/restore`, { body: {} });

/** @param {string} session @param {string} kernel @param {string} id */
export const deleteSnapshot = (session, kernel, id) =>
  request('DELETE', `${snapshotsPath(session, kernel)}/${encodeURIComponent(id)}`);

/** @param {string} session @param {string} id */
const operationPath = (session, id) => `${serverPath(session)}/operations/${encodeURIComponent(id)}`;

/** @param {string} session @param {string} id @returns {Promise<SnapshotOperation>} */
export const readOperation = (session, id) => request('GET', operationPath(session, id));

/** @param {string} session @param {string} id @returns {Promise<SnapshotOperation>} */
export const cancelSnapshot = (session, id) => request('DELETE', operationPath(session, id));
