import { once } from 'node:events';
import type { Response } from 'express';
import type { StreamEvent } from './stream-events.ts';

/** Milliseconds after which a client whose connection broke connects again: the service may be back by then. */
const retryMs = 5_000;

export interface EventStreamTiming {
  /** Between two comments: proxies give up a connection that is silent for a minute. */
  readonly heartbeatMs: number;
  /** A client that takes nothing for this long has gone, or will be glad to resume. */
  readonly stalledMs: number;
}

export const defaultTiming: EventStreamTiming = { heartbeatMs: 15_000, stalledMs: 120_000 };

/**
 * A line of its own. Not followed by an empty line, which ends an event: clients that are not careful give out an empty one.
 */
const keepAlive = ':\n';

/**
 * Answers with server-sent events as the client takes them: no more is asked of `events` while it does not read.
 * Resolves at the end of the events, or when the client has gone. `stopping` ends the wait for a client that does not
 * read, so that the last event can be given out.
 */
export async function sendEvents(
  res: Response,
  events: (gone: AbortSignal) => AsyncIterable<StreamEvent[]>,
  { stopping, heartbeatMs, stalledMs }: EventStreamTiming & { readonly stopping: AbortSignal },
): Promise<void> {
  // Whoever went while the session was looked up: no event of the answer will tell of that any more.
  if (res.destroyed) return;
  const gone = new AbortController();
  res.once('close', () => gone.abort(new Error('the caller has gone')));
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // For caches, and for proxies that compress or wait for more.
    'Cache-Control': 'no-cache, no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  // Who asks for the head alone does not wait for the end of a session.
  if (res.locals['isHead'] === true) return void res.end();
  let takenAt = performance.now();
  res.on('drain', () => {
    takenAt = performance.now();
  });
  const heartbeat = setInterval(
    () => {
      if (!res.writableNeedDrain && !res.writableEnded) res.write(keepAlive);
      else if (performance.now() - takenAt > stalledMs) res.destroy();
    },
    Math.min(heartbeatMs, stalledMs),
  );
  res.once('close', () => clearInterval(heartbeat));
  res.write(`retry: ${retryMs}\n`);
  const hurry = AbortSignal.any([gone.signal, stopping]);
  for await (const batch of events(gone.signal)) {
    const text = batch.map(textOf).join('');
    if (!res.write(text)) await taken(res, hurry);
    takenAt = performance.now();
    if (gone.signal.aborted) return;
  }
  res.end();
}

function textOf({ event, id, data }: StreamEvent): string {
  const fields = { event, id, data };
  const lines = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}\n`]));
  return `${lines.join('')}\n`;
}

/** When the client has taken what was written, or nobody waits for that any more. */
async function taken(res: Response, hurry: AbortSignal): Promise<void> {
  try {
    await once(res, 'drain', { signal: hurry });
  } catch (error) {
    if (!hurry.aborted) throw error;
  }
}
