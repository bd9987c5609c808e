import { setTimeout as delay } from 'node:timers/promises';
import type { Deadline } from '../lib/deadline.ts';
import { requestText } from './http/client.ts';

/** Milliseconds between two requests: another process cannot send an event when it is ready. */
const intervalMs = 50;
const requestMs = 2_000;

/** Waits until the service responds with 200 to `/ready` on its socket. Throws the deadline's error. */
export async function untilReady(socketPath: string, deadline: Deadline): Promise<void> {
  while (!deadline.expired) {
    if (await isReady(socketPath)) return;
    await delay(intervalMs);
  }
  throw deadline.exceeded('the start of the service');
}

async function isReady(socketPath: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(requestMs);
    const { status } = await requestText('http://localhost/ready', { socketPath, signal });
    return status === 200;
  } catch (error) {
    // The service does not listen yet, or is slow.
    if (error instanceof Error) return false;
    throw error;
  }
}
