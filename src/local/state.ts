import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UsageError } from './command-line.ts';

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
  const lock = new DatabaseSync(join(directory, 'lock'));
  try {
    lock.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!(error instanceof Error) || !/locked|busy/i.test(error.message)) throw error;
    const other = readInstance(directory);
    throw new UsageError(
      `Notebook Sessions already runs with the state in ${directory}${other ? ` (process ${other.pid}, ${other.origin})` : ''}.\n` +
        'Use that one, stop it first, or start a second one with another --state and --port.',
    );
  }
  checkVersion(directory);
  return {
    directory,
    marker: readMarker(directory),
    path: (...parts) => join(directory, ...parts),
    announce: (origin) => writePrivate(join(directory, 'instance.json'), JSON.stringify({ pid: process.pid, origin })),
    release: () => {
      rmSync(join(directory, 'instance.json'), { force: true });
      lock.close();
    },
  };
}

/** Written whole or not at all, readable by the owner only. */
export function writePrivate(file: string, content: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, file);
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

function checkVersion(directory: string): void {
  const file = join(directory, 'schema-version');
  if (!existsSync(file)) {
    writePrivate(file, `${schemaVersion}\n`);
    return;
  }
  const found = Number(readFileSync(file, 'utf8'));
  if (!(found >= 1 && found <= schemaVersion)) {
    throw new UsageError(
      `The state in ${directory} was written by a newer version (layout ${found}, this program knows ${schemaVersion}).\n` +
        'Update this program, or start with another --state.',
    );
  }
}

function readMarker(directory: string): string {
  const file = join(directory, 'marker');
  if (!existsSync(file)) writePrivate(file, randomBytes(12).toString('hex'));
  return readFileSync(file, 'utf8').trim();
}

function readInstance(directory: string): Instance | undefined {
  const file = join(directory, 'instance.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Instance) : undefined;
}
