import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { sleep } from '../lib/sleep.ts';
import type { StreamEnding } from '../pipeline/event-stream.ts';
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

/** Milliseconds that the stream waits for the first lines of all containers before it sends those that it has. */
const settleMs = 2_000;
/** Milliseconds between two batches, so that many readers of a busy log leave time for other requests. */
const batchPauseMs = 25;

export interface FollowOptions {
  /** One container; undefined means all. */
  readonly container: string | undefined;
  /** Number of last lines per container. */
  readonly maxLines: number;
  readonly since: Instant | undefined;
  /** The positions where an earlier stream ended, by container. */
  readonly resume: ReadonlyMap<string, Position>;
}

export interface FollowerParts {
  readonly feeds: LogFeeds;
  readonly read: ReadLog;
  readonly log: Logger;
}

/** The start for a new container: all lines of the ring. */
const everything: Start = { tail: Number.POSITIVE_INFINITY, since: undefined };

interface Followed extends SharedFeed {
  readonly container: string;
  readonly start: Start;
  /** Number of the next line in the feed's ring; undefined until the feed has its initial lines. */
  next: number | undefined;
  /** The last failure that was reported to the client. */
  reported: LogFeed['failure'];
}

/**
 * Reads the logs of a session for one client: all containers, merged by time. It stores only its places in the feeds. A
 * client that reads too slowly misses lines, and is told how many.
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

  /** Takes the new state of the session; undefined if it is gone or replaced, or belongs to another user. */
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
      reported: undefined,
    });
    if (resumed) this.#positions.set(container, resumed);
  }

  /**
   * Yields batches of events until the session ends or `ending` aborts, with a last `end` event, or until `gone` aborts. Call it
   * once, and `leave` afterwards in any case.
   */
  async *events(gone: AbortSignal, ending: StreamEnding): AsyncGenerator<StreamEvent[]> {
    const signal = AbortSignal.any([gone, ending.signal]);
    signal.addEventListener('abort', this.#notify);
    const settled = Promise.all(this.#followed.map(({ feed }) => feed.settled));
    await Promise.race([settled, sleep(settleMs, signal)]);
    yield* this.#start(signal);
    if (this.#positions.size > 0) yield [positionEvent(this.#positions)];
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      yield* this.#start(signal);
      const events = this.#take();
      if (events.length > 0) {
        yield events;
        await sleep(batchPauseMs, signal);
      } else if (this.#hasEnded()) {
        yield [endEvent('deleted')];
        return;
      } else if (!signal.aborted) {
        await this.#wake.promise;
      }
    }
    if (!gone.aborted) yield [endEvent(ending.reason)];
  }

  /** Leaves all feeds. */
  leave(): void {
    for (const { leave } of this.#followed.splice(0)) leave();
  }

  #hasEnded(): boolean {
    return this.#session === undefined || this.#followed.some(({ feed }) => feed.isGone);
  }

  /** Finds the first line in each feed that has become ready, and yields requested lines that are older than its ring. */
  async *#start(signal: AbortSignal): AsyncGenerator<StreamEvent[]> {
    for (const followed of this.#followed) {
      const { feed, container, start } = followed;
      if (followed.next !== undefined || !feed.isPrimed) continue;
      const { from, needsEarlierLines } = feed.ring.find(start);
      followed.next = from;
      const skipped = feed.ring.get(from - 1);
      if (skipped) this.#positions.set(container, skipped.position);
      const session = this.#session;
      if (!needsEarlierLines || start === everything || !session) continue;
      const request = { session, container, start, before: feed.ring.get(from)?.position };
      yield* earlierLines(this.#parts, request, this.#positions, signal);
    }
  }

  /** Returns the next batch of events; empty if there are none. */
  #take(): StreamEvent[] {
    const events: StreamEvent[] = [];
    for (const followed of this.#followed) {
      const { failure } = followed.feed;
      if (failure && failure !== followed.reported) {
        events.push(containerErrorEvent({ container: followed.container, message: failure.message }));
      }
      followed.reported = failure;
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

  /** Returns the oldest of the next lines of all containers. The order of lines within a container never changes. */
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
