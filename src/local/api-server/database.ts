import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sqliteCode, sqliteCodeOf } from '../sqlite-errors.ts';
import { asUnusableFile } from '../state-files.ts';
import { DiskReserve } from './disk-reserve.ts';

/** One object as it lies in the database. `body` is the object's JSON, resourceVersion included. */
export interface StoredRow {
  resource: string;
  namespace: string;
  name: string;
  version: number;
  /** Milliseconds since the epoch: when this version was written. */
  writtenAt: number;
  body: string;
}

/** 'nbks': tells our file from any other SQLite file. */
const APPLICATION_ID = 0x6e626b73;

/** Step n brings a store from schema version n to n + 1. Only ever appended to. */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE objects (
     resource TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     version INTEGER NOT NULL,
     written_at INTEGER NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (resource, namespace, name)
   );
   CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
   INSERT INTO clock VALUES (1, 1);`,
];

/** Whether a write has a claim to the space that is kept for a full disk: what deletes and what changes, not what adds. */
export type Claim = 'reserve' | 'free space';

/** The store cannot be used as it is; the message says what to do. */
export class UnusableStore extends Error {
  override readonly name = 'UnusableStore';
}

/**
 * The durable side of the store: one row per object and the highest version ever given out.
 *
 * Write-ahead log, `synchronous=NORMAL`: what was acknowledged survives `kill -9` of the process. A power cut may lose
 * the last moments but never corrupts; FULL would block the event loop for an fsync on every pod status. The file is
 * held exclusively, because a second writer would not be seen by the objects in memory.
 */
export class Database {
  readonly #path: string;
  readonly #sqlite: DatabaseSync;
  readonly #reserve: DiskReserve | undefined;
  readonly #put;
  readonly #remove;
  readonly #tick;

  private constructor(sqlite: DatabaseSync, path: string) {
    this.#path = path;
    this.#sqlite = sqlite;
    this.#reserve = path === memory ? undefined : new DiskReserve(`${path}.reserve`);
    this.#reserve?.hold();
    this.#put = sqlite.prepare(
      `INSERT INTO objects (resource, namespace, name, version, written_at, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET version = excluded.version, written_at = excluded.written_at, body = excluded.body`,
    );
    this.#remove = sqlite.prepare('DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?');
    this.#tick = sqlite.prepare('UPDATE clock SET version = ? WHERE id = 1');
  }

  /**
   * Opens or makes the file (0600), brings it to the newest schema (after a copy beside it) or throws `UnusableStore`.
   * `migrations` is only given by tests.
   */
  static open(path: string, migrations: readonly string[] = MIGRATIONS): Database {
    const former = path === memory ? undefined : statSync(path, { throwIfNoEntry: false });
    // To SQLite an empty file is a new database: without this the sessions would be gone without a word.
    if (former?.size === 0) throw new UnusableStore(`${path} is empty. ${moveAway}`);
    let sqlite: DatabaseSync | undefined;
    try {
      if (path !== memory) closeSync(openSync(path, 'a', 0o600));
      sqlite = new DatabaseSync(path);
      prepare(sqlite, path, migrations);
      return new Database(sqlite, path);
    } catch (error) {
      sqlite?.close();
      if (path !== memory && former === undefined) rmSync(path, { force: true });
      throw explained(path, error);
    }
  }

  /** The highest version given out so far. */
  version(): number {
    const version = this.#sqlite.prepare('SELECT version FROM clock WHERE id = 1').get()?.['version'];
    if (typeof version !== 'number') throw this.damaged();
    return version;
  }

  /** Throws `UnusableStore` where the file turns out to be damaged. */
  *rows(): Generator<StoredRow> {
    try {
      const select = this.#sqlite.prepare(
        'SELECT resource, namespace, name, version, written_at AS writtenAt, body FROM objects ORDER BY version',
      );
      for (const row of select.iterate()) {
        yield {
          resource: String(row['resource']),
          namespace: String(row['namespace']),
          name: String(row['name']),
          version: Number(row['version']),
          writtenAt: Number(row['writtenAt']),
          body: String(row['body']),
        };
      }
    } catch (error) {
      throw explained(this.#path, error);
    }
  }

  /** For what only a reader of the rows can see. */
  damaged(cause?: unknown): UnusableStore {
    return new UnusableStore(`${this.#path} is damaged. ${moveAway}`, { cause });
  }

  /** Writes one object and the clock, or neither. When it returns, the change is durable. */
  put(row: StoredRow, claim: Claim = 'free space'): void {
    this.#atomically(claim, () => {
      this.#put.run(row.resource, row.namespace, row.name, row.version, row.writtenAt, row.body);
      this.#tick.run(row.version);
    });
  }

  remove(row: { resource: string; namespace: string; name: string; version: number }): void {
    this.#atomically('reserve', () => {
      this.#remove.run(row.resource, row.namespace, row.name);
      this.#tick.run(row.version);
    });
  }

  close(): void {
    this.#sqlite.close();
  }

  #atomically(claim: Claim, write: () => void): void {
    try {
      this.#transaction(write);
    } catch (error) {
      if (claim !== 'reserve' || !isDiskFull(error) || !this.#reserve?.release()) throw error;
      this.#transaction(write);
      return;
    }
    this.#reserve?.hold();
  }

  #transaction(write: () => void): void {
    this.#sqlite.exec('BEGIN IMMEDIATE');
    try {
      write();
      this.#sqlite.exec('COMMIT');
    } catch (error) {
      // A full disk may already have rolled back by itself, and then ROLLBACK would hide the cause.
      if (this.#sqlite.isTransaction) this.#sqlite.exec('ROLLBACK');
      throw error;
    }
  }
}

