import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Deadline } from '../src/lib/deadline.ts';

/** Much shorter than the measured times (1 s and more), much longer than a request (2 ms through a proxy). */
const askEveryMs = 40;

interface Question {
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly deadline: Deadline;
}

/** Repeats a request until the response is a 200. Throws with the last response at the deadline. */
export async function untilAnswered({ url, headers = {}, deadline }: Question): Promise<void> {
  let last = 'no server listens';
  while (!deadline.expired) {
    last = await ask(url, headers).then(
      ({ status }) => String(status),
      (error: Error) => error.message,
    );
    if (last === '200') return;
    await wait(askEveryMs);
  }
  throw new Error(`no 200 from ${url} before the deadline; the last response: ${last}`);
}

/** Sends a GET on a new connection. `fetch` would add headers of browsers. */
export function ask(
  url: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false }, (response: IncomingMessage) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    call.once('error', reject);
    call.end();
  });
}
