import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogStream } from '../../tests/support/logs/log-stream.ts';
import { sendEvents } from './event-stream.ts';
import type { StreamEvent } from './stream-events.ts';

const mayHold = 512 * 1024;

let response: Response | undefined;
let given = 0;
let outcome: Promise<void> | undefined;
let stopping = new AbortController();
let timing = { heartbeatMs: 60_000, stalledMs: 60_000 };
let batch: StreamEvent[] = [];
const app = express()
  .get('/', (_req, res) => {
    response = res;
    outcome = sendEvents(res, endless, { ...timing, stopping: stopping.signal });
  })
  .get('/late', (_req, res) => {
    response = res;
    outcome = once(res, 'close').then(() => sendEvents(res, endless, { ...timing, stopping: stopping.signal }));
  });
const server = createServer(app);

async function* endless(gone: AbortSignal): AsyncGenerator<StreamEvent[]> {
  while (!gone.aborted && !stopping.signal.aborted) {
    given += 1;
    yield batch;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!gone.aborted) yield [{ event: 'end', data: '{"reason":"shutdown"}' }];
}

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

beforeEach(async () => {
  response = undefined;
  given = 0;
  stopping = new AbortController();
  timing = { heartbeatMs: 60_000, stalledMs: 60_000 };
  batch = Array.from({ length: 32 }, (_, index) => ({ id: String(index), data: JSON.stringify('x'.repeat(1_000)) }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** A client that takes nothing. Resolves when the sockets between are full. */
async function standingStill(): Promise<void> {
  const call = get(url(), { agent: false });
  call.on('error', () => undefined);
  const [message] = await once(call, 'response');
  message.on('error', () => undefined);
  message.socket.pause();
  let before = -1;
  await expect
    .poll(
      () => {
        const isFull = given === before && given > 0;
        before = given;
        return isFull;
      },
      { interval: 200, timeout: 20_000 },
    )
    .toBe(true);
}

it('a client that does not read is not given more, and little is held for it', async () => {
  timing = { heartbeatMs: 10, stalledMs: 60_000 };
  await standingStill();
  const held = response?.writableLength ?? 0;
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(mayHold);
  // Heartbeats do not pile up either.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(response?.writableLength).toBe(held);
});

it('a client that does not read for too long is let go', async () => {
  timing = { heartbeatMs: 10, stalledMs: 300 };
  await standingStill();
  await outcome;
  expect(response?.destroyed).toBe(true);
});

it('a stop reaches a client that does not read', async () => {
  await standingStill();
  stopping.abort();
  await outcome;
  expect(response?.writableEnded).toBe(true);
});

it('a client that has gone ends the events', async () => {
  const stream = await LogStream.open(url());
  stream.read();
  await expect.poll(() => stream.events.length).toBeGreaterThan(100);
  stream.close();
  await outcome;
  expect(stream.events[0]).toEqual({ event: 'message', id: '0', data: 'x'.repeat(1_000) });
});

it('a client that has gone before the first event gets none, and nothing waits for it', async () => {
  const call = get(`${url()}late`, { agent: false });
  call.on('error', () => undefined);
  await expect.poll(() => response).toBeDefined();
  call.destroy();
  await outcome;
  expect(given).toBe(0);
});

it('comments and the time to connect again come without an empty event', async () => {
  timing = { heartbeatMs: 5, stalledMs: 60_000 };
  batch = [];
  const call = get(url(), { agent: false });
  call.on('error', () => undefined);
  const [message] = (await once(call, 'response')) as [IncomingMessage];
  let said = '';
  message.setEncoding('utf8').on('data', (text: string) => (said += text));
  await expect.poll(() => said.split('\n').filter((line) => line === ':').length).toBeGreaterThan(2);
  const untilNow = said;
  stopping.abort();
  await once(message, 'end');
  // An empty line ends an event: there is one only behind the event that there is.
  expect(untilNow).toMatch(/^retry: \d+\n(:\n)+$/);
  expect(Number(/^retry: (\d+)$/m.exec(said)?.[1])).toBeGreaterThanOrEqual(5_000);
  expect(said).toMatch(/event: end\ndata: .*\n\n$/);
});
