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
   * Aborts when the time is over (reason: a TimeoutError) or the owner has gone (reason: the owner's). Made when it is
   * first asked for: most requests are answered from memory, and their signals would be timers for nobody.
   */
  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }

  #makeSignal(): AbortSignal {
    const ms = this.remaining();
    if (ms === 0) return AbortSignal.abort(this.#owner?.reason ?? new DOMException('The time is over', 'TimeoutError'));
    // What remains of another deadline has fractions of a millisecond, which AbortSignal.timeout refuses.
    const timeout = AbortSignal.timeout(Math.ceil(ms));
    return this.#owner ? AbortSignal.any([timeout, this.#owner]) : timeout;
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
    return this.#owner?.aborted === true || this.remaining() === 0;
  }

  /** The error for an operation that this deadline ended. */
  exceeded(operation: string): DeadlineExceeded {
    return new DeadlineExceeded(operation, Math.round(this.#totalMs));
  }

  /** A shorter deadline inside this one: never later than this one. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(ms, this.remaining()), this.#owner);
  }
}

/**
 * `promise`, or, as soon as the deadline ends, why it did: for work that does not look at the signal all the time, or
 * that others wait for, too. The work itself goes on; what becomes of it is nobody's trouble then.
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

/** The same for a signal alone, with its reason. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** Why a deadline that has aborted did: its time is over (DeadlineExceeded), or its owner's reason. */
export function endOf(deadline: Deadline, operation: string): unknown {
  const reason: unknown = deadline.signal.reason;
  const isTimeout = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isTimeout ? deadline.exceeded(operation) : reason;
}
