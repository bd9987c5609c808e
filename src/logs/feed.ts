import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import { createBackOff } from '../lib/back-off.ts';
import { type Activity, activityOf } from './containers.ts';
import { wholeSecond } from './instant.ts';
import type { Line } from './lines.ts';
import { beginning, isAfter, Numbering, type Position } from './position.ts';
import { LineRing } from './ring.ts';
import { isNoLog, type ReadLog, SessionGone } from './source.ts';

/** What is read before following, for those who want the last lines. */
const primeLines = 1_000;
/** More than a person can read, less than what would keep this service from its other work: characters per `paceMs`. */
const paceChars = 512 * 1024;
const paceMs = 200;
/** What a line costs besides its characters, in these. */
const lineChars = 64;
/** A failure may pass by itself; the second in a row is told. */
const toldFailures = 2;

/**
 * One container's log from the API server, for everybody who follows it: its newest lines first, then what is written,
 * through restarts of the container and failures of the connection, until it is stopped. It goes on from the position
 * where it was, so that a line comes exactly once.
 */
export class LogFeed {
  readonly ring = new LineRing();
  /** What stands in the way at the moment: a new object for each new trouble. */
  trouble: { readonly message: string } | undefined;
  /** The lines that there were at the beginning are in the ring. */
  isPrimed = false;
  /** The session itself is gone. */
  isGone = false;
  /** The first try to read it is over, well or not. */
  readonly settled: Promise<void>;
  readonly #settle: () => void;
  readonly #session: Session;
  readonly #container: string;
  readonly #read: ReadLog;
  readonly #log: Logger;
  readonly #tell: () => void;
  readonly #stopping = new AbortController();
  readonly #stopped = Promise.withResolvers<void>();
  readonly #backOff = createBackOff({ firstMs: 250, maxMs: 10_000 });
  #activity: Activity;
  #activityChanged = Promise.withResolvers<void>();
  #failures = 0;
  #note: string | undefined;

  /** @param tell called after each change */
  constructor(parts: { session: Session; container: string; read: ReadLog; log: Logger; tell: () => void }) {
    this.#session = parts.session;
    this.#container = parts.container;
    this.#read = parts.read;
    this.#log = parts.log.child({ session: parts.session.name, container: parts.container });
    this.#tell = parts.tell;
    this.#activity = activityOf(parts.session, parts.container);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.settled = promise;
    this.#settle = resolve;
  }

  /** The session as it is now: a container that begins is read at once. */
  observe(session: Session): void {
    const activity = activityOf(session, this.#container);
    if (activity.key === this.#activity.key) return;
    this.#activity = activity;
    this.#backOff.reset();
    this.#activityChanged.resolve();
    this.#activityChanged = Promise.withResolvers();
  }

  /** Resolves after `stop`, or when the session is gone. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted && !this.isGone) {
      const { promise: changed } = this.#activityChanged;
      const { hasEnded } = this.#activity;
      const isComplete = await this.#attempt(hasEnded, signal);
      this.#settle();
      this.#tell();
      if (signal.aborted || this.isGone) break;
      await (isComplete && hasEnded ? Promise.race([changed, this.#stopped.promise]) : this.#pause(changed));
    }
  }

  stop(): void {
    this.#stopping.abort(new Error('nobody follows this log any more'));
    this.#stopped.resolve();
    this.#settle();
  }

  /** true: everything that there is was read. */
  async #attempt(hasEnded: boolean, signal: AbortSignal): Promise<boolean> {
    try {
      const isFirst = !this.isPrimed;
      if (isFirst) await this.#prime(signal);
      if (!isFirst || !hasEnded) await this.#follow(signal);
      this.#failures = 0;
      this.trouble = undefined;
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
    if (this.#failures !== toldFailures) return;
    this.trouble = { message: 'The log of this container cannot be read at the moment. It is tried again.' };
  }

  /** What the kubelet says itself instead of a log ("cannot be read"), it says at each try. */
  #push(line: Line, position: Position | undefined): void {
    const note = position ? undefined : line.text;
    if (note === undefined || note !== this.#note) this.ring.push(this.#container, line, position);
    this.#note = note;
  }

  async #prime(signal: AbortSignal): Promise<void> {
    const { ring } = this;
    const numbering = new Numbering();
    let count = 0;
    let firstInstant: string | undefined;
    try {
      for await (const lines of this.#read(this.#session, this.#container, { tailLines: primeLines }, signal)) {
        count += lines.length;
        for (const line of lines) {
          firstInstant ??= line.instant;
          this.#push(line, numbering.next(line.instant));
        }
      }
    } catch (error) {
      if (!isNoLog(error)) throw error;
    }
    // Where the log was cut there may be lines of the same instant before the first, which were not counted.
    if (count >= primeLines) ring.cut(firstInstant ?? '');
    this.isPrimed = true;
    this.#settle();
    this.#tell();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { last } = this.ring;
    const sinceTime = last === beginning ? undefined : wholeSecond(last.at);
    const numbering = new Numbering();
    let isPast = last === beginning;
    let paced = 0;
    for await (const lines of this.#read(this.#session, this.#container, { follow: true, sinceTime }, signal)) {
      const known = this.ring.next;
      for (const line of lines) {
        const position = numbering.next(line.instant);
        isPast ||= position !== undefined && isAfter(position, last);
        if (isPast) this.#push(line, position);
        paced += line.text.length + lineChars;
      }
      this.#failures = 0;
      this.trouble = undefined;
      if (this.ring.next > known) this.#backOff.reset();
      this.#tell();
      if (paced < paceChars) continue;
      // An abort ends the wait, and then the read.
      await delay((paceMs * paced) / paceChars, undefined, { signal }).catch(() => undefined);
      paced = 0;
    }
  }

  /** Until it is time to try again, or the container has changed, or `stop`. */
  async #pause(changed: Promise<void>): Promise<void> {
    const over = new AbortController();
    const time = delay(this.#backOff.next(), undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([time, changed, this.#stopped.promise]);
    over.abort();
  }
}
