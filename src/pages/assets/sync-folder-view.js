// @ts-check
import { askBefore } from './confirm.js';
import { fromTemplate, reconcile, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { age, count, formatBytes, joined } from './format.js';
import { deleteFolder, putFolder, resolveConflict, startSync } from './sync-api.js';
import { settingsOf } from './sync-form.js';

/**
 * @typedef {import('./sync-api.js').SyncFolder} SyncFolder
 * @typedef {import('./sync-api.js').SyncConflict} SyncConflict
 * @typedef {(send: (name: string) => Promise<unknown>) => Promise<void>} Act Sends a request and shows its error.
 */

/** Returns the element of a folder that cannot be synchronized. @param {Act} act */
export function unusableView(act) {
  const element = fromTemplate('sync-unusable-template');
  const ref = refsOf(element);
  let id = '';
  let removed = '';
  askBefore(
    ref('remove'),
    () => {
      removed = id;
      return {
        question: `Remove the folder ${id}?`,
        content: ['The files in the session and those on the server stay.', deletedAtTheEnd],
        yes: 'Remove',
      };
    },
    () => void act((name) => deleteFolder(name, removed)),
  );
  return {
    element,
    /** @param {import('./sync-api.js').UnusableFolder} folder */
    update(folder) {
      id = folder.id;
      setText(ref('text'), folder.message);
      setText(ref('removeName'), ` the folder ${id}`);
    },
  };
}

/**
 * Returns the element of a synchronized folder.
 * @param {Act} act
 * @param {(place: HTMLElement, folder: SyncFolder, opener: HTMLElement) => void} openForm
 */
export function folderView(act, openForm) {
  const element = fromTemplate('sync-folder-template');
  const ref = refsOf(element);
  /** @type {Map<string, ReturnType<typeof conflictView>>} */
  const views = new Map();
  /** @type {SyncFolder | null} */
  let folder = null;

  ref('now').addEventListener('click', () => {
    if (folder) void act((name) => startSync(name, folder?.id ?? '', {}));
  });
  /** The number in the question that the user answers. */
  let deletions = 0;
  askBefore(
    ref('confirm'),
    () => {
      deletions = folder?.status.suspension?.deletions ?? 0;
      return {
        question: `Delete ${count(deletions, 'file')}?`,
        content: [
          folder?.status.suspension?.message ?? '',
          'The files are deleted on the side that still has them.',
          keptText(folder?.backupSeconds ?? 0),
        ],
        yes: 'Delete',
      };
    },
    () => void act((name) => startSync(name, folder?.id ?? '', { deletions })),
  );

  ref('change').addEventListener('click', () => {
    if (folder) openForm(ref('formPlace'), folder, ref('change'));
  });
  ref('pause').addEventListener('click', () => {
    const changed = folder;
    if (changed) void act((name) => putFolder(name, changed.id, { ...settingsOf(changed), paused: !changed.paused }));
  });
  let removed = '';
  askBefore(
    ref('remove'),
    () => {
      removed = folder?.id ?? '';
      return folder && removalOf(folder);
    },
    () => void act((name) => deleteFolder(name, removed)),
  );

  return {
    element,
    /** @param {SyncFolder} next */
    update(next) {
      folder = next;
      const { status, path } = next;
      const isFine = status.state === 'idle' && status.conflictCount === 0;
      const isUnknown = status.state === 'syncing' || status.state === 'paused';
      setAttribute(element, 'data-work', isUnknown ? 'unknown' : isFine ? 'saved' : 'not-saved');
      setText(ref('summary'), summaryOf(next));
      for (const name of ['nowName', 'changeName', 'pauseName']) setText(ref(name), ` the folder ${path}`);
      setText(ref('removeName'), ` the synchronization of ${path}`);
      setText(ref('versionsName'), ` of files in ${path}`);
      setText(ref('backupTime'), timeOf(next.backupSeconds));
      setText(ref('backupHere'), next.backups.session);
      setText(ref('backupThere'), [next.remote.path, next.backups.remote].filter(Boolean).join('/'));
      setText(ref('pauseText'), next.paused ? 'Continue' : 'Pause');
      show(ref('now'), status.state === 'idle' || status.state === 'error');
      const { suspension } = status;
      show(ref('confirm'), status.state === 'suspended');
      if (suspension) setText(ref('confirm'), `Delete ${count(suspension.deletions, 'file')}`);
      showText(ref('note'), suspension?.message ?? status.error?.message ?? skippedText(status));
      reconcile(
        ref('conflicts'),
        views,
        status.conflicts,
        ({ id }) => id,
        () => conflictView(next.id, act),
        (view, conflict) => view.update(conflict, next.backupSeconds),
      );
      show(ref('conflicts'), status.conflicts.length > 0);
      const others = status.conflictCount - status.conflicts.length;
      showText(ref('more'), others > 0 ? `and ${count(others, 'more conflict')}` : null);
    },
  };
}

/** @param {string} folder @param {Act} act */
function conflictView(folder, act) {
  const element = fromTemplate('sync-conflict-template');
  const ref = refsOf(element);
  /** @type {SyncConflict | null} */
  let shown = null;
  let keptSeconds = 0;
  for (const resolution of /** @type {const} */ (['keep-both', 'mine', 'theirs'])) {
    let id = '';
    askBefore(
      ref(resolution),
      () => {
        id = shown?.id ?? '';
        return shown && questionOf(shown, resolution, keptSeconds);
      },
      () => void act((name) => resolveConflict(name, folder, id, resolution)),
    );
  }
  return {
    element,
    /** @param {SyncConflict} conflict @param {number} backupSeconds */
    update(conflict, backupSeconds) {
      shown = conflict;
      keptSeconds = backupSeconds;
      setText(ref('text'), conflictText(conflict));
      for (const name of ['bothName', 'mineName', 'theirsName']) setText(ref(name), ` of ${conflict.path}`);
      for (const resolution of ['mine', 'theirs']) show(ref(resolution), conflict.kind !== 'kind-changed');
    },
  };
}

/**
 * Returns the question before a resolution; null if nothing is lost.
 * @param {SyncConflict} conflict @param {'keep-both' | 'mine' | 'theirs'} resolution @param {number} backupSeconds
 */
function questionOf({ path, kind, copy }, resolution, backupSeconds) {
  if (resolution === 'keep-both') return null;
  const isMine = resolution === 'mine';
  if (kind === 'both-changed')
    return {
      question: `Keep only ${isMine ? 'your' : 'their'} version of ${path}?`,
      content: [
        isMine
          ? `${copy} is deleted on both sides.`
          : `${path} gets the content of ${copy} on both sides, and ${copy} is deleted.`,
        keptText(backupSeconds),
      ],
      yes: 'Keep only this version',
      no: 'Cancel',
    };
  if ((kind === 'deleted-here') !== isMine) return null;
  return {
    question: `Delete ${path}?`,
    content: ['The file is deleted on both sides.', keptText(backupSeconds)],
    yes: 'Delete',
  };
}

/** @param {number} backupSeconds */
const keptText = (backupSeconds) =>
  `Deleted and replaced versions stay for ${timeOf(backupSeconds)} in the folders that "Earlier versions" names.`;

const deletedAtTheEnd =
  'The session deletes the password and the versions of files that it has replaced or deleted. Those in the folder .notebook-sessions-sync on the server stay there.';

/** Returns the question before the end of a synchronization. @param {SyncFolder} folder */
const removalOf = ({ path, remote }) => ({
  question: `End the synchronization of ${path}?`,
  content: [
    `The files in the session and those of ${remote.name} stay. Changes of one side no longer appear on the other.`,
    deletedAtTheEnd,
  ],
  yes: 'End the synchronization',
});

/** Returns a long time as text: "30 days", "5 hours". @param {number} seconds */
const timeOf = (seconds) =>
  seconds < 2 * 86_400 ? count(Math.round(seconds / 3600), 'hour') : count(Math.round(seconds / 86_400), 'day');

/** @param {SyncFolder} folder */
function summaryOf({ path, remote, status }) {
  const where = `${path} and ${remote.name}`;
  if (status.state === 'syncing') return `${where}: synchronizing${progressOf(status)}.`;
  if (status.state === 'paused') return `${where}: paused.`;
  if (status.state === 'suspended') return `${where}: waiting for your decision.`;
  if (status.state === 'error') return `${where}: not synchronized.`;
  const conflicts = status.conflictCount > 0 ? `, ${count(status.conflictCount, 'conflict')}` : '';
  return status.lastSuccessAt === null
    ? `${where}: not synchronized yet.`
    : `${where}: synchronized ${age(status.lastSuccessAt)}${conflicts}.`;
}

/** @param {SyncFolder['status']} status */
function progressOf({ lastRound }) {
  if (!lastRound) return '';
  const { uploaded, downloaded, deletedLocally, deletedRemotely, bytes } = lastRound.counters;
  const parts = [
    ...(uploaded > 0 ? [`${count(uploaded, 'file')} sent`] : []),
    ...(downloaded > 0 ? [`${count(downloaded, 'file')} received`] : []),
    ...(deletedLocally + deletedRemotely > 0 ? [`${count(deletedLocally + deletedRemotely, 'file')} deleted`] : []),
  ];
  return parts.length === 0 ? '' : `, so far ${joined(parts)} (${formatBytes(bytes)})`;
}

/** @param {SyncFolder['status']} status */
function skippedText({ skippedCount, skipped: [first] }) {
  if (!first) return null;
  const others = skippedCount > 1 ? ` and ${count(skippedCount - 1, 'other')}` : '';
  return `Not synchronized: ${first.path}${others}. ${first.message}`;
}

/** @param {SyncConflict} conflict */
function conflictText({ path, kind, mine, theirs, copy }) {
  if (kind === 'both-changed')
    return `${path} was changed on both sides. Yours${sizeOf(mine)} has the name, theirs${sizeOf(theirs)} is ${copy}.`;
  if (kind === 'deleted-here')
    return `${path} was deleted in the session and changed on the other side. The change is kept.`;
  if (kind === 'deleted-there')
    return `${path} was changed in the session and deleted on the other side. The change is kept.`;
  return `${path} is a file on one side and a folder on the other. The file is ${copy}.`;
}

/** @param {import('./sync-api.js').SyncVersion} version */
const sizeOf = (version) => (version ? ` (${formatBytes(version.size)})` : '');
