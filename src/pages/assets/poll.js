// @ts-check
import { ApiError } from './api.js';

const firstRetryMs = 1_000;
const lastRetryMs = 30_000;

/**
 * Calls `step` repeatedly while the page is visible, one call at a time. `step` resolves to the milliseconds until the next
 * call, or to null to end the poll. After an error, the next call follows after a delay, which doubles with each further error
 * and is at least the time in Retry-After.
 *
 * @param {() => Promise<number | null>} step
 * @param {(error: ApiError) => void} onError
 */
export function poll(step, onError) {
  let failures = 0;
  let running = false;
  let again = false;
  let ended = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  async function run() {
    clearTimeout(timer);
    if (ended) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    again = false;
    const delay = await next();
    running = false;
    if (delay === null) return stop();
    if (again) return void run();
    if (!document.hidden) timer = setTimeout(run, delay);
  }

  async function next() {
    try {
      const delay = await step();
      failures = 0;
      return delay;
    } catch (error) {
      if (ended) return null;
      const apiError = asApiError(error);
      onError(apiError);
      const backoff = Math.min(lastRetryMs, firstRetryMs * 2 ** failures);
      failures += 1;
      return Math.max(backoff, (apiError.retryAfterSeconds ?? 0) * 1000);
    }
  }

  function onVisibility() {
    if (document.hidden) clearTimeout(timer);
    else void run();
  }

  function stop() {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', onVisibility);
  }

  document.addEventListener('visibilitychange', onVisibility);
  void run();
  return {
    /** Calls `step` immediately. */
    now: () => void run(),
    stop,
  };
}

/** @param {unknown} error */
function asApiError(error) {
  if (error instanceof ApiError) return error;
  reportError(error);
  return new ApiError('There is an error in this page.', { detail: `Reload the page. The error is: ${error}` });
}
