import { DatabaseSync } from 'node:sqlite';
import type { BaseRow } from './align.ts';
import type { SyncConflict } from './sync-folder.ts';

/**
 * What the agent remembers of a synchronized folder, in a SQLite file on the session's volume. Each change is one transaction. A
 * write-ahead log with `synchronous=NORMAL`: what was written survives `kill -9`; a power failure may lose the last changes, and
 * then the next round finds equal files on both sides, and adopts them. The lock is exclusive, which needs no shared memory
 * (a volume can be a network file system), and keeps a second agent away.
 */
export interface BaseTable {
  rows(): BaseRow[];
  /** Returns the signature of the local file at a path; undefined if the base has none. */
  signatureOf(path: string): string | undefined;
  set(id: string, row: BaseRow): void;
  delete(id: string): void;
  /**
   * Records that the agent begins to change the file at a side. If the agent ends before `set` or `delete`, the other side counts as
   * changed: what the first side has then may be the agent's own work, and must not look like a change of a person.
   */
  begin(id: string, side: 'local' | 'remote'): void;
  /** Forgets all paths and conflicts. */
  clear(): void;
  /** Makes several changes in one transaction. */
  inTransaction(change: () => void): void;
  readValue(name: string): string | undefined;
  writeValue(name: string, value: string): void;
  conflicts(): SyncConflict[];
  /** Records a conflict. One with the same path and kind is replaced. */
  addConflict(conflict: SyncConflict): void;
  deleteConflict(id: string): void;
  close(): void;
}

/** 'nbsy': marks the SQLite files of this program. */
const applicationId = 0x6e627379;
const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, signature TEXT NOT NULL, hash TEXT NOT NULL,
    remote_path TEXT NOT NULL, remote_size INTEGER NOT NULL, remote_modified_at REAL, remote_hash TEXT, remote_version TEXT
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_path ON entries (path);
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS conflicts (id TEXT PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL);
`;

/** Opens the file, or creates it. Throws an error of SQLite if it is damaged, or another agent has it open. */
export function openBaseTable(path: string): BaseTable {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;');
    database.exec(schema);
    database.exec(`PRAGMA application_id=${applicationId}`);
  } catch (error) {
    database.close();
    throw error;
  }
  const all = database.prepare('SELECT * FROM entries');
  const oneSignature = database.prepare("SELECT signature FROM entries WHERE path = ? AND kind = 'file'");
  const put = database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM entries WHERE id = ?');
  const begin = {
    local: database.prepare('UPDATE entries SET remote_size = -1 WHERE id = ?'),
    remote: database.prepare("UPDATE entries SET signature = '', hash = '' WHERE id = ? AND kind = 'file'"),
  };
  const read = database.prepare('SELECT value FROM facts WHERE name = ?');
  const write = database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)');
  const allConflicts = database.prepare('SELECT body FROM conflicts ORDER BY rowid');
  const removeSame = database.prepare('DELETE FROM conflicts WHERE path = ? AND kind = ?');
  const putConflict = database.prepare('INSERT OR REPLACE INTO conflicts VALUES (?, ?, ?, ?)');
  const removeConflict = database.prepare('DELETE FROM conflicts WHERE id = ?');
  const inTransaction = (change: () => void): void => {
    if (database.isTransaction) {
      change();
      return;
    }
    database.exec('BEGIN');
    try {
      change();
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  };
  return {
    inTransaction,
    signatureOf(path) {
      const signature = oneSignature.get(path)?.['signature'];
      return typeof signature === 'string' ? signature : undefined;
    },
    rows: () => all.all().map(toRow),
    set(id, { kind, path: local, size, signature, hash, remote }) {
      const ofRemote = [remote.path, remote.size, remote.modifiedAt, remote.hash, remote.version] as const;
      put.run(id, kind, local, size, signature, hash, ...ofRemote);
    },
    delete: (id) => void remove.run(id),
    begin: (id, side) => void begin[side].run(id),
    clear: () => database.exec('BEGIN; DELETE FROM entries; DELETE FROM conflicts; COMMIT'),
    readValue(name) {
      const value = read.get(name)?.['value'];
      return typeof value === 'string' ? value : undefined;
    },
    writeValue: (name, value) => void write.run(name, value),
    conflicts: () => allConflicts.all().flatMap(({ body }) => (typeof body === 'string' ? [JSON.parse(body)] : [])),
    addConflict(conflict) {
      inTransaction(() => {
        removeSame.run(conflict.path, conflict.kind);
        putConflict.run(conflict.id, conflict.path, conflict.kind, JSON.stringify(conflict));
      });
    },
    deleteConflict: (id) => void removeConflict.run(id),
    close: () => database.close(),
  };
}

function toRow(row: Record<string, unknown>): BaseRow {
  const kind = row['kind'] === 'folder' ? 'folder' : 'file';
  const text = (name: string) => String(row[name]);
  const textOrNull = (name: string) => (row[name] === null ? null : text(name));
  const time = row['remote_modified_at'];
  return {
    kind,
    path: text('path'),
    size: Number(row['size']),
    signature: text('signature'),
    hash: text('hash'),
    remote: {
      path: text('remote_path'),
      kind,
      size: Number(row['remote_size']),
      modifiedAt: typeof time === 'number' ? time : null,
      hash: textOrNull('remote_hash'),
      version: textOrNull('remote_version'),
    },
  };
}
