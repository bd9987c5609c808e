import { createHash, randomBytes } from 'node:crypto';
import { BoundedMap } from '../../lib/bounded-map.ts';

const maxCodes = 1000;

/** Codes that work once and expire. Their hashes are kept in memory, so that a restart invalidates them. */
export class OneTimeCodes<Value> {
  readonly #values: BoundedMap<string, Value>;

  constructor(lifetimeMs: number, now: () => number = Date.now) {
    this.#values = new BoundedMap({ maxSize: maxCodes, ttlMs: lifetimeMs, now });
  }

  issue(value: Value): string {
    const code = randomBytes(32).toString('base64url');
    this.#values.set(hashOf(code), value);
    return code;
  }

  /** Returns true if the code can be redeemed. */
  isOpen(code: string): boolean {
    return this.#values.get(hashOf(code)) !== undefined;
  }

  /** Returns undefined for a code that was not issued, was used, or has expired. */
  redeem(code: string): Value | undefined {
    return this.#values.take(hashOf(code));
  }
}

export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
