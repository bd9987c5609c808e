import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StatusError } from '../local/cluster.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { anonymous, john, type TestService } from '../sessions/testing/service.ts';
import { type LogCluster, startLogCluster, waitingToStart } from './testing/log-cluster.ts';
import { LogStream } from './testing/log-stream.ts';

const user = john('https://gitlab.example.org');
const soon = { timeout: 10_000 };

let cluster: LogCluster;
let service: TestService;
const open: LogStream[] = [];
beforeEach(async () => {
  cluster = await startLogCluster();
  service = await cluster.replica();
});
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  await cluster.close();
});

async function follow(query = '', headers: Record<string, string> = {}, from = service): Promise<LogStream> {
  const stream = await LogStream.open(`${from.url}/logs/mine?follow=true${query}`, {
    ...from.headersOf(user),
    ...headers,
  });
  open.push(stream);
  return stream.read();
}

/** `git-clone` has ended, `jupyter-server` runs. */
function running(): void {
  cluster.session('mine', user, { init: ['git-clone'], regular: ['jupyter-server'] });
  cluster.log('git-clone').write('cloned', '2026-01-01T00:00:01.5Z');
  cluster.log('git-clone').end();
  cluster.log('jupyter-server').write(['starting', 'listening'], '2026-01-01T00:00:02.000000001Z');
  cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' });
}

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `line ${from + n}`);
const stamp = (n: number): string => new Date(Date.parse('2026-01-01T00:00:00Z') + n * 10).toISOString();

describe('a stream', () => {
  it('begins with what was written, the oldest line first, and goes on with what is written', async () => {
    running();
    const stream = await follow();
    expect(stream.message.statusCode).toBe(200);
    expect(stream.message.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': expect.stringMatching(/no-cache.*no-transform/),
      'x-accel-buffering': 'no',
    });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'starting', 'listening']);
    cluster.log('jupyter-server').write('a request', '2026-01-01T00:01:00+01:00');
    cluster.log('jupyter-server').write(' \tspaces  \r', '2026-01-01T00:01:01Z');
    cluster.log('jupyter-server').write('', '2026-01-01T00:01:02Z');
    await expect.poll(() => stream.lines().slice(3), soon).toEqual(['a request', ' \tspaces  ', '']);
    expect(stream.events.map(({ data }) => data).at(3)).toEqual({
      container: 'jupyter-server',
      time: '2026-01-01T00:01:00+01:00',
      line: 'a request',
    });
    expect(stream.retry).toBeGreaterThan(0);
    expect(stream.isOver).toBe(false);
  });

  it('begins where max_lines and since say, per container', async () => {
    running();
    const none = await follow('&max_lines=0');
    const one = await follow('&max_lines=1');
    const since = await follow('&since=2026-01-01T00:00:02Z');
    const zone = await follow('&since=2026-01-01T01:00:02%2B01:00&max_lines=1');
    const seconds = await follow('&since=60');
    const only = await follow('&container=git-clone');
    await expect.poll(() => one.lines(), soon).toEqual(['cloned', 'listening']);
    await expect.poll(() => since.lines(), soon).toEqual(['starting', 'listening']);
    await expect.poll(() => zone.lines(), soon).toEqual(['listening']);
    await expect.poll(() => only.lines(), soon).toEqual(['cloned']);
    cluster.log('jupyter-server').write('new');
    await expect.poll(() => [none.lines(), seconds.lines()], soon).toEqual([['new'], ['new']]);
    expect(only.lines()).toEqual(['cloned']);
  });

  it('has comments while nothing is written', async () => {
    running();
    service = await cluster.replica({ logTiming: { heartbeatMs: 20 } });
    const stream = await follow();
    await expect.poll(() => stream.comments, soon).toBeGreaterThan(3);
    expect(stream.lines()).toHaveLength(3);
  });

  it('takes in containers that begin later and that are started again', async () => {
    cluster.log('git-clone').refusal = waitingToStart();
    cluster.log('jupyter-server').refusal = waitingToStart();
    cluster.session('mine', user, { init: ['git-clone'], regular: ['jupyter-server'] }, false);
    const stream = await follow('&max_lines=0');
    const early = await follow('&container=jupyter-server');
    cluster.store.mergePatch(resource.jupyterServers, 'renku', 'mine', {
      status: { containerStates: { init: { 'git-clone': 'executing' }, regular: { 'jupyter-server': 'waiting' } } },
    });
    cluster.log('git-clone').refusal = null;
    cluster.log('git-clone').write('cloning');
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning']);
    cluster.log('git-clone').end();
    cluster.log('jupyter-server').refusal = null;
    cluster.log('jupyter-server').write('first run');
    cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning', 'first run']);
    cluster.log('jupyter-server').restart();
    cluster.log('jupyter-server').write('second run');
    cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' }, { 'jupyter-server': 1 });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning', 'first run', 'second run']);
    await expect.poll(() => early.lines(), soon).toEqual(['first run', 'second run']);
    expect(stream.named('container-error')).toEqual([]);
  });

  it('asks no more about a container that has ended, until it is started again', async () => {
    running();
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    expect(cluster.log('git-clone').reads).toHaveLength(1);
    cluster.log('jupyter-server').end();
    cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'ended' });
    // Once more when it ended, and once more when that was reported.
    await expect.poll(() => cluster.log('jupyter-server').following, soon).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(cluster.log('jupyter-server').reads.length).toBeLessThan(6);
    expect(cluster.log('git-clone').reads).toHaveLength(1);
    cluster.log('git-clone').restart();
    cluster.log('git-clone').write('cloned again');
    expect(stream.lines()).toHaveLength(3);
    cluster.report('mine', { 'git-clone': 'running', 'jupyter-server': 'waiting' }, { 'git-clone': 1 });
    await expect.poll(() => stream.lines().at(-1), soon).toBe('cloned again');
  });

  it('with previous=true is what was written before the restart, and ends', async () => {
    running();
    cluster.log('jupyter-server').restart();
    cluster.log('jupyter-server').write('second run');
    const stream = await follow('&previous=true');
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.lines()).toEqual(['starting', 'listening']);
    expect(stream.ending).toBe('complete');
    expect(stream.named('container-error')).toEqual([]);
    expect((await follow('&previous=true&max_lines=1')).lines()).toEqual([]);
    const { body } = await service.as(user)('GET', '/logs/mine?previous=true&max_lines=1');
    expect(body).toEqual({ 'jupyter-server': '2026-01-01T00:00:02.000000001Z listening\n' });
  });

  it('answers HEAD without waiting', async () => {
    running();
    const response = await fetch(`${service.url}/logs/mine?follow=true`, {
      method: 'HEAD',
      headers: service.headersOf(user),
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(cluster.log('jupyter-server').reads).toEqual([]);
  });
});

