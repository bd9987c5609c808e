import type { Instant } from './instant.ts';
import type { Line } from './lines.ts';
import { beginning, isAfter, type Position } from './position.ts';
import { lineData } from './stream-events.ts';

/** Maximum characters of one container's log in memory, as JSON; a character takes at most two bytes. */
const limitChars = 256 * 1024;

export interface Entry {
  readonly position: Position;
  /** The data of the line's event, formatted once for all readers. */
  readonly data: string;
}

/** Where a reader starts: after a position, or with the last `tail` lines, at most those since a timestamp. */
export type Start = { readonly after: Position } | { readonly tail: number; readonly since: Instant | undefined };

/** Returns whether a line at `position` belongs to `start`; ignores the number of lines. */
export function isSince(position: Position, start: Start): boolean {
  return 'after' in start ? isAfter(position, start.after) : start.since === undefined || position.at >= start.since;
}

/**
 * The newest lines of one container's log, shared by all of its readers. A reader stores only the number of its next
 * line, so a slow reader needs no memory. Lines are numbered from 0 in the order of `push`.
 */
export class LineRing {
  readonly #entries = new Map<number, Entry>();
  readonly #limit: number;
  #chars = 0;
  #first = 0;
  #next = 0;
  #last = beginning;
  /** The log has no lines before the first line of the ring. */
  isWhole = true;

  constructor(limit = limitChars) {
    this.#limit = limit;
  }

  /** Number of the oldest line in the ring. */
  get first(): number {
    return this.#first;
  }

  /** Number of the next line that `push` adds. */
  get next(): number {
    return this.#next;
  }

  /** Position of the newest line. It stays when lines are removed. */
  get last(): Position {
    return this.#last;
  }

  get(number: number): Entry | undefined {
    return this.#entries.get(number);
  }

  /** Adds a line. A line without a time has no position and gets that of the line before it. */
  push(container: string, line: Line, position: Position = this.#last): void {
    const data = lineData(container, line);
    this.#last = position;
    this.#entries.set(this.#next, { position, data });
    this.#next += 1;
    this.#chars += data.length;
    while (this.#chars > this.#limit && this.#entries.size > 1) this.#drop();
  }

  /**
   * Marks the log as incomplete before the first line. Removes the lines with the timestamp of the first line, because
   * their ordinals are unknown. Keeps them if the ring has no other lines.
   */
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

  /** Returns the number of the first line that belongs to `start`, and whether older lines than the ring has belong to it. */
  find(start: Start): { readonly from: number; readonly needsEarlierLines: boolean } {
    let from = this.#next;
    const maxLines = 'after' in start ? Number.POSITIVE_INFINITY : start.tail;
    while (from > this.#first && this.#next - from < maxLines) {
      const before = this.#entries.get(from - 1);
      if (!before || !isSince(before.position, start)) break;
      from -= 1;
    }
    return { from, needsEarlierLines: !this.isWhole && from === this.#first && this.#next - from < maxLines };
  }
}
