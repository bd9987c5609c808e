import type { LogContainerError, LogEnd, LogLine, LogSkipped } from '../generated/openapi.ts';
import type { ServerSentEvent } from '../lib/server-sent-events.ts';
import { endMessages, endOf } from '../pipeline/event-stream.ts';
import type { Line } from './lines.ts';
import { encodePositions, type Position } from './position.ts';

/** An event of a log stream; without a type it is a line. */
export interface StreamEvent extends ServerSentEvent {
  readonly event?: 'skipped' | 'container-error' | 'end';
}

/** Characters of a batch after which it is sent. */
export const batchChars = 32 * 1024;

export const sizeOf = ({ id = '', data = '' }: StreamEvent): number => id.length + data.length;

/** Returns the data of a line's event. */
export function lineData(container: string, { time, text, isCut }: Line): string {
  const line: LogLine = { container, time, line: text, ...(isCut ? { truncated: true } : {}) };
  return JSON.stringify(line);
}

/** An event without data: clients only store its id. */
export const positionEvent = (positions: ReadonlyMap<string, Position>): StreamEvent => ({
  id: encodePositions(positions),
});

export const lineEvent = (data: string, positions: ReadonlyMap<string, Position>): StreamEvent => ({
  ...positionEvent(positions),
  data,
});

export const skippedEvent = (skipped: LogSkipped): StreamEvent => ({ event: 'skipped', data: JSON.stringify(skipped) });

export const containerErrorEvent = (error: LogContainerError): StreamEvent => ({
  event: 'container-error',
  data: JSON.stringify(error),
});

const endings: Record<LogEnd['reason'], string> = { ...endMessages, complete: 'The log ends here.' };

export const endEvent = (reason: LogEnd['reason']): StreamEvent => endOf(reason, endings[reason]);
