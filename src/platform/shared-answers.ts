import { Deadline, untilDeadline } from '../lib/deadline.ts';

export interface SharedAnswers<Value> {
  /**
   * The answer that is kept for `key` if it is `usable`; else the one that is being made for somebody else; else a new
   * one. `make` gets a deadline that ends early only when all who wait have gone. Errors are not kept.
   */
  get(key: string, ask: Question<Value>): Promise<Value>;
}

export interface Question<Value> {
  deadline: Deadline;
  usable: (kept: Value) => boolean;
  make: (deadline: Deadline) => Promise<Value>;
}

interface Flight<Value> {
  answer: Promise<Value>;
  waiting: number;
  /** It failed when the time of who asked first was over. */
  outOfTime: boolean;
  owner: AbortController;
}

/**
 * Answers that several callers may share, for `keepMs` milliseconds, `maxKept` of them: whoever holds a key may see the
 * answer, so a key names everything that the answer depends on, the caller included.
 */
export function createSharedAnswers<Value>(limits: {
  keepMs: number;
  maxKept: number;
  now?: () => number;
}): SharedAnswers<Value> {
  const { keepMs, maxKept, now = Date.now } = limits;
  const kept = new Map<string, { value: Value; until: number }>();
  const flights = new Map<string, Flight<Value>>();

  function keep(key: string, value: Value): void {
    kept.delete(key);
    kept.set(key, { value, until: now() + keepMs });
    // The first is the oldest: keys stand in the order in which they were kept.
    const oldest = kept.keys().next();
    if (kept.size > maxKept && !oldest.done) kept.delete(oldest.value);
  }

  function start(key: string, { deadline, make }: Question<Value>): Flight<Value> {
    const owner = new AbortController();
    const own = Deadline.after(deadline.remaining(), owner.signal);
    const made = make(own);
    const flight: Flight<Value> = { answer: made, waiting: 0, outOfTime: false, owner };
    const leave = () => void (flights.get(key) === flight && flights.delete(key));
    const failed = () => {
      flight.outOfTime = own.signal.aborted && !owner.signal.aborted;
    };
    made.then((value) => keep(key, value), failed).then(leave, leave);
    flights.set(key, flight);
    return flight;
  }

  async function wait(key: string, flight: Flight<Value>, deadline: Deadline): Promise<Value> {
    flight.waiting += 1;
    try {
      return await untilDeadline(flight.answer, deadline, 'waiting for an answer');
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        // Whoever comes now must not join what is being given up.
        if (flights.get(key) === flight) flights.delete(key);
        flight.owner.abort(new Error('nobody waits for this any more'));
      }
    }
  }

  return {
    async get(key, ask) {
      const known = kept.get(key);
      if (known && known.until > now() && ask.usable(known.value)) return known.value;
      const underWay = flights.get(key);
      if (!underWay) return wait(key, start(key, ask), ask.deadline);
      try {
        return await wait(key, underWay, ask.deadline);
      } catch (error) {
        // The other caller's time was over, ours is not.
        if (!underWay.outOfTime || ask.deadline.expired) throw error;
        return wait(key, flights.get(key) ?? start(key, ask), ask.deadline);
      }
    },
  };
}
