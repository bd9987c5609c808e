import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
} from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hasCode } from '../../../lib/error-code.ts';
import { at, type FolderHandle, inFolderOf, NotAFolder, openFolder } from './folder-handle.ts';
import { errorInPath } from './paths.ts';

/** A file or folder of a local tree. */
export interface LocalEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** Changes when the file changes; empty for a folder. */
  readonly signature: string;
}

/** What a scan leaves out. What is below it is left out, too. */
export interface LeftOut {
  readonly path: string;
  readonly reason: 'name' | 'special' | 'failed';
  readonly message: string;
}

export interface LocalScan {
  readonly entries: Map<string, LocalEntry>;
  readonly leftOut: LeftOut[];
  /** Folders with ignored entries. */
  readonly withIgnored: Set<string>;
}

/** The file is not the expected one any more. */
export class LocalChange extends Error {
  override readonly name = 'LocalChange';
}

/** The tree has more entries than the caller compares. */
export class TooManyEntries extends Error {
  override readonly name = 'TooManyEntries';
}

/** Entries after which other work of the program gets its turn. */
const batchSize = 500;

/**
 * Lists a tree. Links are not followed. A failure of a single folder leaves it out, because its files must not look deleted.
 * Throws TooManyEntries.
 * @param isIgnored ignored folders are not read
 */
export async function scanTree(
  root: FolderHandle,
  isIgnored: (path: string, isFolder: boolean) => boolean,
  signal: AbortSignal,
  maxEntries = Number.POSITIVE_INFINITY,
): Promise<LocalScan> {
  const scan: LocalScan = { entries: new Map(), leftOut: [], withIgnored: new Set() };
  const open = [''];
  let count = 0;
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const found = listFolder(root, path);
    if ('message' in found) {
      // Without its top folder, there is no scan.
      if (path === '') throw found.cause;
      if (!hasCode(found.cause, 'ENOENT')) scan.leftOut.push({ path, reason: found.reason, message: found.message });
      scan.entries.delete(path);
      continue;
    }
    for (const each of found.entries) {
      const isFolder = each.kind === 'folder';
      if (isIgnored(each.path, isFolder)) {
        scan.withIgnored.add(path);
        continue;
      }
      if ('reason' in each) scan.leftOut.push(each);
      else scan.entries.set(each.path, each);
      if (isFolder) open.push(each.path);
      count += 1;
      if (count > maxEntries) throw new TooManyEntries('The folder has too many entries.');
      if (count % batchSize !== 0) continue;
      await nextTurn();
      signal.throwIfAborted();
    }
  }
  return scan;
}

type Found = LocalEntry | (LeftOut & { readonly kind: 'special' });
type Listed = { readonly entries: Found[] } | (Omit<LeftOut, 'path'> & { readonly cause: unknown });

function listFolder(root: FolderHandle, path: string): Listed {
  let folder: FolderHandle;
  try {
    folder = openFolder(root, path);
  } catch (cause) {
    if (cause instanceof NotAFolder)
      return { reason: 'special', message: 'The folder has become a link or a file.', cause };
    return { reason: 'failed', message: `The folder cannot be read: ${String(cause)}`, cause };
  }
  try {
    const entries = readdirSync(at(folder, '.')).flatMap((name) => describe(folder, name, path) ?? []);
    return { entries };
  } catch (cause) {
    return { reason: 'failed', message: `The folder cannot be read: ${String(cause)}`, cause };
  } finally {
    closeSync(folder);
  }
}

/** Returns the files and folders in one folder; none if it does not exist. */
export function entriesIn(root: FolderHandle, path: string): LocalEntry[] {
  const found = listFolder(root, path);
  if ('entries' in found) return found.entries.flatMap((each) => ('reason' in each ? [] : [each]));
  if (hasCode(found.cause, 'ENOENT')) return [];
  throw found.cause;
}

/** Returns undefined for an entry that no longer exists. */
function describe(folder: FolderHandle, name: string, parent: string): Found | undefined {
  const path = parent === '' ? name : `${parent}/${name}`;
  const error = errorInPath(path);
  if (error !== undefined)
    return { path, kind: 'special', reason: 'name', message: `The path ${error}. Rename the file to synchronize it.` };
  const stats = lstatSync(at(folder, name), { bigint: true, throwIfNoEntry: false });
  return stats && entryOf(path, stats);
}

/** Returns what is at a path, from its stats. */
export function entryOf(path: string, stats: BigIntStats): Found {
  const modifiedAt = Number(stats.mtimeMs);
  if (stats.isDirectory()) return { path, kind: 'folder', size: 0, modifiedAt, signature: '' };
  if (!stats.isFile())
    return { path, kind: 'special', reason: 'special', message: 'Links and special files are not synchronized.' };
  return { path, kind: 'file', size: Number(stats.size), modifiedAt, signature: signatureOf(stats) };
}

export const signatureOf = ({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  `${ino}:${size}:${mtimeNs}:${ctimeNs}`;

/** Returns the time of the last change of a file or its name, in milliseconds since the epoch. */
export const changedAt = ({ signature }: LocalEntry): number =>
  Number(signature.slice(signature.lastIndexOf(':') + 1)) / 1e6;

/** Returns the signature of a file; undefined if it does not exist. Links in the path are followed. */
export function signatureAt(path: string): string | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && signatureOf(stats);
}

/** Returns the parts that a rename does not change: inode, size, time of the last change of the content. */
export const withoutChangeTime = (signature: string): string => signature.slice(0, signature.lastIndexOf(':'));

/** Returns the entry at a path; undefined if it does not exist or is neither a file nor a folder. */
export function findEntry(root: FolderHandle, path: string): LocalEntry | undefined {
  try {
    return inFolderOf(root, path, (folder, name) => {
      const stats = lstatSync(at(folder, name), { bigint: true, throwIfNoEntry: false });
      const found = stats && entryOf(path, stats);
      return found && 'reason' in found ? undefined : found;
    });
  } catch (error) {
    if (error instanceof NotAFolder || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Opens a regular file to read. The caller closes the descriptor. Throws LocalChange if it is not the expected one. */
export function openFile(root: FolderHandle, { path, signature }: LocalEntry): number {
  let descriptor: number;
  try {
    // O_NONBLOCK: the program would wait for a writer of a pipe.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    descriptor = inFolderOf(root, path, (folder, name) => openSync(at(folder, name), flags));
  } catch (error) {
    if (error instanceof NotAFolder || hasCode(error, 'ENOENT', 'ELOOP', 'ENXIO')) throw new LocalChange(path);
    throw error;
  }
  if (isUnchanged(descriptor, signature)) return descriptor;
  closeSync(descriptor);
  throw new LocalChange(path);
}

/** Returns whether the open file is a regular one with this signature. */
export function isUnchanged(descriptor: number, signature: string): boolean {
  const stats = fstatSync(descriptor, { bigint: true });
  return stats.isFile() && signatureOf(stats) === signature;
}

/** Removes an empty folder. Returns false if it is not empty. */
export function removeFolder(root: FolderHandle, path: string): boolean {
  try {
    inFolderOf(root, path, (folder, name) => rmdirSync(at(folder, name)));
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    if (error instanceof NotAFolder || hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) return false;
    throw error;
  }
}

/** Creates a folder with its parents. Throws LocalChange if a file is there. */
export function makeFolder(root: FolderHandle, path: string): void {
  try {
    closeSync(openFolder(root, path, true));
  } catch (error) {
    if (error instanceof NotAFolder) throw new LocalChange(path);
    throw error;
  }
}
