import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { createBackOff } from '../lib/back-off.ts';
import { sleep } from '../lib/sleep.ts';
import { type Activity, activityOf } from './containers.ts';
import { wholeSecond } from './instant.ts';
import type { Line } from './lines.ts';
import { beginning, isAfter, Numbering, type Position } from './position.ts';
import { LineRing } from './ring.ts';
import { isNoLog, type ReadLog, SessionGone } from './source.ts';

/** Lines that are read before following starts, for clients that request the last lines. */
const initialLines = 1_000;
/** Maximum characters that are read per `rateIntervalMs`, so that a busy log leaves time for other requests. */
const maxChars = 512 * 1024;
const rateIntervalMs = 200;
/** The cost of a line besides its text, in characters. */
const lineChars = 64;
/** Number of consecutive failures after which clients get an error event. A single failure is often temporary. */
const reportedFailures = 2;

/**
 * Follows the log of one container for all of its readers: reads the newest lines, then new ones as they are written.
 * Continues after restarts of the container and failures of the connection, from the position that it has reached, so
 * that the ring gets each line exactly once.
 */
export class LogFeed {
  readonly ring = new LineRing();
  /** Why the log cannot be read at present. A new failure is a new object. */
  failure: { readonly message: string } | undefined;
  /** The initial lines are in the ring. */
  isPrimed = false;
  /** The session does not exist any more. */
  isGone = false;
  /** Resolves after the first attempt to read, successful or not. */
  readonly settled: Promise<void>;
  readonly #settle: () => void;
  readonly #session: Session;
  readonly #container: string;
  readonly #read: ReadLog;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #stopping = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #backOff = createBackOff({ firstMs: 250, maxMs: 10_000 });
  #activity: Activity;
  #activityChanged = Promise.withResolvers<void>();
  #failures = 0;
  /** The last line without a time. */
  #note: string | undefined;

  /** @param onChange is called after each change of the feed */
  constructor(parts: { session: Session; container: string; read: ReadLog; log: Logger; onChange: () => void }) {
    this.#session = parts.session;
    this.#container = parts.container;
    this.#read = parts.read;
    this.#log = parts.log.child({ session: parts.session.name, container: parts.container });
    this.#onChange = parts.onChange;
    this.#activity = activityOf(parts.session, parts.container);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
  }

  /** Takes the new state of the session. A container that has started is read at once. */
  observe(session: Session): void {
    const activity = activityOf(session, this.#container);
    if (activity.key === this.#activity.key) return;
    this.#activity = activity;
    this.#backOff.reset();
    this.#activityChanged.resolve();
    this.#activityChanged = Promise.withResolvers();
  }

  /** Follows the log. Resolves after `stop`, or when the session is gone. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !this.isGone) {
      const { promise: changed } = this.#activityChanged;
      const { hasEnded } = this.#activity;
      const isComplete = await this.#attempt(hasEnded, signal);
      this.#settle();
      this.#onChange();
      if (signal.aborted || this.isGone) break;
      await (isComplete && hasEnded ? Promise.race([changed, this.#stopped.promise]) : this.#pause(changed));
    }
  }

  stop(): void {
    this.#stopping.abort(new Error('this log has no readers any more'));
    this.#stopped.resolve();
    this.#settle();
  }

  /** Returns whether the log was read to its end. */
  async #attempt(hasEnded: boolean, signal: AbortSignal): Promise<boolean> {
    try {
      const isFirst = !this.isPrimed;
      if (isFirst) await this.#prime(signal);
      if (!isFirst || !hasEnded) await this.#follow(signal);
      this.#failures = 0;
      this.failure = undefined;
      return true;
    } catch (err) {
      if (signal.aborted) return false;
      if (err instanceof SessionGone) this.isGone = true;
      else if (!isNoLog(err)) this.#fail(err);
      return false;
    }
  }

  #fail(err: unknown): void {
    this.#failures += 1;
    this.#log.warn({ err, failures: this.#failures }, 'a log could not be followed');
    if (this.#failures !== reportedFailures) return;
    this.failure = { message: 'The log of this container cannot be read at present. The service tries again.' };
  }

  /** Adds a line. Lines without a time are messages of the kubelet, which it repeats at each attempt: one is enough. */
  #push(line: Line, position: Position | undefined): void {
    const note = position ? undefined : line.text;
    if (note === undefined || note !== this.#note) this.ring.push(this.#container, line, position);
    this.#note = note;
  }

  /** Reads the initial lines. */
  async #prime(signal: AbortSignal): Promise<void> {
    const { ring } = this;
    const numbering = new Numbering();
    let count = 0;
    let firstInstant: string | undefined;
    try {
      for await (const lines of this.#read(this.#session, this.#container, { tailLines: initialLines }, signal)) {
        count += lines.length;
        for (const line of lines) {
          firstInstant ??= line.instant;
          this.#push(line, numbering.next(line.instant));
        }
      }
    } catch (error) {
      if (!isNoLog(error)) throw error;
    }
    // The log may have earlier lines with the time of the first one, which are not numbered.
    if (count >= initialLines) ring.cut(firstInstant ?? '');
    this.isPrimed = true;
    this.#settle();
    this.#onChange();
  }

  /** Reads new lines until the log ends. Lines that the ring has already are read again and dropped. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { last } = this.ring;
    const sinceTime = last === beginning ? undefined : wholeSecond(last.at);
    const numbering = new Numbering();
    let isPast = last === beginning;
    let chars = 0;
    for await (const lines of this.#read(this.#session, this.#container, { follow: true, sinceTime }, signal)) {
      const known = this.ring.next;
      for (const line of lines) {
        const position = numbering.next(line.instant);
        isPast ||= position !== undefined && isAfter(position, last);
        if (isPast) this.#push(line, position);
        chars += line.text.length + lineChars;
      }
      this.#failures = 0;
      this.failure = undefined;
      if (this.ring.next > known) this.#backOff.reset();
      this.#onChange();
      if (chars < maxChars) continue;
      await sleep((rateIntervalMs * chars) / maxChars, signal);
      chars = 0;
    }
  }

  /** Waits for the next attempt: the back-off, a change of the container, or `stop`. */
  async #pause(changed: Promise<void>): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#backOff.pause(over.signal), changed, this.#stopped.promise]);
    over.abort();
  }
}
