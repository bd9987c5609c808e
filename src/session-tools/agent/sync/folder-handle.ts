import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { hasCode } from '../../../lib/error-code.ts';

/**
 * Files below a folder that other programs change at the same time, without following a link: each folder of a path is opened
 * alone, and the next one is looked up in the open folder. Node.js has no `openat`; `/proc/self/fd/<descriptor>/<name>` is the same.
 */

/** The descriptor of an open folder. */
export type FolderHandle = number;

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A path leads through something that is no folder, for example a link. */
export class NotAFolder extends Error {
  override readonly name = 'NotAFolder';
}

/** Returns the path of an entry of an open folder. `name` has no slash. */
export const at = (folder: FolderHandle, name: string): string => `/proc/self/fd/${folder}/${name}`;

/** Returns the path of an open file or folder for other processes of the same user. */
export const forOthers = (descriptor: number, name?: string): string =>
  `/proc/${process.pid}/fd/${descriptor}${name === undefined ? '' : `/${name}`}`;

/** Opens a folder whose path is trusted, except that its last part must not be a link. The caller closes the handle. */
export const openTrusted = (path: string): FolderHandle => openSync(path, folderFlags);

/**
 * Opens a folder below `root`. The caller closes the handle. Throws NotAFolder, and ENOENT if a folder does not exist.
 * @param create creates missing folders
 */
export function openFolder(root: FolderHandle, path: string, create = false): FolderHandle {
  let current = openSync(at(root, '.'), folderFlags);
  for (const name of path === '' ? [] : path.split('/')) {
    const parent = current;
    try {
      current = openOne(parent, name, create);
    } catch (error) {
      if (hasCode(error, 'ENOTDIR', 'ELOOP')) throw new NotAFolder(`"${name}" in "${path}" is no folder.`);
      throw error;
    } finally {
      closeSync(parent);
    }
  }
  return current;
}

function openOne(parent: FolderHandle, name: string, create: boolean): FolderHandle {
  if (create) {
    try {
      mkdirSync(at(parent, name));
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
  return openSync(at(parent, name), folderFlags);
}

/** Calls `use` with the folder of a path and the name in it. */
export function inFolderOf<T>(
  root: FolderHandle,
  path: string,
  use: (folder: FolderHandle, name: string) => T,
  create = false,
): T {
  const end = path.lastIndexOf('/');
  const folder = openFolder(root, end < 0 ? '' : path.slice(0, end), create);
  try {
    return use(folder, path.slice(end + 1));
  } finally {
    closeSync(folder);
  }
}
