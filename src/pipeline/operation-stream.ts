import type { Request } from 'express';
import { toApiError } from '../error-translation.ts';
import type { ServerSentEvent } from '../lib/server-sent-events.ts';
import { endMessages, endOf, type StreamEnding } from './event-stream.ts';

const eventStream = 'text/event-stream';

/** Returns whether a request for an operation asks for a stream of its changes. */
export const isStreamAccepted = (req: Pick<Request, 'headers' | 'accepts'>): boolean =>
  req.headers.accept?.includes(eventStream) === true && req.accepts(['application/json', eventStream]) === eventStream;

/**
 * Returns the events of a followed operation: `operation` for each of its states, then `end`.
 * @param follow returns the operation now and after each change, until it has ended or the signal aborts
 */
export const operationEvents =
  (follow: (signal: AbortSignal) => AsyncIterable<object>) =>
  (ending: StreamEnding): { events(gone: AbortSignal): AsyncIterable<readonly ServerSentEvent[]> } => ({
    events: (gone) => eventsOf(AbortSignal.any([gone, ending.signal]), ending, follow),
  });

async function* eventsOf(
  signal: AbortSignal,
  ending: StreamEnding,
  follow: (signal: AbortSignal) => AsyncIterable<object>,
): AsyncIterable<readonly ServerSentEvent[]> {
  try {
    for await (const operation of follow(signal)) yield [{ event: 'operation', data: JSON.stringify(operation) }];
  } catch (error) {
    yield [endOf('failed', toApiError(error).message)];
    return;
  }
  if (!ending.signal.aborted) yield [endOf('finished', 'The operation has ended.')];
  else yield [endOf(ending.reason, endMessages[ending.reason])];
}
