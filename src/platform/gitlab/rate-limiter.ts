import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import { anonymousCaller } from '../caller-key.ts';
import { GitLabUnavailable } from './types.ts';

/** What the limiter reads of a response. Header names are in lower case. */
export interface LimitedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Allows one request. */
export interface Permit {
  /** Must be called once when the request has ended, with the response if there was one. */
  release(response?: LimitedResponse): void;
}

export interface RateLimiter {
  /**
   * Resolves when this caller may send one request to a host. Throws GitLabUnavailable if that is later than the
   * deadline allows: at once during a pause that ends too late, with the seconds until its end.
   */
  acquire(host: string, caller: string, deadline: Deadline): Promise<Permit>;
}

export interface RateLimiterOptions {
  /** Initial number of concurrent requests to one host; 64 by default. */
  readonly concurrency?: number;
  /** Maximum number of concurrent requests to one host; 128 by default. */
  readonly maxConcurrency?: number;
  /** Maximum number of concurrent requests of one caller; 8 by default. Anonymous callers share four times as many. */
  readonly perCaller?: number;
}

/** Milliseconds of the deadline that must be left for a request after a wait: a shorter time is not worth the wait. */
export const minimumAttemptMs = 500;

const minConcurrency = 2;
/** Milliseconds after which requests are sent again, even if a response asks for a longer pause. */
const maxPauseMs = 120_000;
const maxHosts = 100;

interface Waiter {
  readonly deadline: Deadline;
  readonly resolve: (permit: Permit) => void;
  readonly reject: (error: unknown) => void;
}

interface Caller {
  inFlight: number;
  /** Milliseconds of `performance.now()`. */
  pausedUntil: number;
  readonly waiting: Waiter[];
}

/**
 * Returns an adaptive concurrency limit for each GitLab host, round-robin between callers. The limit grows with each
 * success and is halved by an overload (additive increase, multiplicative decrease). A response with Retry-After, or one
 * that uses up GitLab's rate limit, pauses all requests to the host, or those of one caller if GitLab limits the account.
 */
export function createRateLimiter(options: RateLimiterOptions = {}): RateLimiter {
  const hosts = new BoundedMap<string, HostLimiter>({ maxSize: maxHosts });
  return {
    acquire(host, caller, deadline) {
      const limiter = hosts.get(host) ?? new HostLimiter(host, options);
      hosts.set(host, limiter);
      return limiter.acquire(caller, deadline);
    },
  };
}

