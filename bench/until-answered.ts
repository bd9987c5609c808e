import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import type { Deadline } from '../src/lib/deadline.ts';
import { until } from './until.ts';

/** Much shorter than the measured times (1 s and more), much longer than a request (2 ms through a proxy). */
const askEveryMs = 40;
/** Statuses that do not change with time: the request itself is wrong. */
const final: readonly string[] = ['400', '401', '403', '405', '406', '422'];

interface Question {
  readonly url: string;
  /** Is called before each request. */
  readonly headers?: () => Record<string, string>;
  readonly deadline: Deadline;
}

/**
 * Repeats a request until the response is a 200. Throws with the last response at the deadline, and at once if the server rejects
 * the request itself.
 */
export async function untilAnswered({ url, headers = () => ({}), deadline }: Question): Promise<void> {
  let last = 'no server listens';
  const isAnswered = async (): Promise<true | undefined> => {
    const response = await ask(url, headers(), deadline.signal).then(
      ({ status }) => String(status),
      (error: Error) => error.message,
    );
    // The error of a request that the deadline has ended says nothing about the server.
    if (!deadline.signal.aborted) last = response;
    if (last === '200') return true;
    if (deadline.expired || final.includes(last)) throw new Error(`no 200 from ${url}; the last response: ${last}`);
    return undefined;
  };
  await until(`a 200 from ${url}`, isAnswered, { withinMs: Number.POSITIVE_INFINITY, everyMs: askEveryMs });
}

/** Sends a GET on a new connection. `fetch` would add headers of browsers. */
export function ask(
  url: string,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const options = { headers, agent: false, ...(signal && { signal }) };
    const call = request(url, options, (response: IncomingMessage) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
    });
    call.once('error', reject);
    call.end();
  });
}
