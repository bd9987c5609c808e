import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Json, jupyterServer, openApi, patches, pathsOf, type Watch, type WatchEvent } from './api.ts';

let api: Api;
let path: string;
beforeAll(async () => {
  api = await openApi();
  path = pathsOf(api.namespace).jupyterServers;
});
afterAll(() => api.close());

const make = (name: string, labels: object = {}): Promise<Json> =>
  api.ok('POST', path, { body: jupyterServer(name, {}, { labels }) });
const patch = (name: string, body: object): Promise<Json> =>
  api.ok('PATCH', `${path}/${name}`, { body, headers: patches.merge });
const remove = (name: string): Promise<Json> => api.ok('DELETE', `${path}/${name}`);
const version = async (): Promise<string> => (await api.ok('GET', path)).metadata.resourceVersion;
const described = ({ type, object }: WatchEvent): string => `${type} ${object.metadata?.name}`;

/** The next `count` events that are no bookmarks. */
async function events(watch: Watch, count: number): Promise<WatchEvent[]> {
  const found: WatchEvent[] = [];
  while (found.length < count) {
    const event = await watch.next();
    if (event === undefined) throw new Error(`the watch ended after ${found.map(described).join(', ')}`);
    if (event.type !== 'BOOKMARK') found.push(event);
  }
  return found;
}

describe('a watch', () => {
  it('from the version of a list tells every change after it, in order', async () => {
    await make('before');
    const watch = await api.watch(path, { resourceVersion: await version(), allowWatchBookmarks: true });
    expect([watch.status, watch.contentType]).toEqual([200, 'application/json']);
    const made = await make('told');
    const changed = await patch('told', { status: { state: 'running' } });
    await patch('told', { status: { state: 'running' } });
    await remove('told');
    const seen = await events(watch, 3);
    expect(seen.map(described)).toEqual(['ADDED told', 'MODIFIED told', 'DELETED told']);
    expect(seen[0]?.object).toEqual(made);
    expect(seen[1]?.object).toEqual(changed);
    const last = seen[2]?.object;
    expect([last.status.state, last.apiVersion, last.kind]).toEqual(['running', made.apiVersion, made.kind]);
    expect(Number(last.metadata.resourceVersion)).toBeGreaterThan(Number(changed.metadata.resourceVersion));
    watch.close();
  });

  it('goes on from where another one ended', async () => {
    const made = await make('resumed');
    await patch('resumed', { status: { state: 'x' } });
    await remove('resumed');
    const watch = await api.watch(path, { resourceVersion: made.metadata.resourceVersion });
    expect((await events(watch, 2)).map(described)).toEqual(['MODIFIED resumed', 'DELETED resumed']);
    watch.close();
  });

  it('without a version begins with what there is', async () => {
    for (const resourceVersion of [undefined, '', '0']) {
      const watch = await api.watch(path, resourceVersion === undefined ? {} : { resourceVersion });
      expect((await events(watch, 1)).map(described)).toEqual(['ADDED before']);
      watch.close();
    }
  });

  it('tells of objects that come to match, change, and no longer match', async () => {
    await make('matching', { group: 'out' });
    const watch = await api.watch(path, { resourceVersion: await version(), labelSelector: 'group=in' });
    await patch('matching', { metadata: { labels: { group: 'in' } } });
    await patch('matching', { status: { state: 'x' } });
    const out = await patch('matching', { metadata: { labels: { group: 'out' } } });
    await patch('matching', { status: { state: 'y' } });
    await remove('matching');
    await make('other', { group: 'in' });
    const seen = await events(watch, 4);
    expect(seen.map(described)).toEqual(['ADDED matching', 'MODIFIED matching', 'DELETED matching', 'ADDED other']);
    // As it was when it matched, with the version of the change.
    expect(seen[2]?.object.metadata).toMatchObject({
      labels: { group: 'in' },
      resourceVersion: out.metadata.resourceVersion,
    });
    watch.close();
    await remove('other');
  });

  it('of one name or of all namespaces sees what it asks for', async () => {
    const resourceVersion = await version();
    const one = await api.watch(path, { resourceVersion, fieldSelector: 'metadata.name=wanted' });
    const everywhere = '/apis/amalthea.dev/v1alpha1/jupyterservers';
    const all = await api.watch(everywhere, { resourceVersion, labelSelector: 'set=all' });
    await make('unwanted', { set: 'all' });
    await make('wanted', { set: 'all' });
    expect((await events(one, 1)).map(described)).toEqual(['ADDED wanted']);
    expect((await events(all, 2)).map(described)).toEqual(['ADDED unwanted', 'ADDED wanted']);
    one.close();
    all.close();
    for (const name of ['wanted', 'unwanted']) await remove(name);
  });

  it('of another kind sees nothing of this one, and of its own all', async () => {
    const { secrets } = pathsOf(api.namespace);
    const { metadata } = await api.ok('GET', secrets);
    const watch = await api.watch(secrets, { resourceVersion: metadata.resourceVersion });
    await patch('before', { status: { state: 'x' } });
    await api.ok('POST', secrets, { body: { metadata: { name: 's' }, stringData: { a: 'b' } } });
    const [event] = await events(watch, 1);
    expect([event?.type, event?.object.kind, event?.object.data]).toEqual(['ADDED', 'Secret', { a: 'Yg==' }]);
    watch.close();
  });
});

