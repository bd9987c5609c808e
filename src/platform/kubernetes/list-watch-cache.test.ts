import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CacheHarness,
  isList,
  isWatch,
  pod,
  startCacheHarness,
} from '../../../tests/support/kubernetes/cache-harness.ts';

let harness: CacheHarness;

beforeEach(async () => {
  harness = await startCacheHarness();
});

afterEach(() => harness[Symbol.asyncDispose]());

describe('the cache with a healthy API server', () => {
  it('lists pages, then watches, and updates the indexes', async () => {
    for (let i = 0; i < 1201; i += 1) harness.server.put(pod(`p${i}`, i % 2 ? 'red' : 'blue'));
    const pods = harness.open();
    expect(pods.synced).toBe(false);
    expect(pods.lastContactAt).toBeUndefined();
    await pods.start();
    expect(pods.synced).toBe(true);
    expect(harness.count(isList)).toBe(7);
    expect(pods.values()).toHaveLength(1201);
    expect(pods.byIndex('color', 'red')).toHaveLength(600);
    expect(pods.lastContactAt).toBeGreaterThan(Date.now() - 60_000);

    harness.server.put(pod('p1', 'green'));
    await harness.seen('modified p1 green');
    expect(pods.byIndex('color', 'red')).toHaveLength(599);
    expect(pods.byIndex('color', 'green')).toEqual([{ name: 'p1', color: 'green' }]);
    harness.server.remove('p1');
    await harness.seen('deleted p1 green');
    expect(pods.get('here', 'p1')).toBeUndefined();
    expect(pods.byIndex('color', 'green')).toEqual([]);
    expect(() => pods.byIndex('size', 'big')).toThrow('no index');
  });

  it('resumes a watch that the server has ended, without a new list or lost events', async () => {
    await harness.open().start();
    await harness.server.watching();
    harness.server.endWatches('cleanly');
    harness.server.put(pod('between', 'red'));
    await harness.seen('added between red');
    expect(harness.count(isList)).toBe(1);
  });

  it('resumes from the version of a bookmark', async () => {
    await harness.open().start();
    await harness.server.watching();
    harness.server.put(pod('a', 'red'));
    harness.server.remove('b');
    harness.server.bookmark();
    const version = harness.server.put(pod('a', 'blue')).metadata.resourceVersion;
    await harness.seen('modified a blue');
    const resumed = harness.server.arrival(isWatch);
    harness.server.endWatches('reset');
    expect((await resumed).query.get('resourceVersion')).toBe(version);
    expect((await resumed).query.get('allowWatchBookmarks')).toBe('true');
  });

  it('skips malformed and excluded objects, and adds an object that is corrected', async () => {
    harness.server.put(pod('bad', 'malformed'));
    harness.server.put(pod('good', 'red'));
    harness.server.put({ metadata: { name: 'foreign', labels: { hidden: 'yes' } } });
    const pods = harness.open();
    await pods.start();
    expect(pods.values()).toEqual([{ name: 'good', color: 'red' }]);
    harness.server.put(pod('bad', 'corrected'));
    await harness.seen('added bad corrected');
    harness.server.put(pod('bad', 'malformed'));
    await harness.seen('deleted bad corrected');
    expect(pods.get('here', 'bad')).toBeUndefined();
  });

  it('continues when a listener throws or rejects', async () => {
    let calls = 0;
    await harness
      .open({
        onChange: async (event) => {
          calls += 1;
          harness.record(event);
          if (calls === 1) throw new Error('at once');
          await Promise.resolve();
          throw new Error('later');
        },
      })
      .start();
    harness.server.put(pod('a', 'red'));
    harness.server.put(pod('b', 'red'));
    harness.server.put(pod('c', 'red'));
    await harness.seen('added c red');
  });
});

describe('own writes', () => {
  it('are visible immediately, and are not replaced by older events', async () => {
    const old = harness.server.put(pod('a', 'old'));
    const pods = harness.open();
    await pods.start();
    const fresh = { ...old, metadata: { ...old.metadata, resourceVersion: '9999', labels: { color: 'fresh' } } };
    pods.observe(fresh);
    expect(pods.get('here', 'a')?.color).toBe('fresh');
    harness.server.put(pod('a', 'late'));
    harness.server.put(pod('b', 'red'));
    await harness.seen('added b red');
    expect(pods.get('here', 'a')?.color).toBe('fresh');
  });

  it('remain after a list that began before the write, and are removed by a later list without them', async () => {
    const pods = harness.open();
    await pods.start();
    const relist = harness.server.arrival(isList);
    harness.server.compact();
    let observed = false;
    harness.server.fault = (request) => {
      if (!isList(request) || observed) return undefined;
      observed = true;
      // The list is in flight, and its response does not contain this object.
      pods.observe({ metadata: { name: 'mine', namespace: 'here', uid: 'u', resourceVersion: '9999' } });
      return undefined;
    };
    harness.server.put(pod('x', 'red'));
    harness.server.compact();
    harness.server.endWatches('reset');
    await relist;
    await harness.seen('added x red');
    expect(pods.get('here', 'mine')).toBeDefined();
    harness.server.put(pod('y', 'red'));
    harness.server.compact();
    harness.server.endWatches('reset');
    await harness.seen('deleted mine undefined');
  });

  it('that delete an object are not undone by late events, and a new object with the same name is added', async () => {
    const old = harness.server.put(pod('a', 'red'));
    const pods = harness.open();
    await pods.start();
    pods.forget('here', 'a', old.metadata.uid ?? '');
    expect(pods.get('here', 'a')).toBeUndefined();
    harness.server.put(pod('a', 'late'));
    pods.observe({ ...old, metadata: { ...old.metadata, resourceVersion: '99999' } });
    harness.server.put({ metadata: { ...pod('a', 'new').metadata, uid: 'another' } });
    await harness.seen('added a new');
    expect(harness.changes).not.toContain('added a late');
    pods.forget('here', 'a', old.metadata.uid ?? '');
    expect(pods.get('here', 'a')?.color).toBe('new');
  });
});
