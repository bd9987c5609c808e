import type { Logger } from 'pino';
import type { Session } from '../jupyter-server/session.ts';
import type { StreamEnding } from '../pipeline/event-stream.ts';
import { wholeSecond } from './instant.ts';
import { isAfter, Numbering, type Position } from './position.ts';
import { isSince, type Start } from './ring.ts';
import { isNoLog, type ReadLog, SessionGone } from './source.ts';
import {
  batchChars,
  containerErrorEvent,
  endEvent,
  lineData,
  lineEvent,
  type StreamEvent,
  sizeOf,
} from './stream-events.ts';

export interface HistoryParts {
  readonly read: ReadLog;
  readonly log: Logger;
}

interface Request {
  readonly session: Session;
  readonly container: string;
  readonly start: Start;
  readonly previous?: boolean;
  /** Reading ends before the line at this position. */
  readonly before?: Position | undefined;
}

/**
 * Yields the requested lines that are older than the ring of the feed, from a separate read, as fast as the client reads.
 * The ordinals of the first timestamp are too low if older lines, which were not requested, have the same timestamp. A stream
 * that is resumed at such a line repeats some lines.
 */
export function earlierLines(
  parts: HistoryParts,
  request: Request,
  positions: Map<string, Position>,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  const event = (data: string, position: Position): StreamEvent => {
    positions.set(request.container, position);
    return lineEvent(data, positions);
  };
  return history(parts, request, event, signal);
}

/**
 * Yields the logs before the last restart, one container after the other, and the `end` event. When `ending` aborts, the rest of
 * the logs is left out, because a client that does not read is not waited for any more.
 */
export async function* previousLines(
  parts: HistoryParts,
  { containers, ...request }: Omit<Request, 'container'> & { containers: readonly string[] },
  gone: AbortSignal,
  ending: StreamEnding,
): AsyncGenerator<StreamEvent[]> {
  const signal = AbortSignal.any([gone, ending.signal]);
  for (const container of containers) {
    // The events have no ids, because a client reads this stream again and does not resume it.
    yield* history(parts, { ...request, container, previous: true }, (data) => ({ data }), signal);
  }
  if (!gone.aborted) yield [endEvent(ending.signal.aborted ? ending.reason : 'complete')];
}

async function* history(
  { read, log }: HistoryParts,
  { session, container, start, previous = false, before }: Request,
  eventOf: (data: string, position: Position) => StreamEvent,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent[]> {
  const numbering = new Numbering();
  let events: StreamEvent[] = [];
  let size = 0;
  const options =
    'after' in start
      ? { sinceTime: wholeSecond(start.after.at) }
      : { tailLines: start.tail, sinceTime: start.since && wholeSecond(start.since) };
  try {
    reading: for await (const lines of read(session, container, { ...options, previous }, signal)) {
      for (const line of lines) {
        const position = numbering.next(line.instant);
        if (!position || !isSince(position, start)) continue;
        if (before && !isAfter(before, position)) break reading;
        const event = eventOf(lineData(container, line), position);
        events.push(event);
        size += sizeOf(event);
        if (size < batchChars) continue;
        yield events;
        events = [];
        size = 0;
      }
    }
  } catch (err) {
    if (signal.aborted || err instanceof SessionGone) return;
    if (!isNoLog(err)) {
      log.warn({ err, session: session.name, container }, 'a log could not be read');
      const message = 'The earlier lines of this container cannot be read at present.';
      events.push(containerErrorEvent({ container, message }));
    }
  }
  if (events.length > 0) yield events;
}
