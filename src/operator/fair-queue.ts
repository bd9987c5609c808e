/**
 * A queue of keys that is fair between owners: `take` returns one key of each owner in turn, so that the only key of one owner
 * does not wait for the thousands of keys of another. Keys of one owner keep their order. All operations take constant time.
 */
export class FairQueue {
  /** The owner at the front is the next one to be served. */
  readonly #byOwner = new Map<string, Set<string>>();
  readonly #ownerOf = new Map<string, string>();

  get size(): number {
    return this.#ownerOf.size;
  }

  /** Adds a key. A key that is already waiting keeps its place. */
  add(key: string, owner: string): void {
    if (this.#ownerOf.has(key)) return;
    this.#ownerOf.set(key, owner);
    const keys = this.#byOwner.get(owner);
    if (keys) keys.add(key);
    else this.#byOwner.set(owner, new Set([key]));
  }

  delete(key: string): void {
    const owner = this.#ownerOf.get(key);
    if (owner === undefined) return;
    this.#ownerOf.delete(key);
    const keys = this.#byOwner.get(owner);
    keys?.delete(key);
    if (keys?.size === 0) this.#byOwner.delete(owner);
  }

  /** Removes and returns the next key; undefined if the queue is empty. */
  take(): string | undefined {
    for (const [owner, keys] of this.#byOwner) {
      for (const key of keys) {
        this.delete(key);
        // The owner goes to the end.
        if (this.#byOwner.delete(owner) && keys.size > 0) this.#byOwner.set(owner, keys);
        return key;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#byOwner.clear();
    this.#ownerOf.clear();
  }
}
