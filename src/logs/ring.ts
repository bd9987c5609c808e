import type { Instant } from './instant.ts';
import type { Line } from './lines.ts';
import { beginning, isAfter, type Position } from './position.ts';
import { lineData } from './stream-events.ts';

/** Characters of one container's log that are held, JSON and all; a character takes at most two bytes. */
const limitChars = 256 * 1024;

export interface Entry {
  readonly position: Position;
  /** The event's data, made once for all who follow. */
  readonly data: string;
}

/** From where on somebody wants a log: everything after a position, or the last lines, or those of them since a moment. */
export type Start = { readonly after: Position } | { readonly tail: number; readonly since: Instant | undefined };

/** Whether a line here is after where `start` begins, however many lines that makes. */
export function isSince(position: Position, start: Start): boolean {
  return 'after' in start ? isAfter(position, start.after) : start.since === undefined || position.at >= start.since;
}

/**
 * The newest lines of one container's log, for everybody who follows it: each reader has a place of their own in it, and
 * nothing else is held for them, however slow they are. Lines are numbered from 0 on as they come.
 */
export class LineRing {
  readonly #entries = new Map<number, Entry>();
  readonly #limit: number;
  #chars = 0;
  #first = 0;
  #next = 0;
  #last = beginning;
  /** The log has no line before the first one here. */
  isWhole = true;

  constructor(limit = limitChars) {
    this.#limit = limit;
  }

  /** Number of the oldest line that is held. */
  get first(): number {
    return this.#first;
  }

  /** Number of the next line to come. */
  get next(): number {
    return this.#next;
  }

  /** Of the newest line; it is kept when lines go. */
  get last(): Position {
    return this.#last;
  }

  get(number: number): Entry | undefined {
    return this.#entries.get(number);
  }

  /** @param position undefined for a line without a time, which stands where the one before it stands. */
  push(container: string, line: Line, position: Position = this.#last): void {
    const data = lineData(container, line);
    this.#last = position;
    this.#entries.set(this.#next, { position, data });
    this.#next += 1;
    this.#chars += data.length;
    while (this.#chars > this.#limit && this.#entries.size > 1) this.#drop();
  }

  /** Lines before the first are missing: those of its instant go too, if there are others, for their ordinals are not true. */
  cut(instant: Instant): void {
    this.isWhole = false;
    const hasOthers = this.#last.at !== instant;
    while (hasOthers && this.#entries.get(this.#first)?.position.at === instant) this.#drop();
  }

  #drop(): void {
    this.#chars -= this.#entries.get(this.#first)?.data.length ?? 0;
    this.#entries.delete(this.#first);
    this.#first += 1;
    this.isWhole = false;
  }

  /** Number of the first line that belongs to `start`, and whether lines before all that are held belong to it too. */
  find(start: Start): { readonly from: number; readonly isEarlierWanted: boolean } {
    let from = this.#next;
    const most = 'after' in start ? Number.POSITIVE_INFINITY : start.tail;
    while (from > this.#first && this.#next - from < most) {
      const before = this.#entries.get(from - 1);
      if (!before || !isSince(before.position, start)) break;
      from -= 1;
    }
    return { from, isEarlierWanted: !this.isWhole && from === this.#first && this.#next - from < most };
  }
}
