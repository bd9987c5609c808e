// @ts-check
import { ApiError, launchSession, stopSession } from './api.js';

const maxAttempts = 20;
const defaultWaitSeconds = 2;

/**
 * Launches a session. While a former session of the same name is being deleted (409), retries after the time in Retry-After.
 * @param {import('./api.js').LaunchRequest} launch
 */
export async function launchWhenDeleted(launch) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launchSession(launch);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409 || attempt === maxAttempts) throw error;
      const seconds = error.retryAfterSeconds ?? defaultWaitSeconds;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

/**
 * Deletes a session with its files, and launches the session again. Does not throw if the session no longer exists.
 * @param {string} name
 * @param {import('./api.js').LaunchRequest} launch
 */
export async function relaunch(name, launch) {
  try {
    await stopSession(name);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  return launchWhenDeleted(launch);
}
