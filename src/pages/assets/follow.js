// @ts-check
import { ApiError } from './api.js';
import { poll } from './poll.js';

/** @typedef {import('./event-stream.js').StreamEvent} StreamEvent */

/** Time until the next connection after the end of a stream; random, because a restart of the service ends all streams. */
const reconnectMs = () => 500 + Math.random() * 1_500;
/**
 * Time without an event after which a stream counts as held back, for example by a proxy. Longer than the service's deadline
 * (10 s), so that its error response arrives first.
 */
const firstEventMs = 15_000;
/** A stream that ends earlier counts as broken. After some of them in a row, the sessions are read without a stream. */
const shortStreamMs = 3_000;
const maxShortStreams = 4;
/** Time until the next attempt to open a stream that could not be opened, and between two reads until then. */
const streamRetryMs = 60_000;
const readEveryMs = 5_000;

/** The page itself has ended the stream. */
const unneeded = new DOMException('the page has ended the stream', 'AbortError');
const heldBack = new ApiError('The stream of events delivers nothing.', {
  detail: 'A proxy between this browser and the service may hold it back.',
});
const broken = new ApiError('The stream of events ends soon after each connection.');

/**
 * Follows sessions while the page is visible: with a stream of events, which is opened again after each interruption. If the
 * stream cannot be opened although the service responds, the sessions are read every 5 s, and `onFallback` gets the reason.
 *
 * @param {object} parts
 * @param {(lastId: string, signal: AbortSignal) => AsyncGenerator<StreamEvent>} parts.stream The first event is `open`.
 * @param {(event: StreamEvent) => boolean} parts.take Handles an event. Returns whether there is nothing more to follow.
 * @param {() => Promise<boolean>} parts.read Reads the sessions. Returns whether there is nothing more to follow.
 * @param {(error: ApiError) => void} parts.onError Neither the stream nor `read` is possible. There will be further attempts.
 * @param {(reason: ApiError | null) => void} parts.onFallback The reason why there is no stream; null if there is one.
 */
export function follow({ stream, take, read, onError, onFallback }) {
  /** Id of the last event, to resume after that event; '' to begin with the current state. */
  let lastId = '';
  /** No attempt to open a stream before this time. */
  let streamFrom = 0;
  let shortStreams = 0;
  /** @type {ApiError | null} */
  let reason = null;
  let connection = new AbortController();
  let isStopped = false;

  /**
   * Follows one stream. Returns 'over' if there is nothing more to follow, 'interrupted' if the stream has ended, or the reason
   * why there was no stream. Throws ApiError if the service cannot be reached, or rejects the caller.
   */
  async function followOnce() {
    connection = new AbortController();
    const { signal } = connection;
    const openedAt = performance.now();
    const timer = setTimeout(() => connection.abort(heldBack), firstEventMs);
    let isOpen = false;
    try {
      for await (const event of stream(lastId, signal)) {
        // A resumed stream may have no event for a long time.
        if (event.event === 'open' && lastId === '') continue;
        clearTimeout(timer);
        if (!isOpen) onFallback(null);
        isOpen = true;
        if (event.id) lastId = event.id;
        if (take(event)) return 'over';
        // A page in a background tab gets one state: browsers open at most six connections to a host.
        if (document.hidden) connection.abort(unneeded);
      }
    } catch (error) {
      if (signal.reason === unneeded) return 'interrupted';
      if (signal.reason === heldBack) return heldBack;
      if (!(error instanceof ApiError)) throw error;
      if (!isOpen) {
        // After a sign-in, which may be that of another person, the stream must begin with all sessions.
        if (error.status === 401) lastId = '';
        if ([0, 401, 404].includes(error.status)) throw error;
        return error;
      }
    } finally {
      clearTimeout(timer);
      connection.abort(unneeded);
    }
    shortStreams = performance.now() - openedAt < shortStreamMs ? shortStreams + 1 : 0;
    return shortStreams < maxShortStreams ? 'interrupted' : broken;
  }

  const polling = poll(async () => {
    if (Date.now() >= streamFrom) {
      const result = await followOnce();
      if (isStopped || result === 'over') return null;
      if (result === 'interrupted') return reconnectMs();
      reason = result;
    }
    const isOver = await read();
    if (reason !== null) {
      if (streamFrom <= Date.now()) streamFrom = Date.now() + streamRetryMs;
      lastId = '';
      shortStreams = 0;
      onFallback(reason);
    }
    return isOver ? null : readEveryMs;
  }, onError);

  function onVisibility() {
    if (document.hidden) connection.abort(unneeded);
  }
  // The browser may keep a broken connection for a long time.
  const onOffline = () => connection.abort(unneeded);
  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('offline', onOffline);
  window.addEventListener('online', polling.now);

  return {
    /** Reads the sessions immediately if there is no stream. */
    now: polling.now,
    stop() {
      isStopped = true;
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('offline', onOffline);
      window.removeEventListener('online', polling.now);
      polling.stop();
      connection.abort(unneeded);
    },
  };
}

/** Returns the text about a missing stream; null if there is a stream. @param {ApiError | null} reason */
export function fallbackText(reason) {
  if (reason === null) return null;
  const parts = ['Changes are shown late, because this page cannot follow them:', reason.message, reason.detail];
  return `${parts.filter(Boolean).join(' ')} The page reads the state every ${readEveryMs / 1000} seconds.`;
}
