import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { chosenContainers, containersOf } from './containers.ts';
import type { LogFeed } from './feed.ts';
import type { LogFeeds, SharedFeed } from './feeds.ts';
import { earlierLines } from './history.ts';
import { type Instant, wholeSecond } from './instant.ts';
import type { Position } from './position.ts';
import type { Start } from './ring.ts';
import type { ReadLog } from './source.ts';
import {
  batchChars,
  containerErrorEvent,
  endEvent,
  lineEvent,
  positionEvent,
  type StreamEvent,
  sizeOf,
  skippedEvent,
} from './stream-events.ts';

/** Containers that do not answer are not waited for longer before what the others wrote is sent. */
const settleMs = 2_000;
/** Between two batches: 200 readers of a busy log must not keep out everybody else. */
const batchPauseMs = 25;

export interface FollowOptions {
  /** One container; undefined: all. */
  readonly container: string | undefined;
  /** Last lines per container. */
  readonly maxLines: number;
  readonly since: Instant | undefined;
  /** Where an earlier stream ended, by container. */
  readonly resume: ReadonlyMap<string, Position>;
}

export interface FollowerParts {
  readonly feeds: LogFeeds;
  readonly read: ReadLog;
  readonly log: Logger;
  /** Ends the stream with an event. */
  readonly stopping: AbortSignal;
}

/** Of a container that was not known before, and so is new: all that is held. */
const everything: Start = { tail: Number.POSITIVE_INFINITY, since: undefined };

/** An abort ends it early. */
const pause = (ms: number, signal: AbortSignal): Promise<unknown> =>
  delay(ms, undefined, { signal }).catch(() => undefined);

interface Followed extends SharedFeed {
  readonly container: string;
  readonly start: Start;
  /** Number of the next line in the feed's ring; undefined until its first lines are known. */
  next: number | undefined;
  toldTrouble: LogFeed['trouble'];
}

/**
 * One client's view of a session's logs: all containers, the older line first of what is there. It holds nothing but
 * its places in the feeds. A client that takes its events too slowly finds lines gone, and is told how many.
 */
export class LogFollower {
  readonly #parts: FollowerParts;
  readonly #options: FollowOptions;
  #session: Session | undefined;
  readonly #followed: Followed[] = [];
  readonly #positions = new Map<string, Position>();
  #wake = Promise.withResolvers<void>();
  readonly #notify = (): void => this.#wake.resolve();

  /** Throws ApiError 1422 for a container that the session does not have. */
  constructor(session: Session, options: FollowOptions, parts: FollowerParts) {
    this.#parts = parts;
    this.#options = options;
    this.#session = session;
    const { maxLines, since } = options;
    for (const container of chosenContainers(session, options.container)) {
      this.#join(session, container, { tail: maxLines, since });
    }
  }

  /** The session as it is now; undefined when it is gone, was replaced, or is not this caller's any more. */
  observe(session: Session | undefined): void {
    this.#session = session;
    this.#notify();
    if (!session) return;
    for (const { feed } of this.#followed) feed.observe(session);
    if (this.#options.container !== undefined) return;
    const known = new Set(this.#followed.map(({ container }) => container));
    const added = containersOf(session).filter((container) => !known.has(container));
    for (const container of added) this.#join(session, container, everything);
  }

  #join(session: Session, container: string, start: Start): void {
    const resumed = this.#options.resume.get(container);
    const isResumed = this.#options.resume.size > 0;
    this.#followed.push({
      ...this.#parts.feeds.join(session, container, this.#notify),
      container,
      start: resumed ? { after: resumed } : isResumed ? everything : start,
      next: undefined,
      toldTrouble: undefined,
    });
    if (resumed) this.#positions.set(container, resumed);
  }

  /**
   * Until the session ends or the service stops, both with an `end` event, or `gone` aborts, without. To be called once;
   * `leave` is to be called in any case.
   */
  async *events(gone: AbortSignal): AsyncGenerator<StreamEvent[]> {
    const { stopping } = this.#parts;
    const signal = AbortSignal.any([gone, stopping]);
    signal.addEventListener('abort', this.#notify);
    const settled = Promise.all(this.#followed.map(({ feed }) => feed.settled));
    await Promise.race([settled, pause(settleMs, signal)]);
    yield* this.#begin(signal);
    if (this.#positions.size > 0) yield [positionEvent(this.#positions)];
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      yield* this.#begin(signal);
      const events = this.#take();
      if (events.length > 0) {
        yield events;
        await pause(batchPauseMs, signal);
      } else if (this.#isOver()) {
        yield [endEvent('deleted')];
        return;
      } else if (!signal.aborted) {
        await this.#wake.promise;
      }
    }
    if (!gone.aborted) yield [endEvent('shutdown')];
  }

  /** Gives its places in the feeds back. */
  leave(): void {
    for (const { leave } of this.#followed.splice(0)) leave();
  }

  #isOver(): boolean {
    return this.#session === undefined || this.#followed.some(({ feed }) => feed.isGone);
  }

  /** Finds the places of feeds that have become ready, and gives out what was wanted of the time before their rings. */
  async *#begin(signal: AbortSignal): AsyncGenerator<StreamEvent[]> {
    for (const followed of this.#followed) {
      const { feed, container, start } = followed;
      if (followed.next !== undefined || !feed.isPrimed) continue;
      const { from, isEarlierWanted } = feed.ring.find(start);
      followed.next = from;
      const skipped = feed.ring.get(from - 1);
      if (skipped) this.#positions.set(container, skipped.position);
      const session = this.#session;
      if (!isEarlierWanted || start === everything || !session) continue;
      const request = { session, container, start, before: feed.ring.get(from)?.position };
      yield* earlierLines(this.#parts, request, this.#positions, signal);
    }
  }

  #take(): StreamEvent[] {
    const events: StreamEvent[] = [];
    for (const followed of this.#followed) {
      const { trouble } = followed.feed;
      if (trouble && trouble !== followed.toldTrouble) {
        events.push(containerErrorEvent({ container: followed.container, message: trouble.message }));
      }
      followed.toldTrouble = trouble;
    }
    for (let size = 0; size < batchChars; ) {
      const oldest = this.#oldest();
      if (!oldest) break;
      const { followed, skipped } = oldest;
      if (skipped > 0) events.push(this.#skipped(followed.container, skipped));
      followed.next = oldest.number + 1;
      this.#positions.set(followed.container, oldest.entry.position);
      const event = lineEvent(oldest.entry.data, this.#positions);
      events.push(event);
      size += sizeOf(event);
    }
    return events;
  }

  #skipped(container: string, lines: number): StreamEvent {
    const last = this.#positions.get(container)?.at;
    return skippedEvent({ container, lines, since: last ? wholeSecond(last) : null });
  }

  /** The next line of each container is looked at; the order within a container is never changed. */
  #oldest() {
    let oldest: { followed: Followed; number: number; entry: { position: Position; data: string } } | undefined;
    for (const followed of this.#followed) {
      if (followed.next === undefined) continue;
      const { ring } = followed.feed;
      const number = Math.max(followed.next, ring.first);
      const entry = ring.get(number);
      if (!entry || (oldest && entry.position.at >= oldest.entry.position.at)) continue;
      oldest = { followed, number, entry };
    }
    return oldest && { ...oldest, skipped: oldest.number - (oldest.followed.next ?? 0) };
  }
}
