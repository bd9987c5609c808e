import { createHash, randomBytes } from 'node:crypto';

const maxOpen = 1000;

/** Codes that stand for a value, work once, and only for a while. Kept as hashes, in memory: a restart voids them. */
export class OneTimeCodes<Value> {
  readonly #open = new Map<string, { value: Value; expiresAt: number }>();
  readonly #lifetimeMs: number;
  readonly #now: () => number;

  constructor(lifetimeMs: number, now: () => number = Date.now) {
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
  }

  issue(value: Value): string {
    for (const [hash, { expiresAt }] of this.#open) if (expiresAt <= this.#now()) this.#open.delete(hash);
    const oldest = this.#open.keys().next();
    if (this.#open.size >= maxOpen && !oldest.done) this.#open.delete(oldest.value);
    const code = randomBytes(32).toString('base64url');
    this.#open.set(hashOf(code), { value, expiresAt: this.#now() + this.#lifetimeMs });
    return code;
  }

  /** Whether the code would be redeemed now. */
  isOpen(code: string): boolean {
    return (this.#open.get(hashOf(code))?.expiresAt ?? 0) > this.#now();
  }

  /** undefined for a code that was never issued, was used, or has run out. */
  redeem(code: string): Value | undefined {
    const hash = hashOf(code);
    const found = this.#open.get(hash);
    this.#open.delete(hash);
    return found && found.expiresAt > this.#now() ? found.value : undefined;
  }
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