describe('requests', () => {
  it.each([
    ['follow=true&container=nope', 'query.container'],
    ['container=nope', 'query.container'],
    ['follow=true&container=A%20B', 'query.container'],
    ['follow=true&since=yesterday', 'query.since'],
    ['since=2026-13-45T00:00:00Z', 'query.since'],
    ['follow=perhaps', 'query.follow'],
    ['follow=true&max_lines=-1', 'query.max_lines'],
  ])('%s are 422', async (query, path) => {
    running();
    const { status, body } = await service.as(user)('GET', `/logs/mine?${query}`);
    expect([status, body.error.code, body.error.fields?.[0]?.path]).toEqual([422, 1422, path]);
    if (query.includes('container=nope')) expect(body.error.detail).toContain('git-clone, jupyter-server');
  });

  it('that accept another type are 406', async () => {
    running();
    const answer = async (query: string, accept: string) =>
      (await fetch(`${service.url}/logs/mine?${query}`, { headers: { ...service.headersOf(user), accept } })).status;
    expect(await answer('follow=true', 'application/json')).toBe(406);
    expect(await answer('', 'text/event-stream')).toBe(406);
    expect(await answer('', 'application/json')).toBe(200);
  });

  it('for nothing of one’s own are 404', async () => {
    running();
    const other = service.as(anonymous('https://gitlab.example.org'));
    expect((await other('GET', '/logs/mine?follow=true')).status).toBe(404);
    expect((await service.as(user)('GET', '/logs/other?follow=true')).status).toBe(404);
    expect(cluster.log('jupyter-server').reads).toEqual([]);
  });

  it('without follow take container and since as well', async () => {
    running();
    const { body } = await service.as(user)('GET', '/logs/mine?container=jupyter-server&since=2026-01-01T00:00:02Z');
    expect(Object.keys(body)).toEqual(['jupyter-server']);
    expect((await service.as(user)('GET', '/logs/mine?since=2026-01-01T00:00:01.6Z')).body).toEqual(body);
    expect((await service.as(user)('GET', '/logs/mine?since=60')).body).toEqual({});
  });
});

