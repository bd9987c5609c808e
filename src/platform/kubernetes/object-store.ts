import type { Logger } from 'pino';
import { isKubernetesObject, type KubernetesObject } from './objects.ts';
import { compareResourceVersions } from './resource-version.ts';

export type CacheEvent<T> =
  | { type: 'added'; namespace: string; name: string; value: T }
  | { type: 'modified'; namespace: string; name: string; value: T; previous: T }
  | { type: 'deleted'; namespace: string; name: string; previous: T };

export interface Projection<T> {
  /** Returns the value to store for an object; undefined to store none. Throws for a malformed object, which is skipped. */
  project: (raw: KubernetesObject) => T | undefined;
  indexes: Record<string, (value: T) => string | undefined>;
}

/** An object in the store. Each page of a list is converted to entries when it arrives, to free the memory of raw objects. */
interface Entry<T> {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The result of `project`; undefined if `project` returned undefined, or if the object is malformed. */
  readonly value: T | undefined;
  /** The key in each index, in the order of the indexes. */
  readonly indexed: readonly (string | undefined)[];
}

/** An entry that is in the store. Entries of a list are not copied, because the event loop stalls while all of them enter the store. */
export interface StoredEntry<T> extends Entry<T> {
  /** The number of its update; 0 before. */
  at: number;
  /** Whether the update was the response to an own write. */
  own: boolean;
}

/** For the values that have no index. */
const notIndexed: readonly undefined[] = [];

/** Maximum number of stored uids of deleted objects. Late responses and events must not add these objects again. */
const tombstoneLimit = 10_000;

/**
 * The objects of one list-watch cache. Updates arrive in any order, from lists, from watch events and from the responses to
 * this process's own writes. The rules:
 * - the newer resourceVersion replaces the older one;
 * - a deleted uid is not added again, except by a list that began after the deletion was reported;
 * - a list replaces all objects, except objects that own writes have added since the list began.
 */
export class ObjectStore<T> {
  readonly #projection: Projection<T>;
  readonly #log: Logger;
  readonly #emit: (event: CacheEvent<T>) => void;
  readonly #entries = new Map<string, StoredEntry<T>>();
  /** The keys of the objects by index and value. Arrays, because most values have one object, and a set has 200 bytes more. */
  readonly #indexes = new Map<string, Map<string, string[]>>();
  /** The same, in the order of `Entry.indexed`. */
  readonly #orderedIndexes: readonly Map<string, string[]>[];
  /** The objects of a namespace share the string with its name. */
  readonly #namespaces = new Map<string, string>();
  readonly #tombstones = new Map<string, number>();
  /** Number of updates. A higher number means a later update. */
  #clock = 0;

  constructor(projection: Projection<T>, log: Logger, emit: (event: CacheEvent<T>) => void) {
    this.#projection = projection;
    this.#log = log;
    this.#emit = emit;
    for (const index of Object.keys(projection.indexes)) this.#indexes.set(index, new Map());
    this.#orderedIndexes = [...this.#indexes.values()];
  }

  get size(): number {
    return this.#entries.size;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#entries.get(keyOf(namespace, name))?.value;
  }

  byIndex(index: string, value: string): T[] {
    const keys = this.#indexes.get(index);
    if (!keys) throw new Error(`there is no index ${index}`);
    return (keys.get(value) ?? []).flatMap((key) => {
      const found = this.#entries.get(key)?.value;
      return found === undefined ? [] : [found];
    });
  }

