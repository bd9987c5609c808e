import type { Instant } from './instant.ts';

/**
 * Where a line stands in the log of its container. It means the same to every replica, before and after a restart of
 * this service, because it is made of the log alone: programs write many lines at one instant, so the ordinal tells the
 * how-manyth line of its instant it is.
 */
export interface Position {
  readonly at: Instant;
  readonly ordinal: number;
}

export const beginning: Position = { at: '', ordinal: 0 };

export function isAfter(one: Position, other: Position): boolean {
  return one.at === other.at ? one.ordinal > other.ordinal : one.at > other.at;
}

/**
 * Gives lines their positions, in the order of the log, from the first line of an instant on. Standard output and error
 * are stamped apart, so that a line may be a little older than the one before it; it counts as one of that one's instant.
 */
export class Numbering {
  #last = beginning;

  /** undefined for a line without a time, which is not of the log itself. */
  next(instant: Instant | undefined): Position | undefined {
    if (instant === undefined) return undefined;
    const { at, ordinal } = this.#last;
    this.#last = instant > at ? { at: instant, ordinal: 0 } : { at, ordinal: ordinal + 1 };
    return this.#last;
  }
}

const part = /^([a-z0-9][-a-z0-9.]{0,252}):(\d{11}\.\d{9})\.(\d{1,9})$/;

/** Of several containers, as one text for an event's id: `git-clone:01795254001.120000000.0,jupyter-server:...`. */
export function encodePositions(positions: ReadonlyMap<string, Position>): string {
  return [...positions].map(([container, { at, ordinal }]) => `${container}:${at}.${ordinal}`).join(',');
}

/** What is no position is left out: a stream then begins as if nothing had been read. */
export function decodePositions(text: string): Map<string, Position> {
  const positions = new Map<string, Position>();
  for (const each of text.split(',')) {
    const [, container, at, ordinal] = part.exec(each.trim()) ?? [];
    if (container && at) positions.set(container, { at, ordinal: Number(ordinal) });
  }
  return positions;
}
