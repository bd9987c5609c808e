import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deadline } from '../../lib/deadline.ts';
import { createOutboundHttp } from '../outbound-http/outbound-http.ts';
import type { OutboundHttp } from '../outbound-http/types.ts';
import { createResourceClasses } from './client.ts';
import { ResourceClassesUnauthorized, ResourceClassesUnavailable } from './types.ts';

let server: Server;
let http: OutboundHttp;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let requests: { url: string | undefined; authorization: string | undefined }[];
let logged: string[];

const small = { id: 1, name: 'small', cpu: 0.5, memory: 1, gpu: 0, max_storage: 20, default_storage: 2, default: true };
const pool = { id: 7, name: 'public', default: true, quota: { id: 'public-quota', cpu: 10 }, classes: [small] };
const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

beforeEach(async () => {
  requests = [];
  logged = [];
  answer = (_request, response) => json(response, 200, [pool]);
  server = createServer((request, response) => {
    requests.push({ url: request.url, authorization: request.headers.authorization });
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  url = `http://${host}/api/data`;
  http = createOutboundHttp({ allowedNetworks: [], exemptHosts: [host] });
});
afterEach(async () => {
  await http.close();
  server.closeAllConnections();
  server.close();
  expect(logged.join('')).not.toContain('the-token');
});

const service = (options: { ttlMs?: number; timeoutMs?: number } = {}) =>
  createResourceClasses({
    url,
    http,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    timeoutMs: 1_000,
    ...options,
  });
const soon = () => Deadline.after(10_000);

describe('the resource class service', () => {
  it('is called on behalf of the caller, below its base address', async () => {
    expect(await service().pools('the-token', soon())).toEqual([
      { id: 7, name: 'public', default: true, quota: { id: 'public-quota' }, classes: [small] },
    ]);
    await service().pools(null, soon());
    expect(requests).toEqual([
      { url: '/api/data/resource_pools', authorization: 'bearer the-token' },
      { url: '/api/data/resource_pools', authorization: undefined },
    ]);
  });

  it('is called once for the same caller within a short time, and for each caller separately', async () => {
    const classes = service({ ttlMs: 100 });
    answer = (request, response) =>
      json(response, 200, request.headers.authorization === 'bearer the-token-of-a' ? [pool] : [{ ...pool, id: 8 }]);
    const ofA = () => classes.pools('the-token-of-a', soon());
    expect((await Promise.all([ofA(), ofA(), ofA()])).map((pools) => pools.length)).toEqual([1, 1, 1]);
    expect(await ofA()).toHaveLength(1);
    for (const token of ['the-token-of-b', null]) {
      expect(await classes.pools(token, soon())).toMatchObject([{ id: 8 }]);
    }
    expect(requests).toHaveLength(3);
    const asked = async () => {
      await ofA();
      return requests.length;
    };
    await expect.poll(asked, { interval: 50 }).toBe(4);
  });

  it('continues for the other callers of a shared call, and errors are not cached', async () => {
    const classes = service({ timeoutMs: 5_000 });
    const reached = Promise.withResolvers<ServerResponse>();
    answer = (_request, response) => reached.resolve(response);
    const gone = new AbortController();
    const first = classes.pools('the-token', Deadline.after(10_000, gone.signal));
    const second = classes.pools('the-token', soon());
    const response = await reached.promise;
    gone.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    json(response, 200, [pool]);
    expect(await second).toHaveLength(1);

    const other = service();
    answer = (_request, failing) => json(failing, 500, {});
    await expect(other.pools('the-token', soon())).rejects.toThrow(ResourceClassesUnavailable);
    answer = (_request, working) => json(working, 200, []);
    expect(await other.pools('the-token', soon())).toEqual([]);
  });

  it.each([
    ['answers 500', (response: ServerResponse) => json(response, 500, {}), /status 500/],
    [
      'answers HTML',
      (response: ServerResponse) => response.setHeader('content-type', 'text/html').end('<html>'),
      /did not send a list/,
    ],
    ['answers another shape', (response: ServerResponse) => json(response, 200, { pools: [] }), /did not send a list/],
    [
      'redirects',
      (response: ServerResponse) => response.writeHead(302, { location: 'https://evil.example' }).end(),
      /302/,
    ],
    [
      'answers without end',
      (response: ServerResponse) => response.end(`["${'x'.repeat(3_000_000)}"]`),
      /usable response/,
    ],
    ['cuts the connection', (response: ServerResponse) => response.destroy(), /cannot be reached/],
  ])('that %s is unavailable', async (_what, respond, message) => {
    answer = (_request, response) => respond(response);
    await expect(service().pools('the-token', soon())).rejects.toThrow(message);
    await expect(service().pools('the-token', soon())).rejects.toThrow(ResourceClassesUnavailable);
  });

  it('names the time after which to try again when it is overloaded', async () => {
    answer = (_request, response) => json(response, 429, {}, { 'retry-after': '17' });
    await expect(service().pools(null, soon())).rejects.toMatchObject({ retryAfterSeconds: 17 });
  });

  it('that is silent is unavailable after the time limit', async () => {
    answer = () => undefined;
    await expect(service({ timeoutMs: 200 }).pools(null, soon())).rejects.toMatchObject({ name: 'DeadlineExceeded' });
    await expect(service().pools(null, Deadline.after(100))).rejects.toMatchObject({ name: 'DeadlineExceeded' });
  });

  it('that rejects the token is not unavailable', async () => {
    for (const status of [401, 403]) {
      answer = (_request, response) => json(response, status, {});
      await expect(service().pools('the-token', soon())).rejects.toThrow(ResourceClassesUnauthorized);
    }
    await expect(service().pools('the-token\r\nx: y', soon())).rejects.toThrow(ResourceClassesUnauthorized);
    expect(requests).toHaveLength(2);
  });

  it('can send incomplete pools and classes: they are left out and logged', async () => {
    const { memory: _memory, ...incomplete } = { ...small, id: 2 };
    const more = [incomplete, { ...small, id: 3, cpu: -1 }, 'x', { ...small, id: 4, name: undefined, gpu: undefined }];
    answer = (_request, response) =>
      json(response, 200, [{ ...pool, quota: null, classes: [small, ...more] }, { id: 'x' }, null]);
    const pools = await service().pools(null, soon());
    expect(pools).toHaveLength(1);
    expect(pools[0]?.quota).toBeNull();
    expect(pools[0]?.classes.map(({ id, name, gpu }) => [id, name, gpu])).toEqual([
      [1, 'small', 0],
      [4, '4', 0],
    ]);
    expect(logged.join('')).toContain('"class 2 of pool 1","class 3 of pool 1","class 4 of pool 1","pool 2","pool 3"');
  });
});
