import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Deadline } from '../src/lib/deadline.ts';

/** Small against what is measured with it (a second and more), large against what asking costs (2 ms at a proxy). */
const askEveryMs = 40;

interface Question {
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly deadline: Deadline;
}

/** Asks until the answer is a 200. Throws with the last answer when the deadline is over. */
export async function untilAnswered({ url, headers = {}, deadline }: Question): Promise<void> {
  let last = 'nobody';
  while (!deadline.expired) {
    last = await ask(url, headers).then(
      ({ status }) => String(status),
      (error: Error) => error.message,
    );
    if (last === '200') return;
    await wait(askEveryMs);
  }
  throw new Error(`no 200 from ${url} in time; the last answer: ${last}`);
}

/** One GET on a connection of its own. Not fetch, which would add headers that only a page's script sends. */
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
