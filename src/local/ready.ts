import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Deadline } from '../lib/deadline.ts';

/** A program that is starting gives no event across the process boundary: it is asked, this often. */
const askEveryMs = 50;

/** Waits until the service answers 200 at `/ready` on its socket. Throws the deadline's error. */
export async function untilReady(socketPath: string, deadline: Deadline): Promise<void> {
  while (!deadline.expired) {
    if ((await statusOf(socketPath, '/ready')) === 200) return;
    await wait(askEveryMs);
  }
  throw deadline.exceeded('the start of the service');
}

/** undefined: nobody answers yet. */
function statusOf(socketPath: string, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on('timeout', () => call.destroy());
    call.on('error', () => resolve(undefined));
    call.end();
  });
}
