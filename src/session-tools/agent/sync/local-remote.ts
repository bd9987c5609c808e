import { randomUUID } from 'node:crypto';
import { closeSync, rmSync, unlinkSync, utimesSync } from 'node:fs';
import { posix } from 'node:path';
import { hasCode } from '../../../lib/error-code.ts';
import { copyFile } from './content.ts';
import { at, type FolderHandle, inFolderOf, NotAFolder, openFolder, openTrusted } from './folder-handle.ts';
import { moveFile, type Place, putFile, removeFile } from './local-moves.ts';
import {
  entriesIn,
  findEntry,
  LocalChange,
  type LocalEntry,
  makeFolder,
  openFile,
  removeFolder,
  scanTree,
} from './local-tree.ts';
import { isReserved, reservedFolder } from './paths.ts';
import { type Remote, type RemoteEntry, RemoteError } from './remote.ts';
import { freeName, remoteStampOf } from './storage.ts';

/** The time for which a file stays that an agent was moving when it ended. */
const keptSeconds = 30 * 86_400;
const transfers = `${reservedFolder}/tmp`;

/** Returns the name of an incomplete file: one that begins with that of a transfer is removed with the transfers of its folder. */
const nameFor = (path: string): string =>
  posix.dirname(path) === transfers ? `${posix.basename(path)}.part` : randomUUID();

/** Returns a remote in a folder of this machine. `path` is trusted, what is below it is not. */
export function createLocalRemote(path: string): Remote {
  let root: FolderHandle | undefined;
  const open = (): FolderHandle => {
    root ??= openTrusted(path);
    return root;
  };
  /** Calls `use` with a free place in the backup: what is moved through it stays there if the agent ends. */
  const inBackup = <T>(each: string, use: (backup: Place) => T): T =>
    inFolderOf(
      open(),
      `${reservedFolder}/backup/${remoteStampOf(Date.now(), keptSeconds)}/${each}`,
      (folder, name) => use({ folder, name: freeName(folder, name) }),
      true,
    );
  /** Calls `use` with a place for a file that is removed at the end. */
  const withPlace = async <T>(name: string, use: (place: Place) => T | Promise<T>): Promise<T> => {
    const folder = openFolder(open(), transfers, true);
    const place = { folder, name };
    try {
      return await use(place);
    } finally {
      rmSync(at(folder, place.name), { force: true });
      closeSync(folder);
    }
  };
  /** Returns the local entry if it is the expected one. Throws `changed`. */
  const expect = (expected: RemoteEntry): LocalEntry => {
    const found = findEntry(open(), expected.path);
    if (!found || toRemote(found).version !== expected.version) throw changed(expected.path);
    return found;
  };
  /** Moves a file to a path of the agent. */
  const takeTo = (found: LocalEntry, to: string, place: Place): RemoteEntry => {
    if (freeName(place.folder, place.name) !== place.name) throw changed(to);
    removeFile(open(), found, place);
    const moved = findEntry(open(), to);
    if (!moved) throw changed(to);
    return toRemote(moved);
  };
  const run = async <T>(act: () => T | Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw toRemoteError(error);
    }
  };

  return {
    capabilities: {
      hashes: [],
      hasModificationTimes: true,
      canMove: true,
      hasFolders: true,
      isCaseInsensitive: false,
    },
    async *list(signal) {
      const { entries, leftOut } = await run(() => scanTree(open(), isReserved, signal));
      for (const entry of entries.values()) yield toRemote(entry);
      for (const { path: each, reason, message } of leftOut) {
        if (reason === 'failed')
          throw new RemoteError('unavailable', `The folder ${each} cannot be listed. ${message}`);
        yield { path: each, kind: 'other', size: 0, modifiedAt: null, hash: null, version: null };
      }
    },
    listFolder: (each) => run(() => entriesIn(open(), each).map(toRemote)),
    find: (each) =>
      run(() => {
        const found = findEntry(open(), each);
        return found && toRemote(found);
      }),
    download: (entry, file, options) =>
      run(async () => {
        const descriptor = openFile(open(), expect(entry));
        try {
          await copyFile(`/proc/self/fd/${descriptor}`, file, options);
        } finally {
          closeSync(descriptor);
        }
        expect(entry);
      }),
    upload: (file, to, expected, options) =>
      run(() =>
        withPlace(nameFor(to), async (staged) => {
          await copyFile(file, at(staged.folder, staged.name), options);
          utimesSync(at(staged.folder, staged.name), options.modifiedAt / 1000, options.modifiedAt / 1000);
          if (!expected) return toRemote(putFile(open(), to, staged, null));
          return inBackup(to, (backup) => toRemote(putFile(open(), to, staged, { entry: expect(expected), backup })));
        }),
      ),
    move: (entry, to) =>
      run(() => {
        const found = expect(entry);
        return inFolderOf(open(), entry.path, (folder, name) => {
          // Other programs do not use files of the agent.
          if (isReserved(entry.path)) return toRemote(putFile(open(), to, { folder, name }, null));
          if (!isReserved(to)) return inBackup(entry.path, (backup) => toRemote(moveFile(open(), found, to, backup)));
          return inFolderOf(
            open(),
            to,
            (target, newName) => takeTo(found, to, { folder: target, name: newName }),
            true,
          );
        });
      }),
    remove: (entry) =>
      run(() => {
        if (!findEntry(open(), entry.path)) return;
        if (entry.kind === 'folder') {
          if (!removeFolder(open(), entry.path)) throw changed(entry.path);
          return;
        }
        const found = expect(entry);
        if (isReserved(entry.path)) inFolderOf(open(), entry.path, (folder, name) => unlinkSync(at(folder, name)));
        else inBackup(entry.path, (backup) => removeFile(open(), found, backup));
      }),
    makeFolder: (each) => run(() => makeFolder(open(), each)),
    async close() {
      if (root !== undefined) closeSync(root);
      root = undefined;
    },
  };
}

const toRemote = ({ path, kind, size, modifiedAt, signature }: LocalEntry): RemoteEntry => ({
  ...{ path, kind, size, modifiedAt: kind === 'file' ? modifiedAt : null },
  ...{ hash: null, version: kind === 'file' ? signature : null },
});

const changed = (path: string): RemoteError =>
  new RemoteError('changed', `${path} has been changed at the remote meanwhile.`);

function toRemoteError(error: unknown): unknown {
  if (error instanceof RemoteError) return error;
  if (error instanceof LocalChange || error instanceof NotAFolder) return changed(error.message);
  const message = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (hasCode(error, 'ENOSPC', 'EDQUOT'))
    return new RemoteError('quota', 'The remote folder has no space left.', options);
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS'))
    return new RemoteError('forbidden', `The remote folder does not permit this: ${message}`, options);
  if (hasCode(error, 'ENAMETOOLONG'))
    return new RemoteError('unsupported-name', `The name is too long: ${message}`, options);
  if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP'))
    return new RemoteError('not-found', `The remote folder or file does not exist: ${message}`, options);
  if (hasCode(error, 'EIO', 'ESTALE', 'ENOTCONN', 'EHOSTDOWN', 'ETIMEDOUT', 'EBUSY', 'EMFILE'))
    return new RemoteError('unavailable', `The remote folder cannot be used now: ${message}`, options);
  return error;
}
