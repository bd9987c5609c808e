// @ts-check
import { Trouble } from './api.js';

const firstRetryMs = 1_000;
const lastRetryMs = 30_000;

/**
 * Calls `step` again and again, never twice at once, and not while nobody looks at the page. `step` answers with the
 * milliseconds until it wants to be called again, or null when there is nothing more to watch. When it throws, it is
 * called again later and later (or when Retry-After says).
 *
 * @param {() => Promise<number | null>} step
 * @param {(trouble: Trouble) => void} onTrouble
 */
export function poll(step, onTrouble) {
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
      const trouble = asTrouble(error);
      onTrouble(trouble);
      const backoff = Math.min(lastRetryMs, firstRetryMs * 2 ** failures);
      failures += 1;
      return Math.max(backoff, (trouble.retryAfterSeconds ?? 0) * 1000);
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
    /** Does not wait for the next turn: something has just been done. */
    now: () => void run(),
    stop,
  };
}

/** @param {unknown} error */
function asTrouble(error) {
  if (error instanceof Trouble) return error;
  reportError(error);
  return new Trouble('This page made a mistake.', { detail: `Reload it. The mistake was: ${error}` });
}
