import { beforeEach, describe, expect, it } from 'vitest';
import { StatusError } from '../../src/local/cluster.ts';
import { following, soon, user } from '../support/logs/following.ts';
import type { LogStream } from '../support/logs/log-stream.ts';

const at = following();

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `line ${from + n}`);
const stamp = (n: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + n * 10).toISOString();

describe('a broken connection', () => {
  it('resumes after the last line that was read, also between lines of one timestamp and on another replica', async () => {
    at.running();
    const log = at.cluster.log('jupyter-server');
    log.write(numbered(10), '2026-01-01T00:00:03Z');
    const first = await at.follow();
    await expect.poll(() => first.lines(), soon).toHaveLength(13);
    const all = first.lines();
    first.close();
    log.write('meanwhile', '2026-01-01T00:00:03Z');
    log.write('later', '2026-01-01T00:00:04Z');
    const replica = await at.cluster.replica();
    for (const from of [at.service, replica]) {
      for (const [index, { id }] of first.events.entries()) {
        const resumed = await at.follow('&max_lines=1&since=1', { 'last-event-id': id }, from);
        await expect.poll(() => resumed.lines(), soon).toEqual([...all.slice(index + 1), 'meanwhile', 'later']);
        resumed.close();
      }
    }
  });

  it('resumes where no line had been read', async () => {
    at.running();
    const first = await at.follow('&max_lines=0');
    await expect.poll(() => first.lastId, soon).not.toBe('');
    expect(first.events).toEqual([]);
    first.close();
    at.cluster.log('jupyter-server').write('missed');
    const resumed = await at.follow('&max_lines=0', { 'last-event-id': first.lastId });
    await expect.poll(() => resumed.lines(), soon).toEqual(['missed']);
  });

  it('starts from the beginning for an unknown event id', async () => {
    at.running();
    for (const id of ['7', 'x:y', 'git-clone:99999999999999.1', '\u00ff,,,']) {
      const stream = await at.follow('&max_lines=1', { 'last-event-id': id });
      await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'listening']);
    }
  });

  it('between the service and the cluster loses and repeats no line', async () => {
    at.running();
    const log = at.cluster.log('jupyter-server');
    const stream = await at.follow('&container=jupyter-server&max_lines=0');
    await expect.poll(() => log.following, soon).toBe(1);
    const written: string[] = [];
    for (let turn = 0; turn < 4; turn += 1) {
      const lines = numbered(5, turn * 5);
      written.push(...lines);
      log.write(lines, `2026-01-01T00:00:0${3 + Math.floor(turn / 2)}Z`);
      if (turn % 2 === 0) await expect.poll(() => stream.lines(), soon).toEqual(written);
      log.cut();
    }
    await expect.poll(() => stream.lines(), soon).toEqual(written);
    expect(stream.named('container-error')).toEqual([]);
  });
});

describe('lines older than the buffer', () => {
  /** More lines than the first read of a feed, and more than its buffer can hold. */
  const many = 6_000;
  beforeEach(() => {
    at.cluster.session('mine', user, { regular: ['jupyter-server'] });
    at.cluster.report('mine', { 'jupyter-server': 'running' });
    for (let n = 0; n < many; n += 1)
      at.cluster.log('jupyter-server').write(`line ${n} ${'x'.repeat(60)}`, stamp(Math.floor(n / 3)));
  });
  const numbers = (stream: LogStream): number[] => stream.lines().map((line) => Number(line.split(' ')[1]));
  const range = (from: number, to = many): number[] => Array.from({ length: to - from }, (_, n) => from + n);

  it('are read from the cluster for a follower who wants them, each line once', async () => {
    for (const [query, expected] of [
      ['&max_lines=5000', range(many - 5_000)],
      [`&max_lines=100000&since=${stamp(10)}`, range(30)],
      ['&max_lines=300', range(many - 300)],
    ] as const) {
      const stream = await at.follow(query);
      await expect.poll(() => stream.lines().length, soon).toBe(expected.length);
      expect(numbers(stream)).toEqual(expected);
      stream.close();
    }
  });

  it('can be resumed', async () => {
    const first = await at.follow('&max_lines=5000');
    await expect.poll(() => first.lines().length, soon).toBe(5_000);
    first.close();
    for (const index of [10, 1_000, 4_998]) {
      const resumed = await at.follow('', { 'last-event-id': first.events[index]?.id ?? '' });
      const expected = range(many - 5_000 + index + 1);
      await expect.poll(() => resumed.lines().length, soon).toBe(expected.length);
      expect(numbers(resumed)).toEqual(expected);
      resumed.close();
    }
  });

  it('become an error event if they cannot be read, and newer lines follow', async () => {
    const holder = await at.follow('&max_lines=0');
    await expect.poll(() => at.cluster.log('jupyter-server').following, soon).toBe(1);
    at.cluster.log('jupyter-server').failure = new StatusError(500, 'InternalError', 'a secret of the cluster');
    const stream = await at.follow('&max_lines=5000');
    await expect.poll(() => stream.lines().length, soon).toBeGreaterThan(500);
    expect(stream.named('container-error')).toEqual([
      { container: 'jupyter-server', message: expect.stringContaining('earlier lines') },
    ]);
    expect(JSON.stringify(stream.events)).not.toContain('secret');
    at.cluster.log('jupyter-server').write('new');
    await expect.poll(() => [holder.lines(), stream.lines().at(-1)], soon).toEqual([['new'], 'new']);
  });
});

