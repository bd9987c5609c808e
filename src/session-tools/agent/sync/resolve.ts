import type { FolderHandle } from './folder-handle.ts';
import { moveFile, removeFile } from './local-moves.ts';
import { findEntry, LocalChange, type LocalEntry } from './local-tree.ts';
import type { Storage } from './storage.ts';
import type { ConflictResolution, SyncConflict } from './sync-folder.ts';

/** The files do not allow the resolution. The message is for the owner. */
export class NotResolvable extends Error {
  override readonly name = 'NotResolvable';
}

export interface ResolveContext {
  readonly root: FolderHandle;
  readonly storage: Storage;
  /** The name of the round in the backup folder. */
  readonly stamp: string;
}

/**
 * Changes the local files as the owner has decided; the next round changes the remote. What is replaced goes to the backup. Throws
 * NotResolvable.
 */
export function resolveLocally(
  context: ResolveContext,
  { kind, path, copy }: SyncConflict,
  resolution: ConflictResolution,
): void {
  if (resolution === 'keep-both') return;
  try {
    if (kind === 'both-changed') {
      if (resolution === 'mine') discard(context, copy ?? '');
      else replace(context, path, copy ?? '');
    } else if (kind === 'kind-changed') {
      const message = `A file and a folder had the path "${path}". Rename or delete one of them, then choose "keep-both".`;
      throw new NotResolvable(message);
    } else if ((kind === 'deleted-here') === (resolution === 'mine')) discard(context, path);
  } catch (error) {
    if (error instanceof LocalChange)
      throw new NotResolvable('A program has changed the files at this moment. Try again.', { cause: error });
    throw error;
  }
}

function discard({ root, storage, stamp }: ResolveContext, path: string): void {
  const entry = fileAt(root, path);
  if (entry) storage.inBackup(stamp, path, (backup) => removeFile(root, entry, backup));
}

/** Moves the copy to `path`. */
function replace({ root, storage, stamp }: ResolveContext, path: string, copy: string): void {
  const theirs = fileAt(root, copy);
  if (!theirs) throw new NotResolvable(`The file "${copy}" with the version of the remote does not exist any more.`);
  const mine = fileAt(root, path);
  storage.inBackup(stamp, copy, (via) => {
    if (!mine) moveFile(root, theirs, path, via);
    else storage.inBackup(stamp, path, (backup) => moveFile(root, theirs, path, via, { entry: mine, backup }));
  });
}

function fileAt(root: FolderHandle, path: string): LocalEntry | undefined {
  const entry = path === '' ? undefined : findEntry(root, path);
  return entry?.kind === 'file' ? entry : undefined;
}
