import type { Deadline } from '../../lib/deadline.ts';
import { GitLabUnavailable } from './types.ts';

/** What an answer says about further calls. */
export interface PaceFacts {
  readonly status: number;
  readonly headers: Headers;
  readonly retryAfterSeconds: number | undefined;
}

/** Leave to send one request. `end` must be called once, with the answer if there was one. */
export interface Turn {
  end(answer?: PaceFacts): void;
}

export interface Pace {
  /**
   * Waits until a GitLab takes one more request of this caller. Throws GitLabUnavailable where that is later than the
   * deadline allows: at once if it is known, with the time to come back.
   */
  turn(host: string, caller: string, deadline: Deadline): Promise<Turn>;
}

export interface PaceOptions {
  /** Requests to one GitLab at the same time: where it starts, and the most that it grows to while all goes well. */
  readonly concurrency?: number;
  readonly maxConcurrency?: number;
  /** Of these, one caller's (all callers without a token count as one, with four times as many). */
  readonly perCaller?: number;
}

const leastConcurrency = 2;
/** A wait is only worth it when this much of the deadline is left for the request after it. */
const minimumAttemptMs = 500;
/** However long a pause an answer asks for, somebody tries again after this time. */
const longestPauseMs = 120_000;
/** A platform has one GitLab; whoever claims to have others does not fill the memory with them. */
const rememberedHosts = 100;
const anybody = 'anybody';

interface Waiter {
  readonly deadline: Deadline;
  readonly go: (turn: Turn) => void;
  readonly fail: (error: unknown) => void;
}

interface Caller {
  inFlight: number;
  pausedUntil: number;
  readonly waiting: Waiter[];
}

/**
 * How many requests GitLab gets, and when. Its own answers decide: after a 429 or 503 that names a time nothing is sent
 * before that time, to the caller's account where GitLab says that the limit is the account's, else at all; and fewer
 * requests at the same time, growing again with each success. Callers take turns, so that one with a hundred requests
 * waiting is not before one with three.
 */
export function createPace(options: PaceOptions = {}): Pace {
  const hosts = new Map<string, Host>();
  return {
    turn(host, caller, deadline) {
      let found = hosts.get(host);
      if (!found) {
        for (const [name, each] of hosts) if (hosts.size >= rememberedHosts && each.isIdle) hosts.delete(name);
        found = new Host(host, options);
        hosts.set(host, found);
      }
      return found.turn(caller, deadline);
    },
  };
}

class Host {
  readonly #name: string;
  readonly #most: number;
  readonly #perCaller: number;
  /** In the order of turns: whoever had one goes to the end. */
  readonly #callers = new Map<string, Caller>();
  #limit: number;
  #inFlight = 0;
  #pausedUntil = 0;
  #reducedAt = 0;
  #wake: NodeJS.Timeout | undefined;

  constructor(name: string, options: PaceOptions) {
    this.#name = name;
    this.#limit = options.concurrency ?? 64;
    this.#most = options.maxConcurrency ?? 128;
    this.#perCaller = options.perCaller ?? 8;
  }

  get isIdle(): boolean {
    return this.#callers.size === 0 && this.#pausedUntil <= performance.now();
  }

