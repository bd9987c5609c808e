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

describe('the cache', () => {
  const listFaults: [string, Fault][] = [
    ['500', { status: 500, body: JSON.stringify(status(500, 'InternalError')) }],
    ['403', { status: 403, body: JSON.stringify(status(403, 'Forbidden')) }],
    ['410', { status: 410, body: JSON.stringify(status(410, 'Expired')) }],
    ['an unknown resource', { status: 404, body: '404 page not found\n' }],
    ['HTML', { status: 200, body: '<html>' }],
    ['an invalid list', { status: 200, body: '{"items": 3}' }],
    ['a list without a version', { status: 200, body: '{"items": []}' }],
    ['null', { status: 200, body: 'null' }],
    ['a reset', 'reset'],
  ];
  it.each(listFaults)('recovers when lists fail several times with %s', async (_name, fault) => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(4, isList, fault);
    const pods = harness.open();
    await pods.start();
    expect(pods.get('here', 'a')?.color).toBe('red');
  });

  it('retries a list that gets no response before its timeout', async () => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(2, isList, 'silence');
    const pods = harness.open({ timing: { listTimeoutMs: 50, backOffFirstMs: 1, backOffMaxMs: 5 } });
    await pods.start();
    expect(pods.get('here', 'a')?.color).toBe('red');
  });

  const error = (code: number, reason: string) =>
    `${JSON.stringify({ type: 'ERROR', object: status(code, reason) })}\n`;
  const watchFaults: [string, Fault][] = [
    ['500', { status: 500, body: JSON.stringify(status(500, 'InternalError')) }],
    [
      '429 with Retry-After',
      { status: 429, body: JSON.stringify(status(429, 'TooManyRequests')), headers: { 'retry-after': '0' } },
    ],
    ['410', { status: 410, body: JSON.stringify(status(410, 'Gone')) }],
    ['502 with HTML', { status: 502, body: '<html>bad gateway' }],
    ['a reset', 'reset'],
    ['ERROR 410', { events: error(410, 'Expired') }],
    ['ERROR 500', { events: error(500, 'InternalError') }],
    ['ERROR without a Status', { events: '{"type":"ERROR","object":null}\n' }],
    ['a line that is not JSON', { events: 'hello\n' }],
    ['JSON that is not an event', { events: '[1]\nnull\n' }],
    ['an event without an object', { events: '{"type":"ADDED"}\n' }],
    ['an event with an invalid object', { events: '{"type":"ADDED","object":7}\n' }],
    ['an unknown type', { events: '{"type":"EXPLODED","object":{"metadata":{"name":"x"}}}\n' }],
    ['half an event', { events: '{"type":"ADDED","obj' }],
    ['an immediate end', { events: '' }],
  ];
  it.each(watchFaults)(
    'recovers when watches fail several times with %s, without losing an event',
    async (_name, fault) => {
      harness.failFirst(7, isWatch, fault);
      const pods = harness.open();
      await pods.start();
      await harness.server.watching();
      expect(harness.count(isWatch)).toBe(8);
      harness.server.put(pod('a', 'red'));
      await harness.seen('added a red');
      expect(pods.byIndex('color', 'red')).toHaveLength(1);
    },
  );

  it.each(['by HTTP', 'by an event'])(
    'recovers from 410 %s with a new list, and reports the deletions that it missed',
    async (how) => {
      harness.server.put(pod('stays', 'red'));
      harness.server.put(pod('goes', 'red'));
      const pods = harness.open();
      await pods.start();
      await harness.server.watching();
      harness.server.remove('goes', { quietly: true });
      harness.server.put(pod('comes', 'red'));
      harness.server.compact();
      if (how === 'by HTTP')
        harness.failFirst(1, isWatch, { status: 410, body: JSON.stringify(status(410, 'Expired')) });
      harness.server.endWatches('reset');
      await harness.seen('deleted goes red');
      expect(pods.values().map(({ name }) => name)).toEqual(['stays', 'comes']);
      expect(harness.changes.filter((text) => text.includes('stays'))).toEqual(['added stays red']);
    },
  );

  it('reports a deletion and a new object of the same name if it missed both', async () => {
    harness.server.put(pod('a', 'red'));
    await harness.open().start();
    await harness.server.watching();
    harness.server.remove('a', { quietly: true });
    harness.server.put({ metadata: { ...pod('a', 'blue').metadata, uid: 'another' } });
    await harness.seen('added a blue');
    expect(harness.changes).toEqual(['added a red', 'deleted a red', 'added a blue']);
  });

  it.each(['silence', 'silence after the head'] as const)(
    'recovers from a half-open connection (%s)',
    async (fault) => {
      harness.failFirst(2, isWatch, fault);
      await harness
        .open({
          timing: { watchTimeoutSeconds: 0.05, watchGraceMs: 50, backOffFirstMs: 1, backOffMaxMs: 5 },
        })
        .start();
      harness.server.put(pod('a', 'red'));
      await harness.seen('added a red');
    },
  );

  it('recovers with a new list if a proxy keeps the connection to a dead API server open', async () => {
    harness.server.put(pod('a', 'red'));
    harness.failFirst(1, isWatch, 'blanks without end');
    const pods = harness.open({
      timing: { watchTimeoutSeconds: 0.5, watchGraceMs: 100, backOffFirstMs: 1, backOffMaxMs: 5 },
    });
    await pods.start();
    harness.server.remove('a', { quietly: true });
    harness.server.put(pod('b', 'red'));
    await harness.seen('deleted a red');
    await harness.seen('added b red');
    expect(harness.count(isList)).toBeGreaterThanOrEqual(2);
  });

  it('recovers from error responses, which update lastContactAt only', async () => {
    const pods = harness.open({ timing: { backOffFirstMs: 1, backOffMaxMs: 5 } });
    await pods.start();
    await harness.server.watching();
    harness.failFirst(Number.POSITIVE_INFINITY, () => true, {
      status: 500,
      body: JSON.stringify(status(500, 'InternalError')),
    });
    harness.server.endWatches('reset');
    await expect.poll(() => harness.count(isList)).toBeGreaterThan(2);
    const current = pods.lastCurrentAt ?? 0;
    await expect.poll(() => pods.lastContactAt ?? 0).toBeGreaterThan(current);
    await expect.poll(() => harness.count(isWatch) + harness.count(isList)).toBeGreaterThan(8);
    expect(pods.lastCurrentAt).toBe(current);
    harness.server.fault = () => undefined;
    await expect.poll(() => pods.lastCurrentAt ?? 0).toBeGreaterThan(current);
  });

  it('recovers when the API server was down, and returns its objects in the meantime', async () => {
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

  it('recovers when the API server is down at the start', async () => {
    await harness.server.down();
    const pods = harness.open();
    const started = pods.start();
    harness.server.put(pod('a', 'red'));
    await harness.server.up();
    await started;
    expect(pods.get('here', 'a')).toBeDefined();
  });

  // A kube-apiserver accepts a watch of a future version, and sends nothing.
  it.each([
    ['rejects the version', { status: 504, body: JSON.stringify(status(504, 'Timeout')) }],
    ['sends no events', 'silence after the head'],
  ] as const)('recovers when the API server is restored from an older backup and %s', async (_what, fault) => {
    for (let i = 0; i < 20; i += 1) harness.server.put(pod('a', `v${i}`));
    const pods = harness.open();
    await pods.start();
    pods.observe({
      metadata: { name: 'a', namespace: 'here', uid: 'uid-of-a', resourceVersion: '5000', labels: { color: 'future' } },
    });
    harness.server.fault = (request) =>
      isWatch(request) && Number(request.query.get('resourceVersion')) > 90
        ? fault
        : isList(request)
          ? {
              status: 200,
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

  it('lists smaller pages if a page is too large', async () => {
    harness.server.put(pod('a', 'red'));
    harness.server.put(pod('b', 'red'));
    const huge = `{"items":[],"pad":"${'x'.repeat(65 * 1024 * 1024)}"}`;
    harness.server.fault = (request) =>
      isList(request) && request.query.get('limit') === '200' ? { status: 200, body: huge } : undefined;
    const pods = harness.open();
    await pods.start();
    expect(pods.values()).toHaveLength(2);
  });

  it('reads an event whose characters are split between chunks', async () => {
    await harness.open().start();
    await harness.server.watching();
    harness.server.put(pod('a', 'ä'.repeat(300_000)));
    await harness.seen(`added a ${'ä'.repeat(300_000)}`);
  });

  it('stops immediately, even if a list is in flight', async () => {
    harness.failFirst(100, isList, 'silence');
    const pods = harness.open({ timing: { listTimeoutMs: 600_000 } });
    const started = pods.start();
    await harness.server.arrival(isList);
    await pods.stop();
    await started;
    expect(pods.synced).toBe(false);
  });
});
