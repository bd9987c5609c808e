import { BoundedMap } from './bounded-map.ts';
import { Deadline, untilDeadline } from './deadline.ts';

export interface SingleFlightCache<Value> {
  /**
   * Returns the cached value of `key` if `isUsable` accepts it; otherwise joins the load in flight for `key`, or starts
   * one. Throws the error of the load (errors are shared and not cached), or DeadlineExceeded when the deadline of this
   * request expires first.
   */
  get(key: string, request: LoadRequest<Value>): Promise<Value>;
}

export interface LoadRequest<Value> {
  /** The time limit of this caller. If a load fails because another caller's deadline has expired, the load is retried. */
  readonly deadline: Deadline;
  /** Returns true if this caller accepts the cached value. */
  readonly isUsable: (cached: Value) => boolean;
  /** Loads the value. `deadline` is that of the request that starts the load, and is aborted when no caller waits any more. */
  readonly load: (deadline: Deadline) => Promise<Value>;
}

export interface SingleFlightCacheOptions {
  /** Time to live of a loaded value in milliseconds. With 0 nothing is cached, and callers share only loads in flight. */
  readonly ttlMs: number;
  /** Maximum number of cached values; the least recently used one is evicted. */
  readonly maxSize: number;
  /** Returns the current time in milliseconds; `Date.now` by default. */
  readonly now?: () => number;
}

interface Flight<Value> {
  readonly result: Promise<Value>;
  readonly abort: AbortController;
  callers: number;
  /** Failed because the deadline of the caller that started the load expired. */
  isExpired: boolean;
}

/**
 * Returns a cache in which concurrent requests for one key share one load. Every caller with the same key gets the same
 * value, so a key must include all conditions of the value, for example the caller's access rights.
 */
export function createSingleFlightCache<Value>(options: SingleFlightCacheOptions): SingleFlightCache<Value> {
  /** The wrapper object distinguishes a cached undefined from an absent entry. */
  const cached = new BoundedMap<string, { readonly value: Value }>(options);
  const flights = new Map<string, Flight<Value>>();

  function start(key: string, { deadline, load }: LoadRequest<Value>): Flight<Value> {
    const abort = new AbortController();
    const loadDeadline = Deadline.after(deadline.remaining(), abort.signal);
    const result = load(loadDeadline);
    const flight: Flight<Value> = { result, abort, callers: 0, isExpired: false };
    const land = () => void (flights.get(key) === flight && flights.delete(key));
    const fail = () => {
      flight.isExpired = loadDeadline.signal.aborted && !abort.signal.aborted;
    };
    result.then((value) => cached.set(key, { value }), fail).then(land, land);
    flights.set(key, flight);
    return flight;
  }

  async function join(key: string, flight: Flight<Value>, deadline: Deadline): Promise<Value> {
    flight.callers += 1;
    try {
      return await untilDeadline(flight.result, deadline, 'waiting for a shared load');
    } finally {
      flight.callers -= 1;
      if (flight.callers === 0) {
        // A later caller must not join an aborted load.
        if (flights.get(key) === flight) flights.delete(key);
        flight.abort.abort(new Error('no caller waits for this load any more'));
      }
    }
  }

  return {
    async get(key, request) {
      const known = cached.get(key);
      if (known && request.isUsable(known.value)) return known.value;
      const inFlight = flights.get(key);
      if (!inFlight) return join(key, start(key, request), request.deadline);
      try {
        return await join(key, inFlight, request.deadline);
      } catch (error) {
        if (!inFlight.isExpired || request.deadline.expired) throw error;
        return join(key, flights.get(key) ?? start(key, request), request.deadline);
      }
    },
  };
}
