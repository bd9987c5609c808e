import { type FSWatcher, statSync, watch } from 'node:fs';
import { hasCode } from '../../../lib/error-code.ts';
import { at, type FolderHandle } from './folder-handle.ts';

/** Hints that files of a folder have changed. A scan is the truth: folders can have no watch, and events can be missing. */
export interface Watch {
  /** Watches exactly these folders, besides the top. */
  update(root: FolderHandle, folders: readonly string[]): void;
  close(): void;
}

/** The kernel limits the watches of a user, whose other programs need some, too. */
const maxWatches = 2000;

export function createWatch(onHint: () => void, log: (line: string) => void): Watch {
  const watches = new Map<string, { readonly watcher: FSWatcher; readonly folder: string }>();
  let isLimited = false;
  const remove = (path: string) => {
    watches.get(path)?.watcher.close();
    watches.delete(path);
  };
  /** Returns whether further folders can be watched. */
  const add = (root: FolderHandle, path: string): boolean => {
    try {
      const place = at(root, path === '' ? '.' : path);
      // Before the watch, which is then never of an older folder than the number.
      const folder = folderAt(place);
      const watcher = watch(place, { persistent: false }, onHint);
      // For example the folder is gone; the next round learns of that.
      watcher.on('error', () => remove(path));
      watches.set(path, { watcher, folder });
      return true;
    } catch (error) {
      if (!hasCode(error, 'ENOSPC', 'EMFILE', 'ENFILE')) return true;
      if (!isLimited) log('Not all folders of file sync can be watched: their changes are found after the interval.');
      isLimited = true;
      return false;
    }
  };
  return {
    update(root, folders) {
      const wanted = new Set(['', ...folders.slice(0, maxWatches)]);
      // A folder that was deleted and created again is another one: the watch is of the deleted one.
      for (const [path, { folder }] of [...watches])
        if (!wanted.has(path) || folderAt(at(root, path === '' ? '.' : path)) !== folder) remove(path);
      for (const path of wanted) if (!watches.has(path) && !add(root, path)) return;
    },
    close() {
      for (const path of [...watches.keys()]) remove(path);
    },
  };
}

/** Returns what distinguishes a folder from another one at the same path; empty if no folder is there. */
function folderAt(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : '';
}
