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

/** Returns the next `count` events, without bookmarks. */
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
  it('from the version of a list sends every change after that version, in order', async () => {
    await make('before');
    const watch = await api.watch(path, { resourceVersion: await version(), allowWatchBookmarks: true });
    expect([watch.status, watch.contentType]).toEqual([200, 'application/json']);
    const made = await make('changed');
    const changed = await patch('changed', { status: { state: 'running' } });
    await patch('changed', { status: { state: 'running' } });
    await remove('changed');
    const seen = await events(watch, 3);
    expect(seen.map(described)).toEqual(['ADDED changed', 'MODIFIED changed', 'DELETED changed']);
    expect(seen[0]?.object).toEqual(made);
    expect(seen[1]?.object).toEqual(changed);
    const last = seen[2]?.object;
    expect([last.status.state, last.apiVersion, last.kind]).toEqual(['running', made.apiVersion, made.kind]);
    expect(Number(last.metadata.resourceVersion)).toBeGreaterThan(Number(changed.metadata.resourceVersion));
    watch.close();
  });

  it('continues where another watch ended', async () => {
    const made = await make('resumed');
    await patch('resumed', { status: { state: 'x' } });
    await remove('resumed');
    const watch = await api.watch(path, { resourceVersion: made.metadata.resourceVersion });
    expect((await events(watch, 2)).map(described)).toEqual(['MODIFIED resumed', 'DELETED resumed']);
    watch.close();
  });

  it('without a version starts with the existing objects', async () => {
    for (const resourceVersion of [undefined, '', '0']) {
      const watch = await api.watch(path, resourceVersion === undefined ? {} : { resourceVersion });
      expect((await events(watch, 1)).map(described)).toEqual(['ADDED before']);
      watch.close();
    }
  });

  it('with a selector sends objects that start to match, change, and stop matching', async () => {
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
    // The last matching state, with the version of the change.
    expect(seen[2]?.object.metadata).toMatchObject({
      labels: { group: 'in' },
      resourceVersion: out.metadata.resourceVersion,
    });
    watch.close();
    await remove('other');
  });

  it('can select one name or all namespaces', async () => {
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

  it('sends only changes of its kind', async () => {
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
  it('comes after the timeout, with a bookmark', async () => {
    const resourceVersion = await version();
    const began = performance.now();
    const labelSelector = 'group=none';
    const watch = await api.watch(path, {
      resourceVersion,
      labelSelector,
      timeoutSeconds: 5,
      allowWatchBookmarks: true,
    });
    // Changes that the watch does not send move its bookmark, too.
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

  it('comes without a bookmark if none is requested', async () => {
    const watch = await api.watch(path, { resourceVersion: await version(), timeoutSeconds: 2 });
    expect(await watch.rest()).toEqual([]);
  });

  it('comes at once, with 410, if the version was compacted', async () => {
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

describe('the options of a watch', () => {
  it.each<[object]>([[{ sendInitialEvents: true }]])('422 for %j', async (query) => {
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
  it('sends the column definitions once', async () => {
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