describe('the end of a watch', () => {
  it('comes in its time, with a bookmark to go on from', async () => {
    const resourceVersion = await version();
    const began = performance.now();
    const labelSelector = 'group=nobody';
    const watch = await api.watch(path, {
      resourceVersion,
      labelSelector,
      timeoutSeconds: 5,
      allowWatchBookmarks: true,
    });
    // What this watch does not show moves it on all the same.
    const { metadata } = await patch('before', { status: { state: 'unseen' } });
    const seen = await watch.rest();
    expect(performance.now() - began).toBeGreaterThan(4_000);
    const last = seen.at(-1);
    expect([last?.type, last?.object.kind, last?.object.apiVersion]).toEqual([
      'BOOKMARK',
      'JupyterServer',
      'amalthea.dev/v1alpha1',
    ]);
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['BOOKMARK']));
    expect(Number(last?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(metadata.resourceVersion));
    const next = await api.watch(path, { resourceVersion: last?.object.metadata.resourceVersion });
    await make('after');
    expect((await events(next, 1)).map(described)).toEqual(['ADDED after']);
    next.close();
    await remove('after');
  });

  it('comes without one when none is wanted', async () => {
    const watch = await api.watch(path, { resourceVersion: await version(), timeoutSeconds: 2 });
    expect(await watch.rest()).toEqual([]);
  });

  it('comes at once, with 410, when its version is forgotten', async () => {
    await patch('before', { status: { state: 'compacted' } });
    await api.compact();
    const watch = await api.watch(path, { resourceVersion: '1', allowWatchBookmarks: true });
    expect(watch.status).toBe(200);
    const seen = await watch.rest();
    expect(seen).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', reason: 'Expired', code: 410 } }]);
    const resumed = await api.watch(path, { resourceVersion: await version() });
    await make('resumed');
    expect((await events(resumed, 1)).map(described)).toEqual(['ADDED resumed']);
    resumed.close();
    await remove('resumed');
  });
});

describe('a watch that is a list, too', () => {
  const streaming = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true };

  it('ends what was there with a bookmark that says so, and goes on', async () => {
    const watch = await api.watch(path, streaming);
    expect((await events(watch, 1)).map(described)).toEqual(['ADDED before']);
    const mark = await watch.next();
    expect([mark?.type, mark?.object.metadata.annotations]).toEqual([
      'BOOKMARK',
      { 'k8s.io/initial-events-end': 'true' },
    ]);
    expect(Number(mark?.object.metadata.resourceVersion)).toBeGreaterThan(0);
    await make('later');
    expect((await events(watch, 1)).map(described)).toEqual(['ADDED later']);
    watch.close();
    await remove('later');
  });

  it.each<[object]>([
    [{ sendInitialEvents: true }],
    [{ resourceVersionMatch: 'NotOlderThan' }],
    [{ ...streaming, resourceVersionMatch: 'Exact' }],
    [{ continue: 'x' }],
  ])('422 for %j', async (query) => {
    const { status, json } = await api.call('GET', path, { query: { watch: true, timeoutSeconds: 1, ...query } });
    expect([status, json.reason]).toEqual([422, 'Invalid']);
  });

  it.each<[object]>([[{ labelSelector: 'a b' }], [{ fieldSelector: 'spec.x=1' }], [{ timeoutSeconds: 'x' }]])(
    '400 for %j',
    async (query) => {
      const { status, json } = await api.call('GET', path, { query: { watch: true, ...query } });
      expect([status, json.reason]).toEqual([400, 'BadRequest']);
    },
  );
});

describe('a watch of tables', () => {
  it('names the columns once', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
    const watch = await api.watch(path, { resourceVersion: await version() }, { accept });
    await make('row');
    await remove('row');
    const seen = await events(watch, 2);
    expect(seen.map(({ type, object }) => `${type} ${object.kind} ${object.rows[0].cells[0]}`)).toEqual([
      'ADDED Table row',
      'DELETED Table row',
    ]);
    expect(seen.map(({ object }) => object.columnDefinitions?.length ?? 0)).toEqual([5, 0]);
    watch.close();
  });
});
