/** Counts what is in progress for each owner. */
export interface ConcurrencyLimit {
  /** Returns the function that gives the permit back (further calls do nothing); undefined if the owner has `limit` permits. */
  acquire(owner: string, limit: number): (() => void) | undefined;
  /** Number of permits of one owner. */
  of(owner: string): number;
  /** Number of permits of all owners. */
  readonly total: number;
}

export function createConcurrencyLimit(): ConcurrencyLimit {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    acquire(owner, limit) {
      const count = counts.get(owner) ?? 0;
      if (count >= limit) return undefined;
      counts.set(owner, count + 1);
      total += 1;
      let isReleased = false;
      return () => {
        if (isReleased) return;
        isReleased = true;
        total -= 1;
        const left = (counts.get(owner) ?? 1) - 1;
        if (left > 0) counts.set(owner, left);
        else counts.delete(owner);
      };
    },
    of: (owner) => counts.get(owner) ?? 0,
    get total() {
      return total;
    },
  };
}
