import type { RequestHandler, Response } from 'express';
import type { LimitPerCaller } from '../caller-limit.ts';
import { ApiError, errorKind } from '../errors.ts';
import { limitKey, networkKey } from '../identity/limit-key.ts';
import { header } from '../identity/refusal.ts';
import type { Identity } from '../identity/types.ts';
import { createConcurrencyLimit } from '../lib/concurrency-limit.ts';
import { streamBegins } from '../lib/server-sent-events.ts';
import { inThisTrace } from '../lib/trace-context.ts';
import { contextOf } from '../request-context.ts';

/** Requests of one caller that begin in one iteration of the event loop, while others of this caller wait. */
const perTurn = 4;
/** Milliseconds after which a request above the limit is rejected: a caller that retries at once must not occupy the service. */
const rejectAfterMs = 1_000;

/** The headers that distinguish callers before they are identified. */
const credentials = [header.accessToken, header.anonymousId, 'Cookie'].map((name) => name.toLowerCase());

/**
 * Starts the requests of each caller in small groups: between two groups, the requests of all other callers start. So a caller with
 * hundreds of requests does not delay the identification of the others by more than a group. The credentials are not checked yet: a
 * caller that changes them is only found by `limitRequests`.
 */
export function takeTurns(): RequestHandler {
  const turns = new Turns();
  return (req, res, next) => {
    const sent = credentials.map((name) => req.headers[name] ?? '').join('\n');
    turns.start(`${req.socket.remoteAddress}\n${sent}`, next, res);
  };
}

/**
 * Limits the requests of each caller, after its identification. Requests up to the limit are never rejected, but those of one
 * caller begin in small groups: between two groups, the requests of all other callers begin. So a caller with hundreds of
 * requests does not delay the others by more than a group. Streams of events do not count once they have begun.
 */
export function limitRequests(limits: LimitPerCaller): RequestHandler {
  const permits = createConcurrencyLimit();
  const turns = new Turns();
  return (req, res, next) => {
    // The client has disconnected during the identification: there will be no `close` event that gives the permit back.
    if (res.destroyed) return;
    const { identity }: { identity?: Identity } = contextOf(res);
    const key = identity ? limitKey(identity) : networkKey(req.ip);
    const kind = identity?.kind ?? 'anonymous';
    const release = permits.acquire(key, limits[kind]);
    if (!release) return rejectLater(res, () => next(tooManyRequests(kind, limits[kind])));
    res.once('close', release);
    res.once(streamBegins, release);
    turns.start(key, next, res);
  };
}

function rejectLater(res: Response, reject: () => void): void {
  const timer = setTimeout(reject, rejectAfterMs);
  res.once('close', () => clearTimeout(timer));
}

function tooManyRequests(kind: keyof LimitPerCaller, count: number): ApiError {
  const has = kind === 'anonymous' ? 'Anonymous users at your address have' : 'You have';
  return new ApiError(errorKind.tooManyRequests, `${has} ${count} requests in progress already.`);
}

type Waiting = { readonly start: () => void; readonly res: Response };

/** Starts requests: those of one caller in groups, one group in each iteration of the event loop. */
class Turns {
  /** Requests that have started in this iteration, and those that wait for the next one, by caller. */
  readonly #callers = new Map<string, { started: number; waiting: Waiting[] }>();
  #isScheduled = false;

  start(key: string, start: () => void, res: Response): void {
    const caller = this.#callers.get(key);
    if (!caller) this.#callers.set(key, { started: 1, waiting: [] });
    else if (caller.started < perTurn) caller.started += 1;
    else return void caller.waiting.push({ start: inThisTrace(start), res });
    this.#schedule();
    start();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isScheduled = false;
    const callers = [...this.#callers];
    this.#callers.clear();
    for (const [key, { waiting }] of callers) {
      const group = waiting.splice(0, perTurn).filter(({ res }) => !res.destroyed);
      if (group.length > 0 || waiting.length > 0) this.#callers.set(key, { started: group.length, waiting });
      for (const { start } of group) start();
    }
    if (this.#callers.size > 0) this.#schedule();
  }
}
