import type { LogContainerError, LogEnd, LogLine, LogSkipped } from '../generated/openapi.ts';
import type { Line } from './lines.ts';
import { encodePositions, type Position } from './position.ts';

/** One server-sent event. */
export interface StreamEvent {
  /** undefined: `message`, which is a line. */
  readonly event?: 'skipped' | 'container-error' | 'end';
  readonly id?: string;
  /** JSON, and so without a line break. undefined: clients note the id and tell nobody. */
  readonly data?: string;
}

/** Characters that are given out at once. */
export const batchChars = 32 * 1024;

export const sizeOf = ({ id = '', data = '' }: StreamEvent): number => id.length + data.length;

/** Data of a line's event. */
export function lineData(container: string, { time, text, isCut }: Line): string {
  const line: LogLine = { container, time, line: text, ...(isCut ? { truncated: true } : {}) };
  return JSON.stringify(line);
}

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

const endings: Record<LogEnd['reason'], string> = {
  deleted: 'The session is gone.',
  complete: 'This is all that there is.',
  shutdown: 'The service is being restarted. Connect again.',
};

export const endEvent = (reason: LogEnd['reason']): StreamEvent => ({
  event: 'end',
  data: JSON.stringify({ reason, message: endings[reason] } satisfies LogEnd),
});
