export interface ConcurrencyLimitOptions {
  /** Maximum number of concurrent calls of one owner. */
  readonly perOwner: number;
  /** Maximum number of concurrent calls of all owners; unlimited by default. */
  readonly total?: number;
  /** Maximum milliseconds that a call waits for a permit; 0 by default. */
  readonly waitMs?: number;
}

export interface ConcurrencyLimit {
  /** Runs `work` with a permit of this owner and returns its result. Throws LimitReached, without a call of `work`. */
  run<Result>(owner: string, work: () => Promise<Result>): Promise<Result>;
}

/** A call did not get a permit in time. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
  /** Calls of the same owner that are running. */
  readonly running: number;
  constructor(running: number) {
    super(`no permit: ${running} calls of this owner are running`);
    this.running = running;
  }
}

interface Owner {
  running: number;
  /** Each function resumes a waiting call. Its permit is counted in `running` before. */
  readonly waiting: Set<() => void>;
}

/**
 * Limits how many calls run at the same time, for each owner and in total. Owners that wait take turns, so an owner with
 * a hundred waiting calls does not come before one with three.
 */
export function createConcurrencyLimit({
  perOwner,
  total = Number.POSITIVE_INFINITY,
  waitMs = 0,
}: ConcurrencyLimitOptions): ConcurrencyLimit {
  /** In the order of turns: an owner that gets a permit, or gives one back, goes to the end. */
  const owners = new Map<string, Owner>();
  let running = 0;

  function change(key: string, owner: Owner, by: 1 | -1): void {
    running += by;
    owner.running += by;
    owners.delete(key);
    owners.set(key, owner);
  }

  function dispatch(): void {
    while (running < total) {
      const next = [...owners].find(([, { running, waiting }]) => waiting.size > 0 && running < perOwner);
      const [first] = next?.[1].waiting ?? [];
      if (!next || !first) return;
      change(...next, 1);
      first();
    }
  }

  function forget(key: string, owner: Owner): void {
    if (owner.running === 0 && owner.waiting.size === 0) owners.delete(key);
  }

  function permit(key: string, owner: Owner): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        clearTimeout(timer);
        owner.waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(() => {
        owner.waiting.delete(go);
        reject(new LimitReached(owner.running));
        forget(key, owner);
      }, waitMs);
      owner.waiting.add(go);
    });
  }

  return {
    async run(key, work) {
      const owner = owners.get(key) ?? { running: 0, waiting: new Set() };
      const isFree = running < total && owner.running < perOwner && owner.waiting.size === 0;
      if (!isFree && waitMs === 0) throw new LimitReached(owner.running);
      if (isFree) {
        change(key, owner, 1);
      } else {
        owners.set(key, owner);
        await permit(key, owner);
      }
      try {
        return await work();
      } finally {
        change(key, owner, -1);
        dispatch();
        forget(key, owner);
      }
    },
  };
}
