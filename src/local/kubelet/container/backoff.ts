import { setTimeout as wait } from 'node:timers/promises';

/** Pauses that double. Kubernetes begins at 10 s and ends at 5 min; here somebody sits before the screen. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor(firstMs = 500, maxMs = 30_000) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#nextMs = firstMs;
  }

  /** How long the next pause is. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Shorter when `signal` aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const now = this.#nextMs;
    this.#nextMs = Math.min(now * 2, this.#maxMs);
    await wait(now, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