describe('a connection that breaks', () => {
  it('is resumed after the last line that was read, among lines of one instant, on another replica, too', async () => {
    running();
    const log = cluster.log('jupyter-server');
    log.write(numbered(10), '2026-01-01T00:00:03Z');
    const first = await follow();
    await expect.poll(() => first.lines(), soon).toHaveLength(13);
    const all = first.lines();
    first.close();
    log.write('meanwhile', '2026-01-01T00:00:03Z');
    log.write('later', '2026-01-01T00:00:04Z');
    const replica = await cluster.replica();
    for (const from of [service, replica]) {
      for (const [index, { id }] of first.events.entries()) {
        const resumed = await follow('&max_lines=1&since=1', { 'last-event-id': id }, from);
        await expect.poll(() => resumed.lines(), soon).toEqual([...all.slice(index + 1), 'meanwhile', 'later']);
        resumed.close();
      }
    }
  });

  it('is resumed where nothing had been read', async () => {
    running();
    const first = await follow('&max_lines=0');
    await expect.poll(() => first.lastId, soon).not.toBe('');
    expect(first.events).toEqual([]);
    first.close();
    cluster.log('jupyter-server').write('missed');
    const resumed = await follow('&max_lines=0', { 'last-event-id': first.lastId });
    await expect.poll(() => resumed.lines(), soon).toEqual(['missed']);
  });

  it('begins anew where the id is none of ours', async () => {
    running();
    for (const id of ['7', 'x:y', 'git-clone:99999999999999.1', '\u00ff,,,']) {
      const stream = await follow('&max_lines=1', { 'last-event-id': id });
      await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'listening']);
    }
  });

  it('between the service and the cluster costs no line and repeats none', async () => {
    running();
    const log = cluster.log('jupyter-server');
    const stream = await follow('&container=jupyter-server&max_lines=0');
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

describe('lines older than those that are held', () => {
  /** More than are read ahead, and more than fit. */
  const many = 6_000;
  beforeEach(() => {
    cluster.session('mine', user, { regular: ['jupyter-server'] });
    cluster.report('mine', { 'jupyter-server': 'running' });
    for (let n = 0; n < many; n += 1)
      cluster.log('jupyter-server').write(`line ${n} ${'x'.repeat(60)}`, stamp(Math.floor(n / 3)));
  });
  const numbers = (stream: LogStream): number[] => stream.lines().map((line) => Number(line.split(' ')[1]));
  const range = (from: number, to = many): number[] => Array.from({ length: to - from }, (_, n) => from + n);

  it('are read for who wants them, and each line comes once', async () => {
    for (const [query, expected] of [
      ['&max_lines=5000', range(many - 5_000)],
      [`&max_lines=100000&since=${stamp(10)}`, range(30)],
      ['&max_lines=300', range(many - 300)],
    ] as const) {
      const stream = await follow(query);
      await expect.poll(() => stream.lines().length, soon).toBe(expected.length);
      expect(numbers(stream)).toEqual(expected);
      stream.close();
    }
  });

  it('are resumed, too', async () => {
    const first = await follow('&max_lines=5000');
    await expect.poll(() => first.lines().length, soon).toBe(5_000);
    first.close();
    for (const index of [10, 1_000, 4_998]) {
      const resumed = await follow('', { 'last-event-id': first.events[index]?.id ?? '' });
      const expected = range(many - 5_000 + index + 1);
      await expect.poll(() => resumed.lines().length, soon).toBe(expected.length);
      expect(numbers(resumed)).toEqual(expected);
      resumed.close();
    }
  });

  it('that cannot be read are an event, and the rest goes on', async () => {
    const holder = await follow('&max_lines=0');
    await expect.poll(() => cluster.log('jupyter-server').following, soon).toBe(1);
    cluster.log('jupyter-server').refusal = new StatusError(500, 'InternalError', 'a secret of the cluster');
    const stream = await follow('&max_lines=5000');
    await expect.poll(() => stream.lines().length, soon).toBeGreaterThan(500);
    expect(stream.named('container-error')).toEqual([
      { container: 'jupyter-server', message: expect.stringContaining('earlier lines') },
    ]);
    expect(JSON.stringify(stream.events)).not.toContain('secret');
    cluster.log('jupyter-server').write('new');
    await expect.poll(() => [holder.lines(), stream.lines().at(-1)], soon).toEqual([['new'], 'new']);
  });
});

describe('many followers', () => {
  it('of one log share one connection per container, and each of them sees each line', async () => {
    running();
    cluster.report('mine', { 'git-clone': 'running', 'jupyter-server': 'running' });
    const streams = await Promise.all(Array.from({ length: 200 }, () => follow()));
    await expect.poll(() => streams.every((stream) => stream.lines().length >= 3), { timeout: 30_000 }).toBe(true);
    cluster.log('jupyter-server').write(numbered(100));
    await expect.poll(() => streams.every((stream) => stream.lines().length === 103), { timeout: 30_000 }).toBe(true);
    for (const { lines } of streams.map((stream) => ({ lines: stream.lines('jupyter-server') }))) {
      expect(lines).toEqual(['starting', 'listening', ...numbered(100)]);
    }
    const reads = cluster.log('jupyter-server').reads;
    expect(reads.filter(({ follow: isFollow }) => isFollow)).toHaveLength(1);
    expect(reads).toHaveLength(2);
    expect(cluster.log('jupyter-server').following).toBe(1);

    for (const stream of streams.slice(1)) stream.close();
    cluster.log('jupyter-server').write('for the last one');
    await expect.poll(() => streams[0]?.lines().at(-1), soon).toBe('for the last one');
    expect(cluster.log('jupyter-server').following).toBe(1);
    const since = performance.now();
    streams[0]?.close();
    await expect.poll(() => cluster.log('jupyter-server').following, { timeout: 5_000, interval: 10 }).toBe(0);
    expect(performance.now() - since).toBeLessThan(1_000);
  }, 90_000);

  it('come and go without leaving a connection', async () => {
    running();
    for (let turn = 0; turn < 20; turn += 1) {
      const streams = await Promise.all(Array.from({ length: 5 }, () => follow()));
      for (const stream of streams) stream.close();
    }
    await expect.poll(() => cluster.log('jupyter-server').following, soon).toBe(0);
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
  });
});

describe('a reader who does not read', () => {
  it('misses lines, is told how many, and holds up neither the others nor the memory', async () => {
    cluster.session('mine', user, { regular: ['jupyter-server'] });
    cluster.report('mine', { 'jupyter-server': 'running' });
    const log = cluster.log('jupyter-server');
    log.write('first');
    const quick = await follow();
    const slow = await LogStream.open(`${service.url}/logs/mine?follow=true`, service.headersOf(user));
    open.push(slow);
    // So that the sockets take no more than they must.
    slow.message.socket.pause();
    await expect.poll(() => quick.lines(), soon).toEqual(['first']);
    const count = 14_000;
    for (let n = 0; n < count; n += 200) {
      log.write(Array.from({ length: 200 }, (_, each) => `${n + each} ${'y'.repeat(1_000)}`));
      const seen = (): string | undefined => quick.lines().at(-1)?.split(' ')[0];
      await expect.poll(seen, { timeout: 20_000, interval: 5 }).toBe(String(n + 199));
    }
    expect(quick.named('skipped')).toEqual([]);
    slow.message.socket.resume();
    slow.read();
    await expect.poll(() => slow.lines().at(-1)?.split(' ')[0], { timeout: 20_000 }).toBe(String(count - 1));
    const skipped = slow.named<{ container: string; lines: number; since: string }>('skipped');
    expect(skipped.length).toBeGreaterThan(0);
    expect(skipped[0]).toEqual({
      container: 'jupyter-server',
      lines: expect.any(Number),
      since: expect.stringMatching(/^\d{4}-.*:\d\dZ$/),
    });
    const missed = skipped.reduce((sum, { lines }) => sum + lines, 0);
    expect(slow.lines().length + missed).toBe(count + 1);
  }, 120_000);

  it('is let go after a while', async () => {
    cluster.session('mine', user, { regular: ['jupyter-server'] });
    cluster.report('mine', { 'jupyter-server': 'running' });
    service = await cluster.replica({ logTiming: { heartbeatMs: 50, stalledMs: 300 } });
    const slow = await LogStream.open(`${service.url}/logs/mine?follow=true`, service.headersOf(user));
    open.push(slow);
    slow.message.socket.pause();
    const log = cluster.log('jupyter-server');
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
  }, 120_000);
});

describe('a container that cannot be read', () => {
  it('is an event, hides no other, and is taken up when it can', async () => {
    running();
    cluster.log('jupyter-server').refusal = new StatusError(500, 'InternalError', 'a secret of the cluster');
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned']);
    await expect.poll(() => stream.named('container-error'), soon).toHaveLength(1);
    expect(stream.named('container-error')).toEqual([
      { container: 'jupyter-server', message: expect.stringContaining('tried again') },
    ]);
    const late = await follow();
    await expect.poll(() => late.named('container-error'), soon).toHaveLength(1);
    cluster.log('jupyter-server').refusal = null;
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'starting', 'listening']);
    expect(JSON.stringify(stream.events)).not.toContain('secret');
    expect(service.logged()).toContain('a log could not be followed');
  });

  it('because it never answers does not hold up the others', async () => {
    running();
    cluster.log('git-clone').isSilent = true;
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['starting', 'listening']);
    await expect.poll(() => stream.named('container-error'), { timeout: 25_000 }).toHaveLength(1);
  });

  it('shows what the cluster says about it, without a time', async () => {
    cluster.session('mine', user, { regular: ['jupyter-server'] });
    cluster.report('mine', { 'jupyter-server': 'running' });
    cluster.log('jupyter-server').writeRaw('unable to retrieve container logs');
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['unable to retrieve container logs']);
    expect(stream.events[0]?.data).toMatchObject({ time: null });
  });
});

