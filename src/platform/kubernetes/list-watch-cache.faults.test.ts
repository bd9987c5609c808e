import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CacheHarness,
  isList,
  isWatch,
  pod,
  startCacheHarness,
} from '../../../tests/support/kubernetes/cache-harness.ts';
import { type Fault, status } from '../../../tests/support/kubernetes/fault-server.ts';

let harness: CacheHarness;

beforeEach(async () => {
  harness = await startCacheHarness();
});

afterEach(() => harness[Symbol.asyncDispose]());

describe('the cache lives through', () => {
  const listFaults: [string, Fault][] = [
    ['500', { answer: 500, body: JSON.stringify(status(500, 'InternalError')) }],
    ['403', { answer: 403, body: JSON.stringify(status(403, 'Forbidden')) }],
    ['410', { answer: 410, body: JSON.stringify(status(410, 'Expired')) }],
    ['an unknown resource', { answer: 404, body: '404 page not found\n' }],
    ['HTML', { answer: 200, body: '<html>' }],
    ['a list that is none', { answer: 200, body: '{"items": 3}' }],
    ['a list without a version', { answer: 200, body: '{"items": []}' }],
    ['null', { answer: 200, body: 'null' }],
    ['a reset', 'reset'],
  ];
  it.each(listFaults)('the list answers %s a few times', async (_name, fault) => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(4, isList, fault);
    const pods = harness.open();
    await pods.start();
    expect(pods.get('here', 'a')?.color).toBe('red');
  });

  it('the list never answers: it is given up and asked again', async () => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(2, isList, 'silence');
    const pods = harness.open({ timing: { listTimeoutMs: 50, backOffFirstMs: 1, backOffMostMs: 5 } });
    await pods.start();
    expect(pods.get('here', 'a')?.color).toBe('red');
  });

  const error = (code: number, reason: string) =>
    `${JSON.stringify({ type: 'ERROR', object: status(code, reason) })}\n`;
  const watchFaults: [string, Fault][] = [
    ['500', { answer: 500, body: JSON.stringify(status(500, 'InternalError')) }],
    [
      '429 with Retry-After',
      { answer: 429, body: JSON.stringify(status(429, 'TooManyRequests')), headers: { 'retry-after': '0' } },
    ],
    ['410', { answer: 410, body: JSON.stringify(status(410, 'Gone')) }],
    ['502 with HTML', { answer: 502, body: '<html>bad gateway' }],
    ['a reset', 'reset'],
    ['ERROR 410', { events: error(410, 'Expired') }],
    ['ERROR 500', { events: error(500, 'InternalError') }],
    ['ERROR with nothing in it', { events: '{"type":"ERROR","object":null}\n' }],
    ['no JSON', { events: 'hello\n' }],
    ['JSON that is no event', { events: '[1]\nnull\n' }],
    ['an event without an object', { events: '{"type":"ADDED"}\n' }],
    ['an event whose object is none', { events: '{"type":"ADDED","object":7}\n' }],
    ['an unknown type', { events: '{"type":"EXPLODED","object":{"metadata":{"name":"x"}}}\n' }],
    ['half an event', { events: '{"type":"ADDED","obj' }],
    ['nothing, at once', { events: '' }],
  ];
  it.each(watchFaults)('the watch answers %s several times, and nothing is lost', async (_name, fault) => {
    harness.failFirst(7, isWatch, fault);
    const pods = harness.open();
    await pods.start();
    await harness.server.watching();
    expect(harness.count(isWatch)).toBe(8);
    harness.server.put(pod('a', 'red'));
    await harness.seen('added a red');
    expect(pods.byIndex('color', 'red')).toHaveLength(1);
  });

  it.each(['by HTTP', 'by an event'])('410 %s: lists again and computes what was deleted meanwhile', async (how) => {
    harness.server.put(pod('stays', 'red'));
    harness.server.put(pod('goes', 'red'));
    const pods = harness.open();
    await pods.start();
    await harness.server.watching();
    harness.server.remove('goes', { quietly: true });
    harness.server.put(pod('comes', 'red'));
    harness.server.compact();
    if (how === 'by HTTP') harness.failFirst(1, isWatch, { answer: 410, body: JSON.stringify(status(410, 'Expired')) });
    harness.server.endWatches('reset');
    await harness.seen('deleted goes red');
    expect(pods.values().map(({ name }) => name)).toEqual(['stays', 'comes']);
    expect(harness.changes.filter((text) => text.includes('stays'))).toEqual(['added stays red']);
  });

  it('a deletion and a new object of the same name, both missed, are told as two', async () => {
    harness.server.put(pod('a', 'red'));
    await harness.open().start();
    await harness.server.watching();
    harness.server.remove('a', { quietly: true });
    harness.server.put({ metadata: { ...pod('a', 'blue').metadata, uid: 'another' } });
    await harness.seen('added a blue');
    expect(harness.changes).toEqual(['added a red', 'deleted a red', 'added a blue']);
  });

  it.each(['silence', 'silence after the head'] as const)(
    'a half-open connection (%s) is noticed and replaced',
    async (fault) => {
      harness.failFirst(2, isWatch, fault);
      await harness
        .open({
          timing: { watchTimeoutSeconds: 0.05, silenceSlackMs: 50, backOffFirstMs: 1, backOffMostMs: 5 },
        })
        .start();
      harness.server.put(pod('a', 'red'));
      await harness.seen('added a red');
    },
  );

  it('a connection that is kept alive while its other end is dead is noticed, and everything is listed again', async () => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(1, isWatch, 'blanks without end');
    const pods = harness.open({
      timing: { watchTimeoutSeconds: 0.5, silenceSlackMs: 100, backOffFirstMs: 1, backOffMostMs: 5 },
    });
    await pods.start();
    harness.server.remove('a', { quietly: true });
    harness.server.put(pod('b', 'red'));
    await harness.seen('deleted a red');
    await harness.seen('added b red');
    expect(harness.count(isList)).toBeGreaterThanOrEqual(2);
  });

  it('errors are an answer, and leave what is known as old as it is', async () => {
    const pods = harness.open({ timing: { backOffFirstMs: 1, backOffMostMs: 5 } });
    await pods.start();
    await harness.server.watching();
    harness.failFirst(Number.POSITIVE_INFINITY, () => true, {
      answer: 500,
      body: JSON.stringify(status(500, 'InternalError')),
    });
    harness.server.endWatches('reset');
    await expect.poll(() => harness.count(isWatch)).toBeGreaterThan(2);
    const current = pods.lastCurrentAt ?? 0;
    await expect.poll(() => pods.lastContactAt ?? 0).toBeGreaterThan(current);
    await expect.poll(() => harness.count(isWatch) + harness.count(isList)).toBeGreaterThan(8);
    expect(pods.lastCurrentAt).toBe(current);
    harness.server.fault = () => undefined;
    await expect.poll(() => pods.lastCurrentAt ?? 0).toBeGreaterThan(current);
  });

  it('reads go on while the API server is down, and news comes when it is back', async () => {
    harness.server.put(pod('a', 'red'));
    const pods = harness.open();
    await pods.start();
    await harness.server.watching();
    const before = pods.lastContactAt ?? 0;
    await harness.server.down();
    harness.server.put(pod('b', 'red'));
    expect(pods.get('here', 'a')?.color).toBe('red');
    expect(pods.synced).toBe(true);
    await harness.server.up();
    await harness.seen('added b red');
    expect(pods.lastContactAt).toBeGreaterThanOrEqual(before);
  });

  it('an API server that is down at the start is waited for', async () => {
    await harness.server.down();
    const pods = harness.open();
    const started = pods.start();
    harness.server.put(pod('a', 'red'));
    await harness.server.up();
    await started;
    expect(pods.get('here', 'a')).toBeDefined();
  });

  it('a server that was restored from an older backup is believed', async () => {
    for (let i = 0; i < 20; i += 1) harness.server.put(pod('a', `v${i}`));
    const pods = harness.open();
    await pods.start();
    pods.observe({
      metadata: { name: 'a', namespace: 'here', uid: 'uid-of-a', resourceVersion: '5000', labels: { color: 'future' } },
    });
    harness.server.fault = (request) =>
      isWatch(request) && Number(request.query.get('resourceVersion')) > 90
        ? { answer: 504, body: JSON.stringify(status(504, 'Timeout')) }
        : isList(request)
          ? {
              answer: 200,
              body: JSON.stringify({
                metadata: { resourceVersion: '90' },
                items: [
                  {
                    metadata: {
                      name: 'a',
                      namespace: 'here',
                      uid: 'uid-of-a',
                      resourceVersion: '80',
                      labels: { color: 'backup' },
                    },
                  },
                ],
              }),
            }
          : undefined;
    harness.server.endWatches('reset');
    await harness.seen('modified a backup');
    expect(pods.get('here', 'a')?.color).toBe('backup');
  });

  it('a page too large to read is asked again in smaller ones', async () => {
    harness.server.put(pod('a', 'red'));
    harness.server.put(pod('b', 'red'));
    const huge = `{"items":[],"pad":"${'x'.repeat(65 * 1024 * 1024)}"}`;
    harness.server.fault = (request) =>
      isList(request) && request.query.get('limit') === '500' ? { answer: 200, body: huge } : undefined;
    const pods = harness.open();
    await pods.start();
    expect(pods.values()).toHaveLength(2);
  });

  it('an event cut across chunks, with characters of several bytes, is put together', async () => {
    await harness.open().start();
    await harness.server.watching();
    harness.server.put(pod('a', 'ä'.repeat(300_000)));
    await harness.seen(`added a ${'ä'.repeat(300_000)}`);
  });

  it('stops at once, also while it waits or lists', async () => {
    harness.failFirst(100, isList, 'silence');
    const pods = harness.open({ timing: { listTimeoutMs: 600_000 } });
    const started = pods.start();
    await harness.server.arrival(isList);
    await pods.stop();
    await started;
    expect(pods.synced).toBe(false);
  });
});
