import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, fstatSync, fsyncSync, futimesSync } from 'node:fs';
import { sleep } from '../../../lib/sleep.ts';
import type { Facts } from './align.ts';
import type { BaseTable } from './base-table.ts';
import { copyFile, hashFile } from './content.ts';
import { diskFull } from './failure.ts';
import { type FolderHandle, forOthers } from './folder-handle.ts';
import { type Place, putFile } from './local-moves.ts';
import { changedAt, findEntry, isUnchanged, LocalChange, type LocalEntry, openFile } from './local-tree.ts';
import { reservedFolder } from './paths.ts';
import { type HashAlgorithm, type Remote, type RemoteEntry, RemoteError } from './remote.ts';
import { openStaged, type Storage } from './storage.ts';
import type { SyncCounters } from './sync-folder.ts';

/** What the actions of a round work with. */
export interface RoundContext {
  /** The local folder. */
  readonly root: FolderHandle;
  readonly remote: Remote;
  readonly base: BaseTable;
  readonly storage: Storage;
  /** The name of the round in the backup folder of the session. */
  readonly stamp: string;
  /** The name of the round in the backup folder of the remote. */
  readonly remoteStamp: string;
  /** The name of this folder in the folder for transfers at the remote. */
  readonly instance: string;
  readonly bytesPerSecond: number | null;
  readonly signal: AbortSignal;
  readonly now: () => number;
  count(changes: Partial<SyncCounters>): void;
}

/** What the actions of a pass work with, too. */
export interface PassContext extends RoundContext {
  /** The end of the listing of the remote, in milliseconds (`performance.now`). */
  readonly listedAt: number;
  /** Whether a file that the listing does not have is looked for again before it is deleted here. */
  readonly looksAgain: boolean;
  /** How often each local path has changed while this round used it. */
  readonly changes: ReadonlyMap<string, number>;
}

/** Returns the hashes that are compared: SHA-256, and that of listings. */
export const algorithmsFor = ({ capabilities: { hashes } }: Remote): HashAlgorithm[] => [
  ...new Set<HashAlgorithm>(['sha256', ...hashes.slice(0, 1)]),
];

/** Milliseconds in which a file can change without another signature: the clock of file systems has steps of up to 10 ms. */
const clockStepMs = 12;

/** Returns the hashes of a local file. Throws LocalChange. */
export async function hashLocal(context: RoundContext, local: LocalEntry): Promise<string[]> {
  const file = openFile(context.root, local);
  try {
    return await hashOpen(context, file, local);
  } finally {
    closeSync(file);
  }
}

/** Returns the hashes of an open file. Whatever is written to it later changes its signature. Throws LocalChange. */
async function hashOpen({ remote, signal }: RoundContext, file: number, local: LocalEntry): Promise<string[]> {
  if (Date.now() - changedAt(local) < clockStepMs) await sleep(clockStepMs, signal);
  const hashes = await hashFile(forOthers(file), algorithmsFor(remote), signal);
  if (!isUnchanged(file, local.signature)) throw new LocalChange(local.path);
  return hashes;
}

/** What is uploaded. */
interface Source {
  readonly file: number;
  readonly size: number;
  readonly modifiedAt: number;
  readonly hashes: readonly string[];
  /** The signature of the local file if it has this content; else empty. */
  readonly signature: string;
  /** Throws LocalChange if the file is not what was hashed any more. */
  check(): void;
}

/** Passes of a round in which a file has changed during its upload: then what it has had at one moment is uploaded. */
const maxChanges = 2;
/** The copy needs this space on the volume of the session. */
const maxCopyBytes = 256 * 1024 ** 2;

/** Uploads a local file, and records it in the base. `expected` goes to a backup first; null: the remote has no such file. */
export async function upload(
  context: PassContext,
  facts: Facts,
  local: LocalEntry,
  expected: RemoteEntry | null,
): Promise<void> {
  if ((context.changes.get(local.path) ?? 0) >= maxChanges) {
    await uploadGrowing(context, facts, local.path, expected);
    return;
  }
  const file = openFile(context.root, local);
  try {
    const hashes = await hashOpen(context, file, local);
    const check = () => {
      if (!isUnchanged(file, local.signature)) throw new LocalChange(local.path);
    };
    const { size, modifiedAt, signature } = local;
    await replaceRemote(context, facts, local.path, { file, size, modifiedAt, hashes, signature, check }, expected);
  } finally {
    closeSync(file);
  }
}

