import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { diskFull } from './failure.ts';
import { at, type FolderHandle, inFolderOf, openFolder, openTrusted } from './folder-handle.ts';
import type { Place } from './local-moves.ts';

/**
 * The folder of a synchronized folder on the session's volume, outside of the work tree: the base table, transfers that have not ended
 * (`staging`), and replaced versions (`backup/<time of the round>/<path>`).
 */
export interface Storage {
  /** The path of the base table. */
  readonly database: string;
  /**
   * Calls `use` with a new name in the staging folder, and removes the file of this name afterwards. Throws `disk-full` if the volume has no
   * space for a file of this size.
   */
  staged<T>(bytes: number, use: (place: Place) => Promise<T>): Promise<T>;
  /** Returns the time of a round: `now`, but later than all backups, so that none looks older than it is after the clock was set back. */
  roundTime(now: number): number;
  /** Calls `use` with a free name in the backup of a round. */
  inBackup<T>(stamp: string, path: string, use: (place: Place) => T): T;
  /** Deletes backups of rounds that are older than this time, in milliseconds since the epoch. */
  expire(before: number): void;
  close(): void;
}

/** Bytes of the volume that transfers leave free, for files that the user's programs save; at most a twentieth of the volume. */
const keptFreeBytes = 100 * 1024 ** 2;

/** Opens the folder, and removes what an agent that was killed left in the staging folder. `parent` is trusted. */
export function openStorage(parent: string, id: string): Storage {
  const top = openTrusted(parent);
  const handles: FolderHandle[] = [top];
  try {
    const root = openFolder(top, `sync/${id}`, true);
    handles.push(root);
    rmSync(at(root, 'staging'), { recursive: true, force: true });
    const staging = openFolder(root, 'staging', true);
    handles.push(staging);
    const backup = openFolder(root, 'backup', true);
    handles.push(backup);
    /** The sizes of the files that are being transferred. */
    const incoming = new Map<string, number>();
    const checkSpace = () => {
      const { bavail, blocks, bsize } = statfsSync(at(staging, '.'));
      // Some volumes do not know their size.
      if (blocks === 0) return;
      let needed = Math.min(keptFreeBytes, (blocks * bsize) / 20);
      for (const [name, bytes] of incoming) {
        const stats = lstatSync(at(staging, name), { throwIfNoEntry: false });
        // rclone allocates the space of a file at its begin.
        needed += Math.max(0, bytes - Math.max(stats?.size ?? 0, (stats?.blocks ?? 0) * 512));
      }
      if (bavail * bsize < needed) throw diskFull();
    };
    return {
      database: `${parent}/sync/${id}/base.db`,
      async staged(bytes, use) {
        const place = { folder: staging, name: randomUUID() };
        incoming.set(place.name, bytes);
        try {
          checkSpace();
          return await use(place);
        } finally {
          incoming.delete(place.name);
          rmSync(at(place.folder, place.name), { force: true });
        }
      },
      roundTime(now) {
        // A month has more rounds than a call can have arguments.
        return readdirSync(at(backup, '.')).reduce((time, stamp) => Math.max(time, (timeOfStamp(stamp) ?? 0) + 1), now);
      },
      inBackup: (stamp, path, use) =>
        inFolderOf(backup, `${stamp}/${path}`, (folder, name) => use({ folder, name: freeName(folder, name) }), true),
      expire(before) {
        for (const stamp of readdirSync(at(backup, '.'))) {
          const time = timeOfStamp(stamp);
          if (time !== undefined && time < before) rmSync(at(backup, stamp), { recursive: true, force: true });
        }
      },
      close: () => handles.forEach(closeSync),
    };
  } catch (error) {
    handles.forEach(closeSync);
    throw error;
  }
}

/** Returns the name if it is free in the folder, or another one. */
export function freeName(folder: FolderHandle, name: string): string {
  const isFree = (each: string) => lstatSync(at(folder, each), { throwIfNoEntry: false }) === undefined;
  return isFree(name) ? name : `${name.slice(0, 50)}.${randomUUID()}`;
}

/** Returns the name of a round in the backup folder of the session. */
export const stampOf = (time: number): string => new Date(time).toISOString().replaceAll(':', '.');

/** Returns milliseconds since the epoch; undefined for a name that no round has. */
export function timeOfStamp(stamp: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d)\.(\d\d)\.(\d\d\.\d{3}Z)$/.exec(stamp);
  const time = match ? Date.parse(`${match[1]}:${match[2]}:${match[3]}`) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

const until = '_until_';

/**
 * Returns the name of a round in the backup folder of a remote. The name has the end of the backup: sessions that share the remote keep
 * backups for different times, and one that has ended deletes none.
 */
export const remoteStampOf = (time: number, backupSeconds: number): string =>
  `${stampOf(time)}${until}${stampOf(time + backupSeconds * 1000)}`;

/** Returns the end of a backup in milliseconds since the epoch; undefined for a name that no round has. */
export const endOfBackup = (name: string): number | undefined => timeOfStamp(name.split(until)[1] ?? '');

/** Opens a staged file. The caller closes the descriptor. Throws if it is no regular file: another program may have replaced it. */
export function openStaged({ folder, name }: Place): number {
  const descriptor = openSync(at(folder, name), constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error('A transferred file was replaced by another program.');
}
