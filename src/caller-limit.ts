import { ApiError, errorKind } from './errors.ts';
import { limitKey } from './identity/limit-key.ts';
import type { Identity } from './identity/types.ts';
import { createConcurrencyLimit } from './lib/concurrency-limit.ts';

/** Limits of one kind of work: for each registered user, and for all anonymous users at one address. */
export interface LimitPerCaller {
  readonly registered: number;
  readonly anonymous: number;
  /** Of all callers together, on one replica; unlimited by default. */
  readonly total?: number;
  /** For each caller while more than half of `total` is in use, so that a few callers cannot use all of it. */
  readonly crowded?: { readonly registered: number; readonly anonymous: number };
}

/** Limits how much work of one kind is in progress, on this replica. */
export interface CallerLimit {
  /** Returns the function that gives the permit back. Throws ApiError 1429 if the caller has too much in progress. */
  acquire(identity: Identity): () => void;
  /** Runs `work` with a permit. Throws ApiError 1429 without a call of `work`. */
  run<Result>(identity: Identity, work: () => Promise<Result>): Promise<Result>;
  /** The number of permits that callers have. */
  readonly total: number;
}

/**
 * Returns the limit of one kind of work. A caller can get many anonymous ids, so all anonymous users at one address count as
 * one caller.
 * @param what for the message: `launches or dry runs`
 */
export function createCallerLimit(limits: LimitPerCaller, what: string, detail?: string): CallerLimit {
  const permits = createConcurrencyLimit();
  const { total = Number.POSITIVE_INFINITY, crowded = limits } = limits;

  function acquire(identity: Identity): () => void {
    const key = limitKey(identity);
    const limit = permits.total >= total / 2 ? crowded[identity.kind] : limits[identity.kind];
    const release = permits.total < total ? permits.acquire(key, limit) : undefined;
    if (release) return release;
    if (permits.total >= total) {
      const message = `This replica of the service already serves ${total} ${what}.`;
      throw new ApiError(errorKind.tooManyRequests, message);
    }
    const has = identity.kind === 'anonymous' ? 'Anonymous users at your address have' : 'You have';
    const why = limit < limits[identity.kind] ? ' This replica of the service serves many callers.' : '';
    const message = `${has} ${permits.of(key)} ${what} in progress already.${why}`;
    throw new ApiError(errorKind.tooManyRequests, message, detail === undefined ? {} : { detail });
  }

  return {
    acquire,
    async run(identity, work) {
      const release = acquire(identity);
      try {
        return await work();
      } finally {
        release();
      }
    },
    get total() {
      return permits.total;
    },
  };
}

/** The limits of the service. */
export interface CallerLimits {
  /** Launches and dry runs, which make the same calls. */
  readonly launches: CallerLimit;
  readonly imageChecks: CallerLimit;
  readonly logStreams: CallerLimit;
  readonly eventStreams: CallerLimit;
}

/** Each launch makes several calls to GitLab and a registry. A class of anonymous users may share one address. */
const launches: LimitPerCaller = { registered: 20, anonymous: 100 };
/** Enough for a whole class that follows one log. A program that needs more streams does not close its streams. */
const logStreams: LimitPerCaller = { registered: 300, anonymous: 300 };

/**
 * For pages in several browsers and some programs of one user, and for a class at one address. The total is tested, see
 * docs/benchmarks.md. In its second half, several users share what few could use up.
 */
const eventStreams: LimitPerCaller = {
  registered: 100,
  anonymous: 300,
  total: 1_000,
  crowded: { registered: 10, anonymous: 100 },
};
const closeFirst = 'Close one of them first.';

export function createCallerLimits(config: { image_checks_in_flight: LimitPerCaller }): CallerLimits {
  return {
    launches: createCallerLimit(launches, 'launches or dry runs'),
    imageChecks: createCallerLimit(config.image_checks_in_flight, 'image checks'),
    logStreams: createCallerLimit(logStreams, 'streams of logs', closeFirst),
    eventStreams: createCallerLimit(eventStreams, 'streams of events', closeFirst),
  };
}