/**
 * Uploads a copy of a file that programs only append to, for example a log: the file itself is never the same for the time of a transfer.
 * Throws LocalChange if the begin of the file changes, too.
 */
async function uploadGrowing(context: PassContext, facts: Facts, path: string, expected: RemoteEntry | null) {
  const { root, remote, storage, signal } = context;
  const local = findEntry(root, path);
  if (local?.kind !== 'file' || local.size > maxCopyBytes) throw new LocalChange(path);
  const file = openFile(root, local);
  try {
    await storage.staged(local.size, async (place) => {
      const size = await copyFile(forOthers(file), forOthers(place.folder, place.name), { signal });
      const copy = openStaged(place);
      try {
        const hashes = await hashFile(forOthers(copy), algorithmsFor(remote), signal);
        const [hash] = hashes;
        const check = () => undefined;
        if ((await hashFile(forOthers(file), ['sha256'], signal, size))[0] !== hash) throw new LocalChange(path);
        const source = { file: copy, size, modifiedAt: local.modifiedAt, hashes, signature: '', check };
        await replaceRemote(context, facts, path, source, expected);
      } finally {
        closeSync(copy);
      }
    });
  } finally {
    closeSync(file);
  }
}

async function replaceRemote(
  context: PassContext,
  { id }: Facts,
  local: string,
  source: Source,
  expected: RemoteEntry | null,
): Promise<void> {
  const { remote, base, signal } = context;
  const { size, signature, hashes } = source;
  const path = expected?.path ?? local;
  const row = { kind: 'file', path: local, size, signature, hash: hashes[0] ?? '' } as const;
  if (!remote.capabilities.canMove) {
    if (expected) await backUpByTransfer(context, expected);
    base.begin(id, 'remote');
    const entry = await send(context, source, path, expected);
    // Until the transfer is known to be complete, the local file counts as changed.
    base.set(id, { ...row, signature: '', hash: '', remote: entry });
    source.check();
    checkTransfer(entry, size, hashes);
    base.set(id, { ...row, remote: entry });
  } else {
    const temporary = `${reservedFolder}/tmp/${context.instance}-${randomUUID()}`;
    const staged = await send(context, source, temporary, null);
    try {
      source.check();
      checkTransfer(staged, size, hashes);
      base.begin(id, 'remote');
      if (expected) {
        await moveToBackup(context, expected);
        // Without a row, the next round uploads the file if this one ends now.
        base.delete(id);
      }
      const placed = await remote.move(staged, path, signal);
      if (!isSameContent(placed, staged)) throw changedMeanwhile(path);
      base.set(id, { ...row, remote: placed });
    } catch (error) {
      // The reason is in `error`; the next round removes what stays.
      await remote.remove(staged, signal).catch(() => undefined);
      throw error;
    }
  }
  context.count({ uploaded: 1, bytes: size });
}

const send = (
  { remote, signal, bytesPerSecond }: RoundContext,
  { file, modifiedAt }: Source,
  path: string,
  expected: RemoteEntry | null,
): Promise<RemoteEntry> =>
  remote.upload(forOthers(file), path, expected, {
    ...{ signal, modifiedAt },
    bytesPerSecond: bytesPerSecond ?? undefined,
  });

/** Throws `unavailable` if the remote has other content than what was read. */
function checkTransfer({ path, size, hash }: RemoteEntry, bytes: number, hashes: readonly string[]): void {
  const own = hash === null ? undefined : hashes.find((each) => each.split(':')[0] === hash.split(':')[0]);
  if (size === bytes && (own === undefined || own === hash)) return;
  throw new RemoteError('unavailable', `The transfer of ${path} was incomplete: the remote reports other content.`);
}

const backupPath = ({ remoteStamp }: RoundContext, path: string): string =>
  `${reservedFolder}/backup/${remoteStamp}/${path}`;

/** Moves a version of the remote to the remote's backup, or copies it to the local one if the remote cannot move. */
export async function backUpRemote(context: PassContext, entry: RemoteEntry): Promise<'moved' | 'copied'> {
  if (!context.remote.capabilities.canMove) {
    await backUpByTransfer(context, entry);
    return 'copied';
  }
  await moveToBackup(context, entry);
  return 'moved';
}

