import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { expect } from 'vitest';
import type { NotebookResponse, ServersGetResponse } from '../../src/generated/openapi.ts';
import { EventStream } from './event-stream.ts';

/** A client repeats an idempotent request after these errors: the server has closed the connection. */
const resets = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Requests that wait for a response. With more, a machine is too busy for the rate, and the next ones are not sent. */
const maxInFlight = 500;

/** Sends GET requests at a constant rate on keep-alive connections, and repeats those whose connection was reset. */
export class Load {
  /** Responses other than 200, and requests that failed. */
  readonly failures: string[] = [];
  responses = 0;
  repeated = 0;
  /** Requests that were not sent, because `maxInFlight` others waited. */
  notSent = 0;
  readonly #pool: Pool;
  readonly #headers: Record<string, string>;
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    url: string,
    paths: readonly string[],
    options: { headers: Record<string, string>; requestsPerSecond: number; connections: number },
  ) {
    this.#pool = new Pool(url, { connections: options.connections, pipelining: 1 });
    this.#headers = options.headers;
    const startedAt = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (const due = ((performance.now() - startedAt) / 1000) * options.requestsPerSecond; sent < due; sent += 1) {
        if (this.#running.size >= maxInFlight) {
          this.notSent += 1;
          continue;
        }
        const request = this.#get(paths[sent % paths.length] ?? '').finally(() => this.#running.delete(request));
        this.#running.add(request);
      }
    }, 10);
  }

  async #get(path: string): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers: this.#headers });
        const text = await body.text();
        this.responses += 1;
        if (statusCode !== 200) this.failures.push(`${path}: ${statusCode} ${text}`);
        return;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        if (!resets.has(code) || attempt === 5) return void this.failures.push(`${path}: ${String(error)}`);
        this.repeated += 1;
      }
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
    await this.#pool.close();
  }
}

/**
 * Follows the sessions as a browser does: connects again with the last event id, after the time that the server names. Adds each
 * stream to `streams`. Resolves after `stop`.
 * @param urls the address of the first connection, and that of all others.
 */
export async function followSessions(
  urls: { readonly first: string; readonly others: string },
  headers: Record<string, string>,
  streams: EventStream[],
  stop: AbortSignal,
): Promise<void> {
  let url = urls.first;
  for (let [lastId, retry] = ['', 100]; !stop.aborted; ) {
    const resume: Record<string, string> = lastId === '' ? {} : { 'last-event-id': lastId };
    // A browser tries again after every failed connection, and gives up after a response with another status.
    const stream = await EventStream.open(url, { ...headers, ...resume }).catch(() => undefined);
    if (stream) {
      const { statusCode } = stream.message;
      if (statusCode !== 200) throw new Error(`${url}: status ${statusCode} after ${streams.length} streams`);
      streams.push(stream.read());
      stop.addEventListener('abort', () => stream.close(), { once: true });
      if (stop.aborted) stream.close();
      await expect.poll(() => stream.isOver, { timeout: 600_000, interval: 20 }).toBe(true);
      [lastId, retry] = [stream.lastId, stream.retry ?? retry];
      url = urls.others;
    }
    await delay(Math.min(retry, 3_000), undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Returns the names of all sessions in the events. */
export const namesIn = (streams: readonly EventStream[]): Set<string> =>
  new Set(
    streams.flatMap((stream) => [
      ...stream.named<ServersGetResponse>('snapshot').flatMap(({ servers }) => Object.keys(servers ?? {})),
      ...stream.named<NotebookResponse>('session').map((session) => session.name),
    ]),
  );
