import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Response } from 'express';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LogStream } from '../../tests/support/logs/log-stream.ts';
import { type ServerSentEvent, sendEvents } from './server-sent-events.ts';

const maxBufferedBytes = 512 * 1024;

let response: Response | undefined;
let batches = 0;
let outcome: Promise<void> | undefined;
let stopping = new AbortController();
let timing = { heartbeatMs: 60_000, stalledMs: 60_000 };
let batch: ServerSentEvent[] = [];
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

async function* endless(gone: AbortSignal): AsyncGenerator<ServerSentEvent[]> {
  while (!gone.aborted && !stopping.signal.aborted) {
    batches += 1;
    yield batch;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!gone.aborted) yield [{ event: 'end', data: '{"reason":"shutdown"}' }];
}

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

beforeEach(async () => {
  response = undefined;
  batches = 0;
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

/** Connects a client that reads nothing. Resolves when the socket buffers are full. */
async function connectStalledClient(): Promise<void> {
  const call = get(url(), { agent: false });
  call.on('error', () => undefined);
  const [message] = await once(call, 'response');
  message.on('error', () => undefined);
  message.socket.pause();
  let before = -1;
  await expect
    .poll(
      () => {
        const isFull = batches === before && batches > 0;
        before = batches;
        return isFull;
      },
      { interval: 200 },
    )
    .toBe(true);
}

it('sends no more events to a client that does not read, and limits its buffer', async () => {
  timing = { heartbeatMs: 10, stalledMs: 60_000 };
  await connectStalledClient();
  const buffered = response?.writableLength ?? 0;
  expect(buffered).toBeGreaterThan(0);
  expect(buffered).toBeLessThan(maxBufferedBytes);
  // Heartbeats are not buffered either.
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(response?.writableLength).toBe(buffered);
});

it('closes the connection of a client that reads nothing for too long', async () => {
  timing = { heartbeatMs: 10, stalledMs: 300 };
  await connectStalledClient();
  await outcome;
  expect(response?.destroyed).toBe(true);
});

it('ends the stream of a client that does not read when the server stops', async () => {
  await connectStalledClient();
  stopping.abort();
  await outcome;
  expect(response?.writableEnded).toBe(true);
});

it('ends the events when the client disconnects', async () => {
  const stream = await LogStream.open(url());
  stream.read();
  await expect.poll(() => stream.events.length).toBeGreaterThan(100);
  stream.close();
  await outcome;
  expect(stream.events[0]).toEqual({ event: 'message', id: '0', data: 'x'.repeat(1_000) });
});

it('requests no event if the client disconnects before the first one', async () => {
  const call = get(`${url()}late`, { agent: false });
  call.on('error', () => undefined);
  await expect.poll(() => response).toBeDefined();
  call.destroy();
  await outcome;
  expect(batches).toBe(0);
});

it('sends heartbeats and the reconnection time without an empty event', async () => {
  timing = { heartbeatMs: 5, stalledMs: 60_000 };
  batch = [];
  const call = get(url(), { agent: false });
  call.on('error', () => undefined);
  const [message] = (await once(call, 'response')) as [IncomingMessage];
  let received = '';
  message.setEncoding('utf8').on('data', (text: string) => (received += text));
  await expect.poll(() => received.split('\n').filter((line) => line === ':').length).toBeGreaterThan(2);
  const beforeEnd = received;
  stopping.abort();
  await once(message, 'end');
  // An empty line ends an event, so only the last event is followed by one.
  expect(beforeEnd).toMatch(/^retry: 5000\n(:\n)+$/);
  expect(received).toMatch(/:\nevent: end\ndata: .*\n\n$/);
});
