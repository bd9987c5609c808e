import type { Request, Response } from 'express';
import type { CallerLimit } from '../caller-limit.ts';
import { ApiError, errorKind } from '../errors.ts';
import { defaultTiming, type EventStreamTiming, type ServerSentEvent, sendEvents } from '../lib/server-sent-events.ts';
import { contextOf } from '../request-context.ts';

/** Why a stream ends although its client is connected and its source has not ended. */
export type EndReason = 'shutdown' | 'expired';

/** The texts of `end` events that streams of all kinds send. */
export const endMessages: Readonly<Record<EndReason | 'deleted', string>> = {
  deleted: 'The session does not exist any more.',
  shutdown: 'The service is restarting. Connect again.',
  // A gateway may renew the credentials of its next request without the user.
  expired: 'The sign-in of this request has expired. Connect again. If that is rejected, sign in again.',
};

/**
 * Returns an `end` event. After `shutdown`, clients reconnect soon, but not all at the same time: another replica serves them.
 */
export function endOf(reason: string, message: string): ServerSentEvent & { readonly event: 'end' } {
  const retry = reason === 'shutdown' ? { retry: 500 + Math.floor(Math.random() * 2_500) } : {};
  return { event: 'end', ...retry, data: JSON.stringify({ reason, message }) };
}

export interface StreamEnding {
  /** Aborts when the source must send its last event. */
  readonly signal: AbortSignal;
  readonly reason: EndReason;
}

/** The source of one stream. */
export interface StreamSource {
  /** Returns the events. `gone` aborts when the client has disconnected. */
  events(gone: AbortSignal): AsyncIterable<readonly ServerSentEvent[]>;
  /** Releases the resources of the source. Is called once, after the stream. */
  close?(): void;
}

export interface EventStreams {
  /**
   * Opens a source and sends its events. The stream ends when the service stops, and when the credentials of the request
   * expire. An error of `open` becomes an error response. Throws ApiError 1429 if the user, or all users together, have too
   * many streams.
   */
  send(res: Response, open: (ending: StreamEnding) => StreamSource | Promise<StreamSource>): Promise<void>;
}

export interface EventStreamsOptions {
  /** Of this kind of streams. */
  readonly limit: CallerLimit;
  /** Aborts when the service stops. */
  readonly stopping: AbortSignal;
  /** For tests. */
  readonly timing?: Partial<EventStreamTiming>;
}

/** Creates the sender of one kind of event streams. */
export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const { limit, stopping } = options;
  const timing = { ...defaultTiming, ...options.timing };

  async function send(res: Response, open: Parameters<EventStreams['send']>[1]): Promise<void> {
    const expired = whenReached(contextOf(res).identityExpiresAt);
    const ending: StreamEnding = {
      signal: AbortSignal.any([stopping, expired.signal]),
      get reason() {
        return stopping.aborted ? 'shutdown' : 'expired';
      },
    };
    const isHead = res.locals['isHead'] === true;
    let source: StreamSource | undefined;
    try {
      const opened = await open(ending);
      source = opened;
      await sendEvents(res, (gone) => opened.events(gone), { ...timing, stopping: ending.signal, isHead });
    } finally {
      source?.close?.();
      expired.stop();
    }
  }

  return {
    send: (res, open) => limit.run(contextOf(res).identity, () => send(res, open)),
  };
}

/** The maximum delay of a timer in Node.js. */
const maxTimerMs = 2 ** 31 - 1;

/** Returns a signal that aborts at a time in milliseconds since the epoch; undefined means never. */
function whenReached(time: number | undefined): { signal: AbortSignal; stop(): void } {
  const reached = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const check = (): void => {
    const left = (time ?? Number.POSITIVE_INFINITY) - Date.now();
    if (left <= 0) reached.abort();
    else if (left !== Number.POSITIVE_INFINITY) timer = setTimeout(check, Math.min(left, maxTimerMs));
  };
  check();
  return { signal: reached.signal, stop: () => clearTimeout(timer) };
}

/**
 * Throws ApiError 406 if the caller does not accept `type`. For operations with several content types, of which a parameter
 * selects one. @param available describes which type is available when
 */
export function requireAccepted(req: Pick<Request, 'accepts'>, type: string, available: string): void {
  if (req.accepts([type]) === false) throw notAcceptable(type, available);
}

/** Returns the error for a caller that does not accept `type`. */
export function notAcceptable(type: string, available: string): ApiError {
  return new ApiError(errorKind.notAcceptable, 'The response is not available in a content type that you accept.', {
    detail: available,
    fields: [{ path: 'header.Accept', message: `must allow ${type}` }],
  });
}
