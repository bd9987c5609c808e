// @ts-check
import { ApiError } from './api.js';
import { reconcile, show } from './dom.js';
import { showError } from './error-message.js';
import { poll } from './poll.js';
import { listSyncFolders } from './sync-api.js';
import { folderView, unusableView } from './sync-folder-view.js';
import { syncForm } from './sync-form.js';

/** Time between two reads while the page is visible. The agent of the session answers from memory. */
const everyMs = 30_000;
/** A session has at most this many folders. */
const maxFolders = 10;
/** Time between two reads while a round runs, or the pod of a running session is not known yet. */
const soonMs = 3_000;

/**
 * Shows the synchronized folders of a running session, with their conflicts, and a form for further ones.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With sync, syncFolders, syncUnusable, syncFormPlace, syncAddPlace, syncAdd,
 *   syncAddName, syncError.
 * @param {() => string} nameOf Returns the name of the session.
 */
export function syncIn(ref, nameOf) {
  /** @type {ReturnType<typeof poll> | null} */
  let reading = null;
  /** @type {Map<string, ReturnType<typeof folderView>>} */
  const views = new Map();
  /** @type {Map<string, ReturnType<typeof unusableView>>} */
  const unusableViews = new Map();
  /** @type {{ usedIds: string[], types: string[] }} */
  let known = { usedIds: [], types: [] };

  async function step() {
    const { unavailable, folders, unusable, remoteTypes } = await listSyncFolders(nameOf());
    // The session has ended in the meantime.
    if (!reading) return null;
    known = { usedIds: [...folders, ...unusable].map(({ id }) => id), types: remoteTypes };
    const mayAdd = !unavailable && remoteTypes.length > 0;
    show(ref('sync'), mayAdd || folders.length + unusable.length > 0);
    show(ref('syncAdd'), mayAdd && folders.length < maxFolders);
    reconcile(
      ref('syncFolders'),
      views,
      folders,
      ({ id }) => id,
      () => folderView(act, openForm),
      (view, folder) => view.update(folder),
    );
    reconcile(
      ref('syncUnusable'),
      unusableViews,
      unusable,
      ({ id }) => id,
      () => unusableView(act),
      (view, folder) => view.update(folder),
    );
    if (unavailable?.reason === 'no-agent' || unavailable?.reason === 'no-key') return null;
    return unavailable || folders.some(({ status }) => status.state === 'syncing') ? soonMs : everyMs;
  }

  /** Sends a request and shows its error. @param {(name: string) => Promise<unknown>} send */
  async function act(send) {
    showError(ref('syncError'), null);
    try {
      await send(nameOf());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showError(ref('syncError'), error);
    }
    reading?.now();
  }

  /**
   * Shows the form in a place, instead of one that is open there.
   * @param {HTMLElement} place @param {import('./sync-api.js').SyncFolder | null} folder @param {HTMLElement} opener Gets the focus afterwards.
   */
  function openForm(place, folder, opener) {
    const form = syncForm({
      ...{ nameOf, folder, ...known },
      onEnd(isSaved) {
        place.replaceChildren();
        show(opener, true);
        opener.focus();
        if (isSaved) reading?.now();
      },
    });
    place.replaceChildren(form.element);
    show(opener, false);
    form.focus();
  }
  ref('syncAdd').addEventListener('click', () => openForm(ref('syncFormPlace'), null, ref('syncAdd')));

  return {
    /** @param {import('./api.js').Session} session */
    update({ status }) {
      if (status.state !== 'running') return this.close();
      // The next read shows what this one could not.
      reading ??= poll(step, () => undefined);
    },
    close() {
      reading?.stop();
      reading = null;
      ref('syncFormPlace').replaceChildren();
      show(ref('sync'), false);
    },
  };
}
