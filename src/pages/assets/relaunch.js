// @ts-check
import { launchSession, stopSession, Trouble } from './api.js';

const maxAttempts = 20;
const defaultWaitSeconds = 2;

/**
 * Launches; where a former session of the same name is still being deleted (409), waits as long as the service says.
 * @param {import('./api.js').LaunchRequest} launch
 */
export async function launchPatiently(launch) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launchSession(launch);
    } catch (error) {
      if (!(error instanceof Trouble) || error.status !== 409 || attempt === maxAttempts) throw error;
      const seconds = error.retryAfterSeconds ?? defaultWaitSeconds;
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

/**
 * Deletes a session with its files and launches it anew. One that has gone by itself is fine.
 * @param {string} name
 * @param {import('./api.js').LaunchRequest} launch
 */
export async function launchAnew(name, launch) {
  try {
    await stopSession(name);
  } catch (error) {
    if (!(error instanceof Trouble) || error.status !== 404) throw error;
  }
  return launchPatiently(launch);
}
