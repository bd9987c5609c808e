import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sqliteCode, sqliteCodeOf } from '../sqlite-errors.ts';
import { asUnusableFile } from '../state-files.ts';
import { UserError } from '../user-error.ts';
import { DiskReserve } from './disk-reserve.ts';

/** A row of the database. `body` is the JSON of the object, with its resourceVersion. */
interface StoredRow {
  resource: string;
  namespace: string;
  name: string;
  version: number;
  /** The time when this version was written, in milliseconds since the epoch. */
  writtenAt: number;
  body: string;
}

/** 'nbks': marks the SQLite files of this program. */
const APPLICATION_ID = 0x6e626b73;

/** Step n migrates a database from schema version n to n + 1. Add steps only at the end. */
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

/** The disk space that a write may use. Deletions and changes may use the reserve; new objects may not. */
type DiskSpace = 'reserve' | 'free space';

/** The database cannot be opened. The message has the remedy. */
export class UnusableStore extends UserError {
  override readonly name = 'UnusableStore';
}

/**
 * The file of the store: one row for each object, and the highest version so far.
 *
 * Write-ahead log with `synchronous=NORMAL`: acknowledged writes survive `kill -9` of the process. A power failure may lose
 * the last writes but does not damage the file; FULL would block the event loop with an fsync for every pod status. The
 * lock is exclusive, because the objects in memory do not follow the writes of another process.
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
   * Opens or creates the file (mode 0600) and migrates it to the newest schema, after a copy. Throws `UnusableStore`.
   * Only tests pass `migrations`.
   */
  static open(path: string, migrations: readonly string[] = MIGRATIONS): Database {
    const former = path === memory ? undefined : statSync(path, { throwIfNoEntry: false });
    // SQLite treats an empty file as a new database: the sessions would be lost without an error.
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

  /** Returns the highest version so far. */
  version(): number {
    const version = this.#sqlite.prepare('SELECT version FROM clock WHERE id = 1').get()?.['version'];
    if (typeof version !== 'number') throw this.damaged();
    return version;
  }

  /** Returns all rows, by version. Throws `UnusableStore` if the file is damaged. */
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

  /** Returns the error for a row with invalid content. */
  damaged(cause?: unknown): UnusableStore {
    return new UnusableStore(`${this.#path} is damaged. ${moveAway}`, { cause });
  }

  /** Writes an object and the highest version in one transaction. The change is durable when the function returns. */
  put(row: StoredRow, space: DiskSpace = 'free space'): void {
    this.#atomically(space, () => {
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

  #atomically(space: DiskSpace, write: () => void): void {
    try {
      this.#transaction(write);
    } catch (error) {
      if (space !== 'reserve' || !isDiskFull(error) || !this.#reserve?.release()) throw error;
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
      // SQLite may have rolled back itself, for example on a full disk. Then ROLLBACK would fail and hide the cause.
      if (this.#sqlite.isTransaction) this.#sqlite.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Returns true if a write failed because the file system or the quota of the user is full. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCodeOf(error) === sqliteCode.full;
}

function prepare(sqlite: DatabaseSync, path: string, migrations: readonly string[]): void {
  sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  const version = numberOf(sqlite, 'user_version');
  const isNew = version === 0 && numberOf(sqlite, 'schema_version') === 0;
  const isOurs = version > 0 && numberOf(sqlite, 'application_id') === APPLICATION_ID;
  if (!isNew && !isOurs) {
    throw new UnusableStore(`${path} is a SQLite database of another program. Choose another state directory.`);
  }
  if (version > migrations.length) {
    throw new UnusableStore(
      `${path} was written by a newer version of this program (schema ${version}; this version supports ${migrations.length}). ` +
        'Use that version, or another state directory.',
    );
  }
  if (version === migrations.length) return;
  if (version > 0) copyBeforeMigration(sqlite, path, version);
  sqlite.exec('BEGIN IMMEDIATE');
  for (const step of migrations.slice(version)) sqlite.exec(step);
  sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}; COMMIT`);
}

/** Copies the database to `<path>.schema-<n>`, for a return to the previous version of the program. */
function copyBeforeMigration(sqlite: DatabaseSync, path: string, version: number): void {
  if (path === memory) return;
  const copy = `${path}.schema-${version}`;
  // VACUUM INTO writes into an existing empty file and keeps its mode. A copy of an earlier attempt is not changed.
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
  'Restore it from a copy, or move it away. Then the platform no longer has these sessions, but their files are kept.';

/** Returns an `UnusableStore` for an error of SQLite or of the file system; other errors are returned unchanged. */
function explained(path: string, error: unknown): unknown {
  const unusable = (text: string) => new UnusableStore(`${path} ${text}`, { cause: error });
  switch (sqliteCodeOf(error)) {
    case sqliteCode.busy:
      return unusable('is in use by another process.');
    case sqliteCode.corrupt:
    case sqliteCode.notADatabase:
      return unusable(`is damaged or not a database. ${moveAway}`);
    case sqliteCode.full:
      return unusable('cannot be written: the disk is full. Free some space and start again.');
    case sqliteCode.ioError:
      return unusable(`cannot be read or written. Check the disk. ${moveAway}`);
    case sqliteCode.cannotOpen:
    case sqliteCode.readOnly:
      return unusable('cannot be opened for writing. The file and its folder must belong to your user.');
    default:
      return asUnusableFile(path, error);
  }
}
