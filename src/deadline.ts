/**
 * Time as a value: made once per request (or per background operation) and passed down, so that no step in the middle
 * invents a time-out of its own and everything outbound is aborted when its owner goes away.
 */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  readonly operation: string;
  readonly afterMs: number;

  constructor(operation: string, afterMs: number) {
    super(`${operation} did not finish within ${afterMs} ms`);
    this.operation = operation;
    this.afterMs = afterMs;
  }
}

export class Deadline {
  /** Aborts when the time is over (reason: DeadlineExceeded) or the owner has gone (reason: the owner's). */
  readonly signal: AbortSignal;
  readonly #endsAt: number;
  readonly #totalMs: number;

  private constructor(ms: number, owner: AbortSignal | undefined) {
    this.#totalMs = ms;
    this.#endsAt = performance.now() + ms;
    // What remains of another deadline has fractions of a millisecond, which AbortSignal.timeout refuses.
    const timeout = AbortSignal.timeout(Math.ceil(ms));
    this.signal = owner ? AbortSignal.any([timeout, owner]) : timeout;
  }

  /** `ms` milliseconds from now; `owner` (a request that may be closed, a program that may stop) ends it early. */
  static after(ms: number, owner?: AbortSignal): Deadline {
    return new Deadline(ms, owner);
  }

  /** Milliseconds left, never negative. */
  remaining(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  get expired(): boolean {
    return this.signal.aborted || this.remaining() === 0;
  }

  /** The error for an operation that this deadline ended. */
  exceeded(operation: string): DeadlineExceeded {
    return new DeadlineExceeded(operation, Math.round(this.#totalMs));
  }

  /** A shorter deadline inside this one: never later than this one. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(ms, this.remaining()), this.signal);
  }
}