  turn(key: string, deadline: Deadline): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const caller = this.#callers.get(key) ?? { inFlight: 0, pausedUntil: 0, waiting: [] };
      this.#callers.set(key, caller);
      const leave = (): void => {
        const place = caller.waiting.indexOf(waiter);
        if (place >= 0) caller.waiting.splice(place, 1);
        reject(this.#refusal(caller));
        this.#dispatch();
      };
      const done = (): void => deadline.signal.removeEventListener('abort', leave);
      const waiter: Waiter = {
        deadline,
        go: (turn) => {
          done();
          resolve(turn);
        },
        fail: (error) => {
          done();
          reject(error);
        },
      };
      deadline.signal.addEventListener('abort', leave, { once: true });
      caller.waiting.push(waiter);
      if (deadline.signal.aborted) leave();
      else {
        this.#giveUpHopeless(caller);
        this.#dispatch();
      }
    });
  }

  #pauseOf(caller: Caller): number {
    return Math.max(0, Math.max(this.#pausedUntil, caller.pausedUntil) - performance.now());
  }

  #refusal(caller: Caller): GitLabUnavailable {
    const pauseMs = this.#pauseOf(caller);
    return pauseMs > 0
      ? new GitLabUnavailable(`GitLab at ${this.#name} takes no more requests for now (429)`, {
          retryAfterSeconds: Math.ceil(pauseMs / 1000),
        })
      : new GitLabUnavailable(`GitLab at ${this.#name} has more requests than it answers in time`);
  }

  /** Who cannot wait until the end of a pause is told so now. */
  #giveUpHopeless(caller: Caller): void {
    const pauseMs = this.#pauseOf(caller);
    if (pauseMs === 0) return;
    const hopeless = caller.waiting.filter(({ deadline }) => deadline.remaining() < pauseMs + minimumAttemptMs);
    for (const waiter of hopeless) {
      caller.waiting.splice(caller.waiting.indexOf(waiter), 1);
      waiter.fail(this.#refusal(caller));
    }
  }

  #mayGo(key: string, caller: Caller): boolean {
    const most = key === anybody ? this.#perCaller * 4 : this.#perCaller;
    return caller.waiting.length > 0 && caller.inFlight < most && this.#pauseOf(caller) === 0;
  }

  #dispatch(): void {
    while (this.#inFlight < Math.floor(this.#limit)) {
      const next = [...this.#callers].find(([key, caller]) => this.#mayGo(key, caller));
      const waiter = next?.[1].waiting.shift();
      if (!next || !waiter) break;
      const [key, caller] = next;
      this.#callers.delete(key);
      this.#callers.set(key, caller);
      this.#inFlight += 1;
      caller.inFlight += 1;
      waiter.go(this.#begin(caller));
    }
    this.#tidy();
  }

  #begin(caller: Caller): Turn {
    const begunAt = performance.now();
    return {
      end: (answer) => {
        this.#inFlight -= 1;
        caller.inFlight -= 1;
        if (answer) this.#learn(caller, answer, begunAt);
        this.#dispatch();
      },
    };
  }

  #learn(caller: Caller, { status, headers, retryAfterSeconds }: PaceFacts, begunAt: number): void {
    const now = performance.now();
    if (!isOverload(status)) {
      this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit);
    } else if (begunAt > this.#reducedAt) {
      // Once for all requests that were under way: they all say the same.
      this.#reducedAt = now;
      this.#limit = Math.max(leastConcurrency, this.#limit / 2);
    }
    const pause = pauseIn(status, headers, retryAfterSeconds);
    if (pause === undefined) return;
    const until = now + Math.min(pause.ms, longestPauseMs);
    if (pause.whose === 'caller') caller.pausedUntil = Math.max(caller.pausedUntil, until);
    else this.#pausedUntil = Math.max(this.#pausedUntil, until);
    for (const each of pause.whose === 'caller' ? [caller] : this.#callers.values()) this.#giveUpHopeless(each);
  }

  /** Wakes at the end of the next pause that somebody waits for, and forgets what nobody needs. */
  #tidy(): void {
    clearTimeout(this.#wake);
    this.#wake = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const [key, caller] of this.#callers) {
      const pauseMs = this.#pauseOf(caller);
      if (caller.waiting.length > 0 && pauseMs > 0) next = Math.min(next, pauseMs);
      if (caller.waiting.length === 0 && caller.inFlight === 0 && caller.pausedUntil <= performance.now()) {
        this.#callers.delete(key);
      }
    }
    if (next !== Number.POSITIVE_INFINITY) this.#wake = setTimeout(() => this.#dispatch(), Math.ceil(next) + 1);
  }
}

/** Refused for now: a limit, a restart, a gateway without a GitLab behind it. 500 is GitLab's bug with one request. */
const isOverload = (status: number): boolean => status === 429 || status > 500;

/**
 * How long an answer asks to be left alone, and whose requests. GitLab's own limits carry their name, and those of an
 * account (or of everybody without one) say so in it; a limit without a name is a proxy's, which knows addresses only.
 */
function pauseIn(
  status: number,
  headers: Headers,
  retryAfterSeconds: number | undefined,
): { ms: number; whose: 'caller' | 'everybody' } | undefined {
  const limit = headers.get('ratelimit-name');
  const whose = limit && /^throttle_(un)?authenticated/.test(limit) ? 'caller' : 'everybody';
  if (isOverload(status)) {
    return retryAfterSeconds === undefined ? undefined : { ms: retryAfterSeconds * 1000, whose };
  }
  const reset = Number(headers.get('ratelimit-reset'));
  if (whose !== 'caller' || headers.get('ratelimit-remaining') !== '0' || !(reset > 0)) return undefined;
  return { ms: Math.max(0, reset * 1000 - Date.now()), whose };
}
