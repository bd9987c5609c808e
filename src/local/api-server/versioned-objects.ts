import type { Logger } from 'pino';
import { StatusError } from '../cluster.ts';
import { type Database, isDiskFull } from './database.ts';
import { diskFull, qualifiedName } from './failures.ts';
import { deepFreeze, isStoredObject, type StoredObject } from './json.ts';
import type { Kind } from './kinds/kind.ts';

/** An object in memory: frozen and shared by all readers, with its JSON, which is stored and sent. */
export interface Entry {
  readonly object: StoredObject;
  readonly text: string;
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** A write. For DELETED, `entry` is the last state of the object, with the version of the deletion. */
export interface Change {
  readonly kind: Kind;
  readonly key: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly entry: Entry;
  readonly previous: Entry | undefined;
}

/** The length of the history for watches and paged lists. The first limit that is reached applies. */
export interface HistoryLimits {
  changes: number;
  /** Characters of JSON. */
  characters: number;
}

export const DEFAULT_HISTORY: HistoryLimits = { changes: 5_000, characters: 64_000_000 };

export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

/**
 * All objects and the recent changes, in memory. A write is durable in the database before readers see it. The rules of
 * the API are in the store.
 */
export class VersionedObjects {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #limits: HistoryLimits;
  readonly #now: () => number;
  readonly #objects = new Map<Kind, Map<string, Entry>>();
  readonly #subscribers = new Set<() => void>();
  #history: Change[] = [];
  #historyCharacters = 0;
  #version: number;
  /** Changes up to this version are no longer in the history. */
  #compacted: number;
  #delivery: NodeJS.Immediate | undefined;

  constructor(
    database: Database,
    kinds: readonly Kind[],
    { log, history, now }: { log: Logger; history: HistoryLimits; now: () => number },
  ) {
    this.#database = database;
    this.#log = log;
    this.#limits = history;
    this.#now = now;
    this.#version = database.version();
    this.#compacted = this.#version;
    const byName = new Map(kinds.map((kind) => [qualifiedName(kind), kind]));
    for (const kind of kinds) this.#objects.set(kind, new Map());
    for (const row of database.rows()) {
      const kind = byName.get(row.resource);
      if (kind === undefined) {
        this.#log.warn({ resource: row.resource, name: row.name }, 'the database has an object of an unknown kind');
        continue;
      }
      const object = deepFreeze(readBody(database, row.body));
      const entry: Entry = { object, text: row.body, version: row.version, writtenAt: row.writtenAt };
      this.#objects.get(kind)?.set(keyOf(row.namespace, row.name), entry);
    }
  }

  /** The version of the newest write. */
  get version(): number {
    return this.#version;
  }

  /** The number of subscribers. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** The oldest version from which a watch can continue. */
  get oldestVersion(): number {
    return this.#compacted;
  }

  get(kind: Kind, namespace: string, name: string): Entry | undefined {
    return this.#objects.get(kind)?.get(keyOf(namespace, name));
  }

  /** Returns the current entries by key, unsorted. The map changes with the next write. */
  entries(kind: Kind): ReadonlyMap<string, Entry> {
    return this.#objects.get(kind) ?? new Map();
  }

  /** Returns the entries at `version`; undefined if the history does not contain that version. */
  entriesAt(kind: Kind, version: number): ReadonlyMap<string, Entry> | undefined {
    const since = this.changesSince(version);
    if (since === undefined) return undefined;
    if (since.length === 0) return this.entries(kind);
    const past = new Map(this.entries(kind));
    for (const change of since.toReversed()) {
      if (change.kind !== kind) continue;
      if (change.previous === undefined) past.delete(change.key);
      else past.set(change.key, change.previous);
    }
    return past;
  }