describe('many followers', () => {
  it('of one log share one connection per container, and each receives every line', async () => {
    at.running();
    at.cluster.report('mine', { 'git-clone': 'running', 'jupyter-server': 'running' });
    const streams = await Promise.all(Array.from({ length: 200 }, () => at.follow()));
    await expect.poll(() => streams.every((stream) => stream.lines().length >= 3), soon).toBe(true);
    at.cluster.log('jupyter-server').write(numbered(100));
    await expect.poll(() => streams.every((stream) => stream.lines().length === 103), soon).toBe(true);
    for (const { lines } of streams.map((stream) => ({ lines: stream.lines('jupyter-server') }))) {
      expect(lines).toEqual(['starting', 'listening', ...numbered(100)]);
    }
    const reads = at.cluster.log('jupyter-server').reads;
    expect(reads.filter(({ follow: isFollow }) => isFollow)).toHaveLength(1);
    expect(reads).toHaveLength(2);
    expect(at.cluster.log('jupyter-server').following).toBe(1);

    for (const stream of streams.slice(1)) stream.close();
    at.cluster.log('jupyter-server').write('for the last one');
    await expect.poll(() => streams[0]?.lines().at(-1), soon).toBe('for the last one');
    expect(at.cluster.log('jupyter-server').following).toBe(1);
    streams[0]?.close();
    await expect.poll(() => at.cluster.log('jupyter-server').following, soon).toBe(0);
  });

  it('of one user are limited, and a closed stream frees a place', async () => {
    at.running();
    at.service = await at.cluster.replica({ logs: { maxStreams: 2 } });
    const [first] = [await at.follow(), await at.follow()];
    const third = () => fetch(`${at.service.url}/logs/mine?follow=true`, { headers: at.service.headersOf(user) });
    const rejected = await third();
    expect(rejected.status).toBe(429);
    expect(await rejected.json()).toMatchObject({
      error: { code: 1429, message: 'You have 2 streams of logs in progress already.' },
    });
    first.close();
    await expect
      .poll(async () => {
        const again = await third();
        await again.body?.cancel();
        return again.status;
      }, soon)
      .toBe(200);
  });

  it('leave no connection behind when they close', async () => {
    at.running();
    for (let turn = 0; turn < 20; turn += 1) {
      const streams = await Promise.all(Array.from({ length: 5 }, () => at.follow()));
      for (const stream of streams) stream.close();
    }
    await expect.poll(() => at.cluster.log('jupyter-server').following, soon).toBe(0);
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
  });
});

describe('a reader that stops reading', () => {
  it('skips lines and receives their number, while other readers and the memory are not affected', async () => {
    at.cluster.session('mine', user, { regular: ['jupyter-server'] });
    at.cluster.report('mine', { 'jupyter-server': 'running' });
    const log = at.cluster.log('jupyter-server');
    log.write('first');
    const quick = await at.follow();
    const slow = await at.stall();
    await expect.poll(() => quick.lines(), soon).toEqual(['first']);
    const count = 14_000;
    for (let n = 0; n < count; n += 200) {
      log.write(Array.from({ length: 200 }, (_, each) => `${n + each} ${'y'.repeat(1_000)}`));
      const seen = (): string | undefined => quick.lines().at(-1)?.split(' ')[0];
      await expect.poll(seen, { ...soon, interval: 5 }).toBe(String(n + 199));
    }
    expect(quick.named('skipped')).toEqual([]);
    slow.message.socket.resume();
    slow.read();
    await expect.poll(() => slow.lines().at(-1)?.split(' ')[0], soon).toBe(String(count - 1));
    const skipped = slow.named<{ container: string; lines: number; since: string }>('skipped');
    expect(skipped.length).toBeGreaterThan(0);
    expect(skipped[0]).toEqual({
      container: 'jupyter-server',
      lines: expect.any(Number),
      since: expect.stringMatching(/^\d{4}-.*:\d\dZ$/),
    });
    const missed = skipped.reduce((sum, { lines }) => sum + lines, 0);
    expect(slow.lines().length + missed).toBe(count + 1);
  });

  it('is disconnected after the time limit', async () => {
    at.cluster.session('mine', user, { regular: ['jupyter-server'] });
    at.cluster.report('mine', { 'jupyter-server': 'running' });
    at.service = await at.cluster.replica({ logs: { timing: { heartbeatMs: 50, stalledMs: 300 } } });
    await at.stall();
    const log = at.cluster.log('jupyter-server');
    await expect
      .poll(
        () => {
          log.write(Array.from({ length: 100 }, () => 'z'.repeat(10_000)));
          return log.following;
        },
        { timeout: 60_000, interval: 50 },
      )
      .toBe(1);
    await expect
      .poll(
        () => {
          if (log.following === 1) log.write(Array.from({ length: 100 }, () => 'z'.repeat(10_000)));
          return log.following;
        },
        { timeout: 60_000, interval: 50 },
      )
      .toBe(0);
  });
});
