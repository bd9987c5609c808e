export interface BoundedMapOptions {
  /** Maximum number of entries. */
  readonly maxSize: number;
  /** Time to live of an entry in milliseconds, from the last `set`; unlimited by default. */
  readonly ttlMs?: number;
  /** Returns the current time in milliseconds; `Date.now` by default. */
  readonly now?: () => number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAt: number;
}

/**
 * A map with a maximum size and an optional time to live: a new entry evicts the least recently used one, and an expired
 * entry is treated as absent. `get` and `set` count as use.
 */
export class BoundedMap<Key, Value> {
  /** In the order of use: the first entry is the least recently used one. */
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #maxSize: number;
  readonly #ttlMs: number;
  readonly #now: () => number;

  constructor({ maxSize, ttlMs = Number.POSITIVE_INFINITY, now = () => Date.now() }: BoundedMapOptions) {
    this.#maxSize = maxSize;
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  /** Number of entries, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns the value of `key`, or undefined if there is none or it has expired. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAt <= this.#now()) return undefined;
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** Sets the value of `key`. `ttlMs` replaces the map's time to live for this entry. */
  set(key: Key, value: Value, ttlMs = this.#ttlMs): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, expiresAt: this.#now() + ttlMs });
    const leastRecent = this.#entries.keys().next();
    if (this.#entries.size > this.#maxSize && !leastRecent.done) this.#entries.delete(leastRecent.value);
  }

  /** Removes `key`, and returns its value as `get` does. */
  take(key: Key): Value | undefined {
    const value = this.get(key);
    this.#entries.delete(key);
    return value;
  }

  /** Removes `key`. */
  delete(key: Key): void {
    this.#entries.delete(key);
  }
}