class HostLimiter {
  readonly #host: string;
  readonly #maxLimit: number;
  readonly #perCaller: number;
  /** In round-robin order: a caller that gets a permit goes to the end. */
  readonly #callers = new Map<string, Caller>();
  #limit: number;
  #inFlight = 0;
  #pausedUntil = 0;
  #reducedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: string, { concurrency = 64, maxConcurrency = 128, perCaller = 8 }: RateLimiterOptions) {
    this.#host = host;
    this.#limit = concurrency;
    this.#maxLimit = maxConcurrency;
    this.#perCaller = perCaller;
  }

  acquire(key: string, deadline: Deadline): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const caller = this.#callers.get(key) ?? { inFlight: 0, pausedUntil: 0, waiting: [] };
      this.#callers.set(key, caller);
      const abort = (): void => {
        const index = caller.waiting.indexOf(waiter);
        if (index >= 0) caller.waiting.splice(index, 1);
        reject(this.#rejection(caller));
        this.#dispatch();
      };
      const settle = (): void => deadline.signal.removeEventListener('abort', abort);
      const waiter: Waiter = {
        deadline,
        resolve: (permit) => {
          settle();
          resolve(permit);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      deadline.signal.addEventListener('abort', abort, { once: true });
      caller.waiting.push(waiter);
      if (deadline.signal.aborted) {
        abort();
        return;
      }
      this.#rejectExpired(caller);
      this.#dispatch();
    });
  }

  /** Returns the milliseconds until requests of this caller may be sent again. */
  #pauseOf(caller: Caller): number {
    return Math.max(0, Math.max(this.#pausedUntil, caller.pausedUntil) - performance.now());
  }

  #rejection(caller: Caller): GitLabUnavailable {
    const pauseMs = this.#pauseOf(caller);
    return pauseMs > 0
      ? new GitLabUnavailable(`GitLab at ${this.#host} accepts no more requests for now`, {
          retryAfterSeconds: Math.ceil(pauseMs / 1000),
        })
      : new GitLabUnavailable(`GitLab at ${this.#host} did not accept the request in time: too many are in progress`);
  }

  /** Rejects the requests whose deadline is too close to the end of the pause. */
  #rejectExpired(caller: Caller): void {
    const pauseMs = this.#pauseOf(caller);
    if (pauseMs === 0) return;
    const expired = caller.waiting.filter(({ deadline }) => deadline.remaining() < pauseMs + minimumAttemptMs);
    for (const waiter of expired) {
      caller.waiting.splice(caller.waiting.indexOf(waiter), 1);
      waiter.reject(this.#rejection(caller));
    }
  }

  #isReady(key: string, caller: Caller): boolean {
    const limit = key === anonymousCaller ? this.#perCaller * 4 : this.#perCaller;
    return caller.waiting.length > 0 && caller.inFlight < limit && this.#pauseOf(caller) === 0;
  }

  #dispatch(): void {
    while (this.#inFlight < Math.floor(this.#limit)) {
      const next = [...this.#callers].find(([key, caller]) => this.#isReady(key, caller));
      const waiter = next?.[1].waiting.shift();
      if (!next || !waiter) break;
      const [key, caller] = next;
      this.#callers.delete(key);
      this.#callers.set(key, caller);
      this.#inFlight += 1;
      caller.inFlight += 1;
      waiter.resolve(this.#permit(caller));
    }
    this.#removeIdleCallers();
    this.#scheduleDispatch();
  }

  #permit(caller: Caller): Permit {
    const acquiredAt = performance.now();
    return {
      release: (response) => {
        this.#inFlight -= 1;
        caller.inFlight -= 1;
        if (response) this.#adapt(caller, response, acquiredAt);
        this.#dispatch();
      },
    };
  }

  #adapt(caller: Caller, response: LimitedResponse, acquiredAt: number): void {
    const now = performance.now();
    if (!isOverload(response.status)) {
      this.#limit = Math.min(this.#maxLimit, this.#limit + 1 / this.#limit);
    } else if (acquiredAt > this.#reducedAt) {
      // Requests that were in flight together report the same overload: it halves the limit once.
      this.#reducedAt = now;
      this.#limit = Math.max(minConcurrency, this.#limit / 2);
    }
    const pause = readPause(response);
    if (pause === undefined) return;
    const until = now + Math.min(pause.ms, maxPauseMs);
    if (pause.scope === 'caller') caller.pausedUntil = Math.max(caller.pausedUntil, until);
    else this.#pausedUntil = Math.max(this.#pausedUntil, until);
    for (const each of pause.scope === 'caller' ? [caller] : this.#callers.values()) this.#rejectExpired(each);
  }

  #removeIdleCallers(): void {
    for (const [key, { waiting, inFlight, pausedUntil }] of this.#callers) {
      if (waiting.length === 0 && inFlight === 0 && pausedUntil <= performance.now()) this.#callers.delete(key);
    }
  }

  /** Dispatches at the end of the next pause for which a request waits. */
  #scheduleDispatch(): void {
    clearTimeout(this.#timer);
    const paused = [...this.#callers.values()].filter(({ waiting }) => waiting.length > 0);
    const pauses = paused.map((caller) => this.#pauseOf(caller)).filter((pauseMs) => pauseMs > 0);
    if (pauses.length > 0) this.#timer = setTimeout(() => this.#dispatch(), Math.ceil(Math.min(...pauses)) + 1);
  }
}

/** A rate limit, a restart, or a gateway without a GitLab behind it. A 500 is a bug of GitLab with one request. */
const isOverload = (status: number): boolean => status === 429 || status > 500;

/**
 * Returns the pause that a response requires, in milliseconds, and its scope: the caller or all requests to the host.
 * Returns undefined for no pause. GitLab names its limits; the names tell which limits apply to an account (or to all
 * anonymous callers). A limit without a name is from a proxy, which distinguishes only IP addresses.
 */
function readPause({ status, headers }: LimitedResponse): { ms: number; scope: 'caller' | 'host' } | undefined {
  const limit = headers['ratelimit-name'] ?? '';
  const scope = /^throttle_(un)?authenticated/.test(limit) ? 'caller' : 'host';
  if (isOverload(status)) {
    const seconds = readRetryAfter(headers['retry-after']);
    return seconds === undefined ? undefined : { ms: seconds * 1000, scope };
  }
  const reset = Number(headers['ratelimit-reset']);
  if (scope !== 'caller' || headers['ratelimit-remaining'] !== '0' || !(reset > 0)) return undefined;
  return { ms: Math.max(0, reset * 1000 - Date.now()), scope };
}
