import type { Instant } from './instant.ts';

/**
 * The place of a line in the log of its container. It depends only on the log, so every replica computes the same place,
 * even after a restart of the service.
 */
export interface Position {
  readonly at: Instant;
  /** Numbers the lines that share a timestamp, from 0. */
  readonly ordinal: number;
}

/** Before the first line. */
export const beginning: Position = { at: '', ordinal: 0 };

export function isAfter(one: Position, other: Position): boolean {
  return one.at === other.at ? one.ordinal > other.ordinal : one.at > other.at;
}

/**
 * Computes the positions of lines in the order of the log. The first line must be the first of its timestamp. Timestamps
 * of standard output and standard error differ a little, so a line can be older than the one before it: then it gets the
 * timestamp of that line.
 */
export class Numbering {
  #last = beginning;

  /** Returns undefined for a line without a time: the container did not write it. */
  next(instant: Instant | undefined): Position | undefined {
    if (instant === undefined) return undefined;
    const { at, ordinal } = this.#last;
    this.#last = instant > at ? { at: instant, ordinal: 0 } : { at, ordinal: ordinal + 1 };
    return this.#last;
  }
}

const part = /^([a-z0-9][-a-z0-9.]{0,252}):(\d{11}\.\d{9})\.(\d{1,9})$/;

/** Returns positions by container as an event id: `git-clone:01795254001.120000000.0,jupyter-server:...`. */
export function encodePositions(positions: ReadonlyMap<string, Position>): string {
  return [...positions].map(([container, { at, ordinal }]) => `${container}:${at}.${ordinal}`).join(',');
}

/** Parses an event id. Invalid parts are ignored: for these containers the stream starts from the beginning. */
export function decodePositions(text: string): Map<string, Position> {
  const positions = new Map<string, Position>();
  for (const each of text.split(',')) {
    const [, container, at, ordinal] = part.exec(each.trim()) ?? [];
    if (container && at) positions.set(container, { at, ordinal: Number(ordinal) });
  }
  return positions;
}