  values(): T[] {
    return [...this.#entries.values()].flatMap(({ value }) => (value === undefined ? [] : [value]));
  }

  /** Returns undefined if `raw` is not a Kubernetes object with a name. An object in the store is not projected again. */
  entry(raw: unknown): StoredEntry<T> | undefined {
    const { name, namespace = '', uid = '', resourceVersion = '' } = isKubernetesObject(raw) ? raw.metadata : {};
    const texts: unknown[] = [name, namespace, uid, resourceVersion];
    if (!isKubernetesObject(raw) || name === undefined || texts.some((text) => typeof text !== 'string')) {
      this.#log.warn('an object without usable metadata was skipped');
      return undefined;
    }
    const known = this.#namespaces.get(namespace);
    if (known === undefined) this.#namespaces.set(namespace, namespace);
    const key = keyOf(namespace, name);
    const stored = this.#entries.get(key);
    const isStored = stored?.uid === uid && resourceVersion !== '' && stored.resourceVersion === resourceVersion;
    const { value, indexed } = isStored ? stored : this.#project(raw, key);
    return { key, namespace: known ?? namespace, name, uid, resourceVersion, value, indexed, at: 0, own: false };
  }

  /** Returns the number of the next update, to compare the order of updates. A list calls this when it begins. */
  tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  /** Adds or updates an object. @param own whether the object is the response to an own write, and not from a watch event. */
  put(entry: StoredEntry<T>, own: boolean): void {
    if (this.#tombstones.has(entry.uid)) return;
    const known = this.#entries.get(entry.key);
    const order = known ? compareResourceVersions(entry.resourceVersion, known.resourceVersion) : 1;
    if (order === undefined || order > 0) this.#set(entry, own);
  }

  /** Removes the object with this uid. A newer object with the same name remains. */
  remove(key: string, uid: string): void {
    if (uid !== '') this.#bury(uid);
    const known = this.#entries.get(key);
    if (known && (uid === '' || known.uid === uid)) this.#drop(known);
  }

  /** Applies a list. @param began the result of `tick()` before the request. @param namespace '' means all namespaces. */
  replaceAll(namespace: string, entries: readonly StoredEntry<T>[], began: number): void {
    const listed = new Set<string>();
    for (const entry of entries) {
      const buried = this.#tombstones.get(entry.uid);
      if (buried !== undefined && buried > began) continue;
      this.#tombstones.delete(entry.uid);
      listed.add(entry.key);
      const known = this.#entries.get(entry.key);
      const order = known ? compareResourceVersions(entry.resourceVersion, known.resourceVersion) : 1;
      const newer =
        known?.own && known.at > began ? order === undefined || order > 0 : order !== 0 || known?.uid !== entry.uid;
      if (newer) this.#set(entry, false);
    }
    // A map may change while it is iterated.
    for (const known of this.#entries.values()) {
      const inScope = namespace === '' || known.namespace === namespace;
      const writtenSince = known.own && known.at > began;
      if (inScope && !listed.has(known.key) && !writtenSince) this.#drop(known);
    }
  }

  #project(raw: KubernetesObject, name: string): Pick<Entry<T>, 'value' | 'indexed'> {
    try {
      const value = this.#projection.project(raw);
      const indexes = Object.values(this.#projection.indexes);
      const isIndexed = value !== undefined && indexes.length > 0;
      return { value, indexed: isIndexed ? indexes.map((keyOfValue) => keyOfValue(value)) : notIndexed };
    } catch (err) {
      this.#log.warn({ err, object: name }, 'a malformed object was skipped');
      return { value: undefined, indexed: notIndexed };
    }
  }

  #set(entry: StoredEntry<T>, own: boolean): void {
    const previous = this.#entries.get(entry.key);
    if (previous) this.#unindex(previous);
    entry.own = own;
    entry.at = this.tick();
    // An object without a stored value has no entry. For example, most Events of a cluster are not stored.
    if (entry.value !== undefined) this.#entries.set(entry.key, entry);
    else this.#entries.delete(entry.key);
    this.#orderedIndexes.forEach((index, position) => {
      const value = entry.indexed[position];
      if (value === undefined) return;
      const keys = index.get(value);
      if (keys) keys.push(entry.key);
      else index.set(value, [entry.key]);
    });
    this.#report(entry, previous);
  }

  #drop(known: Entry<T>): void {
    this.#unindex(known);
    this.#entries.delete(known.key);
    const { namespace, name, value } = known;
    if (value !== undefined) this.#emit({ type: 'deleted', namespace, name, previous: value });
  }

  #report({ namespace, name, uid, value }: Entry<T>, previous: Entry<T> | undefined): void {
    const before = previous?.value;
    // An object with the same name and another uid: the watch has missed the deletion of the former object.
    const replaced = previous !== undefined && previous.uid !== uid;
    if (before !== undefined && (value === undefined || replaced)) {
      this.#emit({ type: 'deleted', namespace, name, previous: before });
    }
    if (value === undefined) return;
    if (before !== undefined && !replaced) {
      this.#emit({ type: 'modified', namespace, name, value, previous: before });
    } else {
      this.#emit({ type: 'added', namespace, name, value });
    }
  }

  #unindex(entry: Entry<T>): void {
    this.#orderedIndexes.forEach((index, position) => {
      const value = entry.indexed[position];
      if (value === undefined) return;
      const others = (index.get(value) ?? []).filter((key) => key !== entry.key);
      if (others.length > 0) index.set(value, others);
      else index.delete(value);
    });
  }

  #bury(uid: string): void {
    this.#tombstones.delete(uid);
    this.#tombstones.set(uid, this.tick());
    for (const oldest of this.#tombstones.keys()) {
      if (this.#tombstones.size <= tombstoneLimit) break;
      this.#tombstones.delete(oldest);
    }
  }
}

export function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