/** Another program can replace the file right before the move: then that version returns to its path. Throws `changed`. */
async function moveToBackup(context: RoundContext, entry: RemoteEntry): Promise<void> {
  const moved = await context.remote.move(entry, backupPath(context, entry.path), context.signal);
  if (isSameContent(moved, entry)) return;
  await context.remote.move(moved, entry.path, context.signal);
  throw changedMeanwhile(entry.path);
}

/** Returns whether a moved file can have the content of `entry`. Some remotes change its time. */
export const isSameContent = (moved: RemoteEntry, entry: RemoteEntry): boolean =>
  moved.size === entry.size && (moved.hash === null || entry.hash === null || moved.hash === entry.hash);

const changedMeanwhile = (path: string): RemoteError =>
  new RemoteError('changed', `The file ${path} was changed at the remote meanwhile. The next round looks at it again.`);

async function backUpByTransfer(context: PassContext, entry: RemoteEntry): Promise<void> {
  await fetched(context, entry, async (place) => {
    context.storage.inBackup(context.stamp, entry.path, ({ folder, name }) => putFile(folder, name, place, null));
  });
}

/** Downloads a file to the staging folder, and calls `use` with it and its hashes. */
export async function fetched<T>(
  context: PassContext,
  entry: RemoteEntry,
  use: (place: Place, hashes: readonly string[]) => Promise<T>,
): Promise<T> {
  const { remote, storage, signal, bytesPerSecond } = context;
  await untilTimeDiffers(context, entry);
  return storage.staged(entry.size, async (place) => {
    try {
      await remote.download(entry, forOthers(place.folder, place.name), {
        signal,
        bytesPerSecond: bytesPerSecond ?? undefined,
      });
    } catch (error) {
      // What is written is on the volume of the session.
      throw error instanceof RemoteError && error.reason === 'quota' ? diskFull(error) : error;
    }
    const file = openStaged(place);
    let hashes: string[];
    try {
      hashes = await hashFile(forOthers(file), algorithmsFor(remote), signal);
      checkTransfer(entry, fstatSync(file).size, hashes);
      fchmodSync(file, 0o666 & ~process.umask());
      if (entry.modifiedAt !== null) futimesSync(file, entry.modifiedAt / 1000, entry.modifiedAt / 1000);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // The round may have ended while the transfer did not.
    signal.throwIfAborted();
    return use(place, hashes);
  });
}

/** Milliseconds in which a file can change at a remote without another time. */
const remoteClockStepMs = 1_100;
/** Milliseconds that the clock of a server may differ. */
const maxSkewMs = 5_000;

/**
 * Waits until a later change at the remote gives the file another time, if the file was written a moment ago and nothing else would show
 * the change: the times of many servers are whole seconds.
 */
async function untilTimeDiffers(
  { now, listedAt, signal }: PassContext,
  { modifiedAt, hash, version }: RemoteEntry,
): Promise<void> {
  if (modifiedAt === null || hash !== null || version !== null || Math.abs(now() - modifiedAt) > maxSkewMs) return;
  await sleep(Math.max(0, listedAt + remoteClockStepMs - performance.now()), signal);
}

/** Downloads a file to its path. What is there goes to the backup. */
export async function download(context: PassContext, facts: Facts, entry: RemoteEntry): Promise<void> {
  const path = facts.local?.path ?? entry.path;
  await fetched(context, entry, async (place, [hash = '']) => {
    context.base.begin(facts.id, 'local');
    const local = putLocal(context, path, place, facts.local);
    context.base.set(facts.id, {
      kind: 'file',
      path,
      size: local.size,
      signature: local.signature,
      hash,
      remote: entry,
    });
  });
  context.count({ downloaded: 1, bytes: entry.size });
}

/** Moves a staged file to its path. The present version goes to the backup. */
export function putLocal(
  { root, storage, stamp }: RoundContext,
  path: string,
  place: Place,
  present: LocalEntry | undefined,
): LocalEntry {
  if (!present) return putFile(root, path, place, null);
  return storage.inBackup(stamp, path, (backup) => putFile(root, path, place, { entry: present, backup }));
}
