import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UsageError } from './command-line.ts';
import { sqliteCode, sqliteCodeOf } from './sqlite-errors.ts';
import { keptSecret, readKept, UnusableFile, writePrivate } from './state-files.ts';

/** Layout of the state folder; raised when an older program could not read a newer folder. */
const schemaVersion = 1;

export interface State {
  directory: string;
  /** Names this state folder in the environment of every process that belongs to it. */
  marker: string;
  path(...parts: string[]): string;
  /** Notes where this instance answers, for the message that a second one prints. */
  announce(origin: string): void;
  release(): void;
}

interface Instance {
  pid: number;
  origin: string;
}

/**
 * Opens the state folder for one instance at a time. The lock is SQLite's own lock on a file: the kernel takes it away
 * with the process, however that ended, so there is no stale lock and no race about one.
 */
export function openState(directory: string): State {
  createPrivate(directory);
  const lock = takeLock(directory);
  try {
    checkVersion(join(directory, 'schema-version'));
    return {
      directory,
      marker: keptSecret(join(directory, 'marker'), {
        bytes: 12,
        loss: 'Processes of sessions that still run are not recognised then: end them first.',
      }),
      path: (...parts) => join(directory, ...parts),
      announce: (origin) =>
        writePrivate(join(directory, 'instance.json'), JSON.stringify({ pid: process.pid, origin })),
      release: () => {
        rmSync(join(directory, 'instance.json'), { force: true });
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

function takeLock(directory: string): DatabaseSync {
  const file = join(directory, 'lock');
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file);
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const code = sqliteCodeOf(error);
    if (code === undefined) throw error;
    if (code !== sqliteCode.busy) {
      const remedy = 'Delete it (it holds nothing) and start again.';
      throw new UnusableFile(file, 'cannot be locked', remedy, { cause: error });
    }
    const other = readInstance(directory);
    throw new UsageError(
      `Notebook Sessions already runs with the state in ${directory}${other ? ` (process ${other.pid}, ${other.origin})` : ''}.\n` +
        'Use that one, stop it first, or start a second one with another --state and --port.',
    );
  }
}

function createPrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(directory);
  if (uid !== process.getuid?.()) {
    throw new UsageError(`${directory} belongs to another user. Choose another folder with --state.`);
  }
  // The folder holds tokens and keys; one that was made by hand may be open to others.
  if ((mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

function checkVersion(file: string): void {
  const kept = readKept(file);
  if (kept === undefined) {
    writePrivate(file, `${schemaVersion}\n`);
    return;
  }
  const found = /^\d{1,6}$/.test(kept.trim()) ? Number(kept) : 0;
  if (found === 0) {
    const remedy = 'Restore it from a copy, delete it if the folder is of this version, or start with another --state.';
    throw new UnusableFile(file, 'is damaged: it should hold the number of the folder’s layout', remedy);
  }
  if (found > schemaVersion) {
    throw new UnusableFile(
      file,
      `says that the folder was written by a newer version (layout ${found}, this program knows ${schemaVersion})`,
      'Update this program, or start with another --state.',
    );
  }
}

/** Only for a message: undefined where there is none, or none that can be read. */
function readInstance(directory: string): Instance | undefined {
  try {
    const { pid, origin } = JSON.parse(readKept(join(directory, 'instance.json')) ?? '') as Partial<Instance>;
    return Number.isInteger(pid) && typeof origin === 'string' ? { pid: Number(pid), origin } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof UnusableFile) return undefined;
    throw error;
  }
}
