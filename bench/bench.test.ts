import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { CallLog, depth, type RecordedCall } from './call-log.ts';
import { isReached } from './figure.ts';
import { commandIn, imageCommand } from './image.ts';
import { load, openLoad } from './load.ts';
import { inTurns, median } from './rounds.ts';
import { until } from './until.ts';

const call = (begun: number, ended: number): RecordedCall => ({ backEnd: 'b', method: 'GET', path: '/', begun, ended });

it('counts the calls of the longest sequence', () => {
  expect(depth([])).toBe(0);
  expect(depth([call(0, 20), call(1, 21), call(2, 22)])).toBe(1);
  expect(depth([call(0, 20), call(1, 60), call(21, 41), call(42, 62)])).toBe(3);
  expect(depth([call(0, Number.POSITIVE_INFINITY), call(5, 6)])).toBe(1);
});

it('returns the median', () => {
  expect(median([3, 1000, 1])).toBe(3);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow('empty');
});

it('reads the command of an image from the Dockerfile', () => {
  const dockerfile = [
    'FROM scratch AS programs\nENV A=1 B=2',
    'FROM programs AS service\nENV C=3\nENTRYPOINT ["/usr/bin/tini", "--", "/bin/node", "--flag=8", "src/main.js"]\n',
  ].join('\n\n');
  expect(commandIn(dockerfile, 'service')).toEqual({
    options: ['--flag=8'],
    program: 'src/main.js',
    env: { A: '1', B: '2', C: '3' },
  });
  expect(() => commandIn(dockerfile, 'operator')).toThrow('no ENTRYPOINT of operator');
});

it.each(['service', 'operator'] as const)('starts the %s with the files and the command of its image', (target) => {
  const { args, env } = imageCommand(target);
  expect(env['NODE_ENV']).toBe('production');
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  // The program reads its configuration, which is empty, after it has imported most of its files.
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(`^The ${target} cannot start: .*`) });
});

it('alternates the order of the measurements', async () => {
  const order: string[] = [];
  const thing = (name: string) => async () => order.push(name);
  const results = await inTurns(3, { a: thing('a'), b: thing('b') });
  expect(order.join('')).toBe('abbaab');
  expect(results).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
});

it('compares a row with its target', () => {
  const row = { what: 'w', measured: 30, unit: 'ms' as const, baseline: { is: 'b', measured: 20 } };
  expect(isReached(row)).toBeUndefined();
  expect(isReached({ ...row, target: { of: 'ratio', atMost: 1.5 } })).toBe(true);
  expect(isReached({ ...row, target: { of: 'ratio', atMost: 1.4 } })).toBe(false);
  expect(isReached({ ...row, target: { of: 'value', atLeast: 31 } })).toBe(false);
});

it('counts a stall of the server for each request that it delays', async () => {
  let [count, stalledUntil] = [0, 0];
  const server = createServer((_req, res) => {
    count += 1;
    if (count === 10) stalledUntil = performance.now() + 300;
    setTimeout(() => res.end('x'), Math.max(0, stalledUntil - performance.now()));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const { requests, medianMs, p99Ms } = await openLoad(url, {
      ...{ headers: {}, connections: 2, seconds: 0.5, perSecond: 100 },
    });
    // With two connections, all requests that should have been sent during the stall wait for its end.
    expect(requests).toBe(50);
    expect(medianMs).toBeGreaterThan(10);
    expect(p99Ms).toBeGreaterThan(250);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('says what a measurement waited for in vain', async () => {
  await expect(until('the end', () => undefined, { withinMs: 20, everyMs: 1 })).rejects.toThrow('0.02 s for the end');
  let looks = 0;
  expect(await until('three looks', () => (++looks === 3 ? looks : undefined), { withinMs: 10_000, everyMs: 1 })).toBe(
    3,
  );
});

it('delays responses, records calls, and rejects a server that fails', async () => {
  const log = new CallLog();
  log.delayMs = 30;
  const handler = log.around('here', (req, res) => {
    res.statusCode = req.url === '/fails' ? 500 : 200;
    // Larger than one read of the socket.
    res.end('x'.repeat(100_000));
  });
  const server = createServer((req, res) => void handler(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { requests, medianMs } = await load(`${url}/a?b=c`, { connections: 2, seconds: 0.2 });
    expect(medianMs).toBeGreaterThanOrEqual(29);
    expect(requests).toBe(log.calls.length);
    expect(log.calls[0]).toMatchObject({ backEnd: 'here', method: 'GET', path: '/a' });
    await expect(load(`${url}/fails`, { connections: 1, seconds: 0.1 })).rejects.toThrow('500');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
