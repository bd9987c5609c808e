import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { asObject, parseJson } from '../lib/json.ts';
import { sqliteCode, sqliteCodeOf } from './sqlite-errors.ts';
import { keptSecret, readKept, UnusableFile, writePrivate } from './state-files.ts';
import { UserError } from './user-error.ts';

/** Version of the state folder's layout. The version changes if older programs cannot read a new layout. */
const schemaVersion = 1;

export interface State {
  directory: string;
  /** Identifies this state folder in the environment of every process that belongs to it. */
  marker: string;
  path(...parts: string[]): string;
  /** Stores the address of this instance, for the error message of a second one. */
  announce(origin: string): void;
  release(): void;
}

interface Instance {
  pid: number;
  origin: string;
}

/**
 * Opens the state folder for one instance at a time. The lock is SQLite's lock on a file: the kernel releases it when the
 * process ends for any reason, so there are no stale locks.
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
        loss: 'Then running processes of sessions are not found: end them first.',
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
      const remedy = 'Delete it (it is empty) and start again.';
      throw new UnusableFile(file, 'cannot be locked', remedy, { cause: error });
    }
    const other = readInstance(directory);
    throw new UserError(
      `Notebook Sessions is already running with the state in ${directory}${other ? ` (process ${other.pid}, ${other.origin})` : ''}.\n` +
        'Use that instance, stop it, or start a second one with another --state and --port.',
    );
  }
}

function createPrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(directory);
  if (uid !== process.getuid?.()) {
    throw new UserError(`${directory} belongs to another user. Choose another folder with --state.`);
  }
  // The folder contains tokens and keys. A folder that a user created may be readable by others.
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
    throw new UnusableFile(file, 'is damaged: it should contain the version of the folder’s layout', remedy);
  }
  if (found > schemaVersion) {
    throw new UnusableFile(
      file,
      `was written by a newer version (layout ${found}, this program supports ${schemaVersion})`,
      'Update this program, or start with another --state.',
    );
  }
}

/** Returns undefined if the file is missing or damaged, because the content is only used in an error message. */
function readInstance(directory: string): Instance | undefined {
  try {
    const { pid, origin } = asObject(parseJson(readKept(join(directory, 'instance.json')) ?? '')) ?? {};
    return typeof pid === 'number' && typeof origin === 'string' ? { pid, origin } : undefined;
  } catch (error) {
    if (error instanceof UnusableFile) return undefined;
    throw error;
  }
}
