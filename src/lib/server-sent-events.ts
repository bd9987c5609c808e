import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** One event of a `text/event-stream` (HTML standard, section 9.2). Values must not contain line breaks. */
export interface ServerSentEvent {
  /** The event's type. Clients handle an event without a type as `message`. */
  readonly event?: string;
  /** Clients send the last id back as Last-Event-ID when they reconnect. */
  readonly id?: string;
  /** If the event has no data, clients only store its id. */
  readonly data?: string;
  /** Milliseconds after which the client reconnects when the connection ends. */
  readonly retry?: number;
}

export interface EventStreamTiming {
  /** Milliseconds between two comments: proxies close a connection that is silent for a minute. */
  readonly heartbeatMs: number;
  /** Milliseconds after which the connection of a client that reads nothing is closed. */
  readonly stalledMs: number;
}

export interface EventStreamOptions extends EventStreamTiming {
  /** Aborts when the server stops: the last events are then written without waiting for a client that does not read. */
  readonly stopping: AbortSignal;
  /** The request is a HEAD request: only the head of the response is sent. */
  readonly isHead?: boolean;
}

export const defaultTiming: EventStreamTiming = { heartbeatMs: 15_000, stalledMs: 120_000 };

/** The event that a response emits when it becomes a stream of events: its end is not the end of a request's work. */
export const streamBegins = Symbol('stream begins');

/** Milliseconds after which a client reconnects when the connection breaks: a restarted server may be ready by then. */
const reconnectMs = 5_000;

/** A comment. No empty line follows it, because some clients would then report an empty event. */
const heartbeat = ':\n';

/**
 * Sends server-sent events as fast as the client reads them: while the client does not read, no further events are
 * requested from `events`. Resolves after the last event, or when the client disconnects, which aborts the signal of `events`.
 */
export async function sendEvents(
  res: ServerResponse,
  events: (gone: AbortSignal) => AsyncIterable<readonly ServerSentEvent[]>,
  { stopping, heartbeatMs, stalledMs, isHead = false }: EventStreamOptions,
): Promise<void> {
  // A response that is destroyed already emits no further `close` event.
  if (res.destroyed) return;
  res.emit(streamBegins);
  const gone = new AbortController();
  res.once('close', () => gone.abort(new Error('the client has disconnected')));
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // For caches, and for proxies that compress or buffer.
    'Cache-Control': 'no-cache, no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  if (isHead) return void res.end();
  let readAt = performance.now();
  res.on('drain', () => {
    readAt = performance.now();
  });
  const timer = setInterval(
    () => {
      if (!res.writableNeedDrain && !res.writableEnded) res.write(heartbeat);
      else if (performance.now() - readAt > stalledMs) res.destroy();
    },
    Math.min(heartbeatMs, stalledMs),
  );
  res.once('close', () => clearInterval(timer));
  res.write(`retry: ${reconnectMs}\n`);
  const stopWaiting = AbortSignal.any([gone.signal, stopping]);
  for await (const batch of events(gone.signal)) {
    if (!res.write(batch.map(format).join(''))) await drained(res, stopWaiting);
    readAt = performance.now();
    if (gone.signal.aborted) return;
  }
  res.end();
}

function format({ event, id, retry, data }: ServerSentEvent): string {
  const fields = Object.entries({ event, id, retry, data });
  const lines = fields.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\n`]));
  return `${lines.join('')}\n`;
}

/** Resolves when the client has read all written data, or `signal` aborts. */
async function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(res, 'drain', { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