/** The write failed because there is no space left on its file system, or in its user's quota. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCodeOf(error) === sqliteCode.full;
}

function prepare(sqlite: DatabaseSync, path: string, migrations: readonly string[]): void {
  sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  const version = numberOf(sqlite, 'user_version');
  if (version === 0 && numberOf(sqlite, 'schema_version') !== 0) {
    throw new UnusableStore(`${path} is a SQLite database of another program. Choose another state directory.`);
  }
  if (version > 0 && numberOf(sqlite, 'application_id') !== APPLICATION_ID) {
    throw new UnusableStore(`${path} is a SQLite database of another program. Choose another state directory.`);
  }
  if (version > migrations.length) {
    throw new UnusableStore(
      `${path} was written by a newer version of this program (schema ${version}, this one knows ${migrations.length}). ` +
        'Use that version, or another state directory.',
    );
  }
  if (version === migrations.length) return;
  if (version > 0) copyBeforeMigration(sqlite, path, version);
  sqlite.exec('BEGIN IMMEDIATE');
  for (const step of migrations.slice(version)) sqlite.exec(step);
  sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
}

/** `<path>.schema-<n>`: what to go back to if the new version turns out to be unusable. */
function copyBeforeMigration(sqlite: DatabaseSync, path: string, version: number): void {
  if (path === memory) return;
  const copy = `${path}.schema-${version}`;
  // VACUUM INTO fills an existing empty file and keeps its mode; one with content (an earlier try) stays as it is.
  closeSync(openSync(copy, 'a', 0o600));
  const earlier = new DatabaseSync(copy);
  const isEmpty = numberOf(earlier, 'schema_version') === 0;
  earlier.close();
  if (isEmpty) sqlite.prepare('VACUUM INTO ?').run(copy);
}

function numberOf(sqlite: DatabaseSync, pragma: string): number {
  return Number(sqlite.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}

const memory = ':memory:';
const moveAway =
  'Restore it from a copy, or move it away: its sessions are then not known any more, and their files stay.';

function explained(path: string, error: unknown): unknown {
  const said = (text: string) => new UnusableStore(`${path} ${text}`, { cause: error });
  switch (sqliteCodeOf(error)) {
    case sqliteCode.busy:
      return said('is in use by another process.');
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return said(`is damaged or not a database. ${moveAway}`);
    case sqliteCode.full:
      return said('cannot be written: the disk is full. Free some space and start again.');
    case sqliteCode.ioError:
      return said(`cannot be read or written. Check the disk. ${moveAway}`);
    case sqliteCode.cannotOpen:
    case sqliteCode.readOnly:
      return said('cannot be opened for writing. It must be a file of your user, in a folder of your user.');
    default:
      return asUnusableFile(path, error);
  }
}
