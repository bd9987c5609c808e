import { Deadline } from '../deadline.ts';

export interface ShortCache<Value> {
  /**
   * The value of `key`, not older than the cache's time to live, loaded by `load` where it is not there. Callers that
   * want the same within a second share one load, which ends with none of them; who comes later, while it still is not
   * answered, has a better chance with one of their own. Failures are told to all who wait and kept for nobody. Throws what `load` throws, and DeadlineExceeded.
   */
  get(key: string, load: (deadline: Deadline) => Promise<Value>, deadline: Deadline): Promise<Value>;
}

export interface ShortCacheOptions<Value> {
  /** For error messages: what is loaded, such as `listing the resource classes`. */
  readonly operation: string;
  readonly ttlMs: number;
  /** Milliseconds that a load may take. */
  readonly loadMs: number;
  /** The oldest go first. */
  readonly maxEntries: number;
  /** Whether a value may be used again; all may, unless told. */
  readonly keep?: (value: Value) => boolean;
}

/** How long after its begin a load is joined. */
const joinMs = 1_000;

/** Remembers answers for a short time. Keys must say whose answer it is wherever the answer depends on that. */
export function createShortCache<Value>(options: ShortCacheOptions<Value>): ShortCache<Value> {
  const known = new Map<string, { readonly value: Value; readonly until: number }>();
  const loading = new Map<string, { readonly flight: Promise<Value>; readonly since: number }>();

  function remember(key: string, value: Value): Value {
    known.delete(key);
    if (options.keep?.(value) === false) return value;
    known.set(key, { value, until: performance.now() + options.ttlMs });
    for (const oldest of known.keys()) {
      if (known.size <= options.maxEntries) break;
      known.delete(oldest);
    }
    return value;
  }

  function start(key: string, load: (deadline: Deadline) => Promise<Value>): Promise<Value> {
    const flight = load(Deadline.after(options.loadMs))
      .then((value) => remember(key, value))
      .finally(() => {
        if (loading.get(key)?.flight === flight) loading.delete(key);
      });
    loading.set(key, { flight, since: performance.now() });
    return flight;
  }

  return {
    async get(key, load, deadline) {
      const found = known.get(key);
      if (found && found.until > performance.now()) return found.value;
      const underWay = loading.get(key);
      const joined = underWay && performance.now() - underWay.since < joinMs ? underWay.flight : start(key, load);
      return untilDeadline(joined, deadline, options.operation);
    },
  };
}

function untilDeadline<T>(promise: Promise<T>, deadline: Deadline, operation: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const onEnd = (): void => {
      const reason: unknown = deadline.signal.reason;
      const isOver = reason instanceof DOMException && reason.name === 'TimeoutError';
      reject(isOver ? deadline.exceeded(operation) : reason);
    };
    if (deadline.signal.aborted) onEnd();
    deadline.signal.addEventListener('abort', onEnd, { once: true });
    promise.then(resolve, reject).finally(() => deadline.signal.removeEventListener('abort', onEnd));
  });
}