  /** Returns the writes after `version`, oldest first; undefined if some of the writes are no longer in the history. */
  changesSince(version: number): readonly Change[] | undefined {
    if (version < this.#compacted) return undefined;
    if (version >= this.#version) return [];
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#history[middle]?.entry.version ?? Number.POSITIVE_INFINITY) <= version) low = middle + 1;
      else high = middle;
    }
    return this.#history.slice(low);
  }

  /**
   * Stores `object` with a new resourceVersion. The write is durable when the function returns. Throws StatusError (507
   * InsufficientStorage if the disk is full, else 500 InternalError) if the database cannot be written; then nothing has
   * changed.
   */
  put(kind: Kind, object: StoredObject): Entry {
    const version = this.#version + 1;
    object.metadata.resourceVersion = String(version);
    const namespace = object.metadata.namespace ?? '';
    const name = object.metadata.name ?? '';
    const text = JSON.stringify(object);
    const entry: Entry = { object: deepFreeze(object), text, version, writtenAt: this.#now() };
    const row = { resource: qualifiedName(kind), namespace, name, version, writtenAt: entry.writtenAt, body: text };
    const table = this.#objects.get(kind);
    const key = keyOf(namespace, name);
    const previous = table?.get(key);
    this.#durably(() => this.#database.put(row, previous === undefined ? 'free space' : 'reserve'));
    table?.set(key, entry);
    this.#append({ kind, key, type: previous === undefined ? 'ADDED' : 'MODIFIED', entry, previous });
    return entry;
  }

  /** Removes the object. Returns `final`, its last state, with the version of the deletion. */
  remove(kind: Kind, previous: Entry, final: StoredObject = previous.object): Entry {
    const version = this.#version + 1;
    const { namespace = '', name = '' } = final.metadata;
    this.#durably(() => this.#database.remove({ resource: qualifiedName(kind), namespace, name, version }));
    const last = { ...final, metadata: { ...final.metadata, resourceVersion: String(version) } };
    const entry: Entry = { object: deepFreeze(last), text: JSON.stringify(last), version, writtenAt: this.#now() };
    const key = keyOf(namespace, name);
    this.#objects.get(kind)?.delete(key);
    this.#append({ kind, key, type: 'DELETED', entry, previous });
    return entry;
  }

  /**
   * Calls `wake` once after this call, and once after one or more writes, never during a write. A subscriber that reads all
   * changes in each `wake` misses none. The history may be trimmed before the next call.
   */
  subscribe(wake: () => void): () => void {
    this.#subscribers.add(wake);
    this.#schedule();
    return () => {
      this.#subscribers.delete(wake);
    };
  }

  /** Removes the history, as a compaction of etcd does: watches and lists from older versions get 410. */
  compact(): void {
    this.#deliver();
    this.#history = [];
    this.#historyCharacters = 0;
    this.#compacted = this.#version;
  }

  close(): void {
    clearImmediate(this.#delivery);
    this.#subscribers.clear();
    this.#database.close();
  }

  #append(change: Change): void {
    this.#version = change.entry.version;
    this.#history.push(change);
    this.#historyCharacters += change.entry.text.length;
    this.#schedule();
  }

  #schedule(): void {
    this.#delivery ??= setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    clearImmediate(this.#delivery);
    this.#delivery = undefined;
    for (const wake of this.#subscribers) this.#guarded(wake);
    this.#trim();
  }

  /** Called after delivery, so that subscribers in this process cannot miss a change. */
  #trim(): void {
    let dropped = 0;
    while (
      dropped < this.#history.length &&
      (this.#history.length - dropped > this.#limits.changes || this.#historyCharacters > this.#limits.characters)
    ) {
      const change = this.#history[dropped];
      if (change === undefined) break;
      this.#historyCharacters -= change.entry.text.length;
      this.#compacted = change.entry.version;
      dropped += 1;
    }
    if (dropped > 0) this.#history = this.#history.slice(dropped);
  }

  #guarded(wake: () => void): void {
    try {
      wake();
    } catch (error) {
      this.#log.error({ err: error }, 'a subscriber failed');
    }
  }

  #durably(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#log.error({ err: error }, 'the store cannot be written');
      if (isDiskFull(error)) throw diskFull();
      const why = error instanceof Error ? error.message : String(error);
      throw new StatusError(500, 'InternalError', `Internal error occurred: the store cannot be written: ${why}`);
    }
  }
}

function readBody(database: Database, body: string): StoredObject {
  try {
    const object: unknown = JSON.parse(body);
    if (isStoredObject(object)) return object;
  } catch (error) {
    if (error instanceof SyntaxError) throw database.damaged(error);
    throw error;
  }
  throw database.damaged();
}
