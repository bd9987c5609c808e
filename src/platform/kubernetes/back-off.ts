export interface BackOff {
  /** Milliseconds to wait before the next try: doubling from `firstMs` to `mostMs`, the upper half of it random. */
  next(): number;
  /** After success. */
  reset(): void;
}

export function createBackOff({ firstMs, mostMs }: { firstMs: number; mostMs: number }): BackOff {
  let ms = firstMs;
  return {
    next() {
      const waitMs = ms * (0.5 + Math.random() / 2);
      ms = Math.min(ms * 2, mostMs);
      return waitMs;
    },
    reset() {
      ms = firstMs;
    },
  };
}