describe('the end', () => {
  it('comes with the session, after its last lines', async () => {
    running();
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    cluster.log('jupyter-server').write('good bye');
    await expect.poll(() => stream.lines(), soon).toHaveLength(4);
    cluster.remove('mine');
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.ending).toBe('deleted');
    expect(stream.events.at(-1)?.event).toBe('end');
    expect(cluster.log('jupyter-server').following).toBe(0);
  });

  it.each([
    ['told at once', {}],
    ['told nothing', { withoutCache: true }],
  ])('comes when another session has the name, whose lines are never seen (%s)', async (_how, options) => {
    service = await cluster.replica(options);
    running();
    const mine = await follow();
    await expect.poll(() => mine.lines(), soon).toHaveLength(3);
    cluster.remove('mine');
    const other = anonymous('https://gitlab.example.org');
    cluster.log('jupyter-server').restart();
    cluster.session('mine', other, { init: ['git-clone'], regular: ['jupyter-server'] });
    cluster.log('jupyter-server').write('a secret of somebody else');
    await expect.poll(() => mine.isOver, soon).toBe(true);
    expect(mine.ending).toBe('deleted');
    expect(mine.lines()).not.toContain('a secret of somebody else');
    expect((await service.as(user)('GET', '/logs/mine?follow=true')).status).toBe(404);
  });

  it('comes when the session is given to somebody else', async () => {
    running();
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    cluster.store.mergePatch(resource.jupyterServers, 'renku', 'mine', {
      metadata: { labels: { 'notebook-sessions.io/owner': 'somebody-else' } },
    });
    await expect.poll(() => stream.ending, soon).toBe('deleted');
  });

  it('comes when the service stops, also for who does not read', async () => {
    running();
    const stream = await follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    service.stop();
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.ending).toBe('shutdown');
    const late = await follow();
    await expect.poll(() => late.ending, soon).toBe('shutdown');
    expect(cluster.log('jupyter-server').following).toBe(0);
  });
});
