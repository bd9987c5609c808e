import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { renameSync } from 'node:fs';
import { asObject, isObject, parseJson } from '../../../lib/json.ts';
import { type BaseTable, openBaseTable } from './base-table.ts';
import { openStorage, type Storage } from './storage.ts';
import type { SyncCounters, SyncFolderSettings, SyncSuspension } from './sync-folder.ts';

/** What the agent remembers of a folder over its restarts. */
export interface FolderState {
  readonly storage: Storage;
  readonly base: BaseTable;
  /** Names the transfers of this folder at the remote. */
  readonly instance: string;
  counters: SyncCounters;
  lastSuccessAt: string | null;
  suspension: SyncSuspension | null;
  /** Writes what has changed. */
  store(): void;
  close(): void;
}

export const noCounters: SyncCounters = {
  ...{ uploaded: 0, downloaded: 0, deletedLocally: 0, deletedRemotely: 0, renamed: 0, conflicts: 0, bytes: 0 },
};

export const addCounters = (a: SyncCounters, b: Partial<SyncCounters>): SyncCounters => ({
  uploaded: a.uploaded + (b.uploaded ?? 0),
  downloaded: a.downloaded + (b.downloaded ?? 0),
  deletedLocally: a.deletedLocally + (b.deletedLocally ?? 0),
  deletedRemotely: a.deletedRemotely + (b.deletedRemotely ?? 0),
  renamed: a.renamed + (b.renamed ?? 0),
  conflicts: a.conflicts + (b.conflicts ?? 0),
  bytes: a.bytes + (b.bytes ?? 0),
});

/** Result codes of SQLite for a damaged file (https://sqlite.org/rescode.html): corrupt, not a database. */
const damagedCodes: readonly unknown[] = [11, 26];

/**
 * Opens what the agent remembers of a folder. Without a base, for example because the file is damaged, the next round keeps what exists
 * on one side, and both versions of what differs.
 * @param place the folder of the agent on the volume
 */
export function openFolderState(place: string, id: string, log: (line: string) => void): FolderState {
  const storage = openStorage(place, id);
  try {
    return readState(storage, openOrReplace(storage.database, log));
  } catch (error) {
    storage.close();
    throw error;
  }
}

function openOrReplace(path: string, log: (line: string) => void): BaseTable {
  try {
    return openBaseTable(path);
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
    if (!damagedCodes.includes(code)) throw error;
    log(`The state of a synchronized folder is damaged, and both sides are compared anew: ${String(error)}`);
    renameSync(path, `${path}.damaged`);
    return openBaseTable(path);
  }
}

function readState(storage: Storage, base: BaseTable): FolderState {
  const instance = base.readValue('instance') ?? randomUUID();
  if (base.readValue('instance') === undefined) base.writeValue('instance', instance);
  const stored = asObject(parseJson(base.readValue('status') ?? '{}')) ?? {};
  const counters = isObject(stored['counters']) ? stored['counters'] : {};
  const { lastSuccessAt, suspension } = stored;
  let written = '';
  return {
    ...{ storage, base, instance },
    counters: addCounters(noCounters, numbersOf(counters)),
    lastSuccessAt: typeof lastSuccessAt === 'string' ? lastSuccessAt : null,
    suspension: toSuspension(suspension),
    store() {
      const { counters: all, suspension: pending } = this;
      // The time of a round without changes alone is no reason to write.
      const text = JSON.stringify({ counters: all, suspension: pending, hasSucceeded: this.lastSuccessAt !== null });
      if (text === written) return;
      base.writeValue(
        'status',
        JSON.stringify({ counters: all, lastSuccessAt: this.lastSuccessAt, suspension: pending }),
      );
      written = text;
    },
    close() {
      base.close();
      storage.close();
    },
  };
}

function numbersOf(value: Readonly<Record<string, unknown>>): Partial<SyncCounters> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => Number.isSafeInteger(each)));
}

function toSuspension(value: unknown): SyncSuspension | null {
  const { message, side, deletions, known, since } = asObject(value) ?? {};
  const isComplete =
    typeof message === 'string' &&
    (side === 'local' || side === 'remote') &&
    typeof deletions === 'number' &&
    typeof known === 'number' &&
    typeof since === 'string';
  return isComplete ? { message, side, deletions, known, since } : null;
}

/**
 * Stores the settings with a seal: programs of the session can write the file, and a changed address of the remote would send the
 * credentials of the user to another server.
 */
export function storeSettings(base: BaseTable, key: Buffer, settings: SyncFolderSettings): void {
  const text = JSON.stringify(settings);
  base.inTransaction(() => {
    base.writeValue('settings', text);
    base.writeValue('seal', sealOf(key, settings.id, text));
  });
}

/** Returns the stored settings; undefined if there are none, or their seal is not valid. */
export function readSettings(base: BaseTable, key: Buffer, id: string): unknown {
  const text = base.readValue('settings') ?? '';
  const [seal, expected] = [Buffer.from(base.readValue('seal') ?? ''), Buffer.from(sealOf(key, id, text))];
  return seal.length === expected.length && timingSafeEqual(seal, expected) ? parseJson(text) : undefined;
}

const sealOf = (key: Buffer, id: string, text: string): string =>
  createHmac('sha256', key).update(`sync-folder\n${id}\n`).update(text).digest('base64url');
