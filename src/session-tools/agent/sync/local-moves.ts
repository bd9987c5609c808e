import { chmodSync, fsyncSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { hasCode } from '../../../lib/error-code.ts';
import { at, type FolderHandle, inFolderOf } from './folder-handle.ts';
import { entryOf, LocalChange, type LocalEntry, signatureOf, withoutChangeTime } from './local-tree.ts';

/**
 * Removals, replacements and renames of files of a tree that other programs change at the same time. Each consists of two steps
 * that lose nothing, whatever happens before, between or after them:
 * - A file leaves the tree only by a rename to a backup. What was moved is looked at afterwards, and returns if it is another file.
 * - A file enters the tree only by a link, which fails if a file is at the path: what another program puts there stays.
 *
 * No file of the tree is removed or written over. A program that has a file open writes to it also in the backup.
 */

/** A name in a folder of the agent, on the same volume. */
export interface Place {
  readonly folder: FolderHandle;
  readonly name: string;
}

/** The file that is at a path now, and the free place for it: a backup, because the file stays there if the agent ends. */
export interface Replaced {
  readonly entry: LocalEntry;
  readonly backup: Place;
}

/** Moves a file to the backup. Throws LocalChange, and leaves what is at the path, if that is not the expected file. */
export function removeFile(root: FolderHandle, expected: LocalEntry, backup: Place): void {
  inFolderOf(root, expected.path, (folder, name) => {
    take({ folder, name }, expected, backup);
    fsyncSync(folder);
  });
}

/**
 * Moves a file of the agent to a path, and the file that was there to the backup. Returns the entry; its signature is empty if
 * another program has changed the file already. Throws LocalChange, and leaves what is at the path, if that is not the expected file.
 * @param replaced null: no file is at the path
 */
export const putFile = (root: FolderHandle, path: string, staged: Place, replaced: Replaced | null): LocalEntry =>
  inFolderOf(root, path, (folder, name) => put(staged, contentAt(staged), { folder, name }, path, replaced), true);

/**
 * Renames a file. Returns the entry as `putFile`. Throws LocalChange, and leaves both paths as they are, if one of them has not the
 * expected file.
 * @param backup a free place, through which the file is moved
 * @param replaced null: no file is at the new path
 */
export function moveFile(
  root: FolderHandle,
  expected: LocalEntry,
  to: string,
  backup: Place,
  replaced: Replaced | null = null,
): LocalEntry {
  return inFolderOf(root, expected.path, (folder, name) =>
    inFolderOf(
      root,
      to,
      (target, newName) => {
        const from = { folder, name };
        take(from, expected, backup);
        try {
          const content = withoutChangeTime(expected.signature);
          return put(backup, content, { folder: target, name: newName }, to, replaced);
        } catch (error) {
          giveBack(backup, from);
          throw error;
        }
      },
      true,
    ),
  );
}

/** Returns the part of the signature that a move does not change. */
const contentAt = ({ folder, name }: Place): string =>
  withoutChangeTime(signatureOf(lstatSync(at(folder, name), { bigint: true })));

/** Returns the mode of the file. What is moved is looked at afterwards: before, another program can still replace it. */
function take(from: Place, expected: LocalEntry, backup: Place): number {
  const found = lstatSync(at(from.folder, from.name), { bigint: true, throwIfNoEntry: false });
  if (!found?.isFile() || signatureOf(found) !== expected.signature) throw new LocalChange(expected.path);
  try {
    renameSync(at(from.folder, from.name), at(backup.folder, backup.name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw new LocalChange(expected.path);
    throw error;
  }
  const taken = lstatSync(at(backup.folder, backup.name), { bigint: true });
  if (taken.isFile() && withoutChangeTime(signatureOf(taken)) === withoutChangeTime(expected.signature))
    return Number(taken.mode);
  giveBack(backup, from);
  throw new LocalChange(expected.path);
}

/** @param content what the staged file has, as `contentAt`: a program that has the file open can write to it at any time */
function put(staged: Place, content: string, to: Place, path: string, replaced: Replaced | null): LocalEntry {
  const mode = replaced && take(to, replaced.entry, replaced.backup);
  try {
    if (mode !== null) chmodSync(at(staged.folder, staged.name), mode & 0o777);
    moveWithoutReplacing(staged, to);
  } catch (error) {
    if (replaced) giveBack(replaced.backup, to);
    throw error;
  }
  fsyncSync(to.folder);
  const stats = lstatSync(at(to.folder, to.name), { bigint: true, throwIfNoEntry: false });
  const entry = stats && entryOf(path, stats);
  // Another program has removed the file already.
  if (!entry || 'reason' in entry) throw new LocalChange(path);
  return withoutChangeTime(entry.signature) === content ? entry : { ...entry, signature: '' };
}

/** What was taken stays in the backup if the path has a new file already, or its folder was deleted. */
function giveBack(backup: Place, to: Place): void {
  try {
    // A folder has only one link. A rename of it replaces only an empty folder.
    if (lstatSync(at(backup.folder, backup.name)).isDirectory())
      renameSync(at(backup.folder, backup.name), at(to.folder, to.name));
    else moveWithoutReplacing(backup, to);
  } catch (error) {
    if (!(error instanceof LocalChange) && !hasCode(error, 'ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Moves a file out of a folder of the agent. Throws LocalChange if a file is at the path, or its folder was deleted. */
function moveWithoutReplacing(from: Place, to: Place): void {
  const [path, target] = [at(from.folder, from.name), at(to.folder, to.name)];
  try {
    linkSync(path, target);
  } catch (error) {
    if (hasCode(error, 'EEXIST', 'ENOENT')) throw new LocalChange(to.name);
    // The volume has no hard links, or the file belongs to another user.
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK')) throw error;
    if (lstatSync(target, { throwIfNoEntry: false })) throw new LocalChange(to.name);
    renameSync(path, target);
    return;
  }
  unlinkSync(path);
}
