/** An operation did not finish before its deadline. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
  /** The operation, as the subject of a sentence: `calling registry.example.org`. */
  readonly operation: string;
  readonly afterMs: number;

  constructor(operation: string, afterMs: number) {
    super(`${operation} did not finish within ${afterMs} ms`);
    this.operation = operation;
    this.afterMs = afterMs;
  }
}

/**
 * The point in time at which an operation must end. Created once for a request or a background operation and passed
 * down, so that no step has a separate timeout and every call is aborted when the owner of the operation ends.
 */
export class Deadline {
  readonly #endsAt: number;
  readonly #totalMs: number;
  readonly #owner: AbortSignal | undefined;
  #signal: AbortSignal | undefined;

  private constructor(ms: number, owner: AbortSignal | undefined) {
    this.#totalMs = ms;
    this.#endsAt = performance.now() + ms;
    this.#owner = owner;
  }

  /**
   * Aborts at the deadline, with a TimeoutError as the reason, or when the owner aborts, with the owner's reason. Created
   * on the first use: most requests are answered from memory and need no timer.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  #makeSignal(): AbortSignal {
    const ms = this.remaining();
    if (ms === 0)
      return AbortSignal.abort(this.#owner?.reason ?? new DOMException('The deadline has expired', 'TimeoutError'));
    // AbortSignal.timeout rejects fractions of a millisecond.
    const timeout = AbortSignal.timeout(Math.ceil(ms));
    return this.#owner ? AbortSignal.any([timeout, this.#owner]) : timeout;
  }

  /** Returns a deadline `ms` milliseconds from now. `owner` ends it early: a closed request, a program that stops. */
  static after(ms: number, owner?: AbortSignal): Deadline {
    return new Deadline(ms, owner);
  }

  /** Returns the milliseconds that are left, never less than 0. */
  remaining(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /** A timer can end up to a millisecond before the clock says so: an operation that the signal has aborted is too late. */
  get expired(): boolean {
    return this.#signal?.aborted === true || this.#owner?.aborted === true || this.remaining() === 0;
  }

  /** Returns the error for an operation that this deadline ended. */
  exceeded(operation: string): DeadlineExceeded {
    return new DeadlineExceeded(operation, Math.round(this.#totalMs));
  }

  /** Returns a deadline `ms` milliseconds from now, but not later than this one, with the same owner. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(ms, this.remaining()), this.#owner);
  }
}

/**
 * Resolves with the result of `promise`. Rejects as soon as the deadline ends, with DeadlineExceeded or the reason of its
 * owner: for work that does not react to the signal, or that several callers share. The work itself continues.
 */
export async function untilDeadline<Value>(
  promise: Promise<Value>,
  deadline: Deadline,
  operation: string,
): Promise<Value> {
  try {
    return await orAborted(promise, deadline.signal);
  } catch (error) {
    throw deadline.signal.aborted ? endOf(deadline, operation) : error;
  }
}

/** Resolves with the result of `promise`. Rejects with the signal's reason as soon as it aborts. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Returns why an aborted deadline has ended: DeadlineExceeded, or the reason of its owner. */
export function endOf(deadline: Deadline, operation: string): unknown {
  const reason: unknown = deadline.signal.reason;
  const isTimeout = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isTimeout ? deadline.exceeded(operation) : reason;
}
