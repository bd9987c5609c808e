import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Json, jupyterServer, openApi, patches, pathsOf } from './api.ts';

let api: Api;
let path: string;
beforeAll(async () => {
  api = await openApi();
  path = pathsOf(api.namespace).jupyterServers;
  const labels: [string, object][] = [
    ['a', { x: '1', t: 'web' }],
    ['b', { x: '2', t: 'web' }],
    ['c', { x: '3' }],
    ['d', { x: '10', empty: '' }],
    ['e', {}],
  ];
  for (const [name, each] of labels) {
    await api.ok('POST', path, { body: jupyterServer(name, {}, { labels: each }) });
  }
});
afterAll(() => api.close());

type Query = Record<string, string | number>;
const list = (query: Query = {}) => api.call('GET', path, { query });
const names = (json: Json): string => json.items.map(({ metadata }: Json) => metadata.name).join('');

describe('a label selector', () => {
  it.each([
    ['x=1', 'a'],
    ['x==1', 'a'],
    ['x!=1', 'bcde'],
    ['x', 'abcd'],
    ['!x', 'e'],
    ['t in (web)', 'ab'],
    ['t notin (web)', 'cde'],
    ['x in (1, 2),t=web', 'ab'],
    ['empty=', 'd'],
    ['empty', 'd'],
    ['x = 1', 'a'],
    ['t=web,x!=1', 'b'],
    ['none', ''],
  ])('%s', async (labelSelector, expected) => {
    const { status, json } = await list({ labelSelector });
    expect([status, names(json)]).toEqual([200, expected]);
  });

  it.each(['a=b=c', '=', 'a b', 'x in (1', 'x in (a b)', '/x=1', '-a=1', `a=${'x'.repeat(64)}`, "x='1'"])(
    '%s is a 400',
    async (labelSelector) => {
      const { status, json } = await list({ labelSelector });
      expect([status, json.reason]).toEqual([400, 'BadRequest']);
    },
  );
});

describe('a field selector', () => {
  it.each([
    ['metadata.name=a', 'a'],
    ['metadata.name==b', 'b'],
    ['metadata.name!=a', 'bcde'],
    ['metadata.name=a,metadata.name=b', ''],
    ['metadata.namespace=elsewhere', ''],
  ])('%s', async (fieldSelector, expected) => {
    const { status, json } = await list({ fieldSelector });
    expect([status, names(json)]).toEqual([200, expected]);
  });

  it.each(['spec.x=1', 'metadata.uid=x', 'status.phase=Running', 'metadata.name'])('%s is a 400', async (selector) => {
    const { status, json } = await list({ fieldSelector: selector });
    expect([status, json.reason]).toEqual([400, 'BadRequest']);
  });

  it('of pods, secrets and events supports the fields that programs of this project use', async () => {
    const { pods, secrets, events } = pathsOf(api.namespace);
    const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false, nodeName: 'n' };
    await api.ok('POST', pods, { body: { metadata: { name: 'p' }, spec } });
    await api.ok('POST', secrets, { body: { metadata: { name: 's' }, type: 'example.org/t' } });
    const involvedObject = { kind: 'Pod', name: 'p', namespace: api.namespace, uid: 'u' };
    await api.ok('POST', events, { body: { metadata: { name: 'v' }, involvedObject, reason: 'Test', type: 'Normal' } });
    for (const [collection, fieldSelector, expected] of [
      [pods, 'spec.nodeName=n,status.phase=Pending', 'p'],
      [pods, 'status.phase!=Pending', ''],
      [secrets, 'type=example.org/t', 's'],
      [events, 'involvedObject.kind=Pod,involvedObject.name=p', 'v'],
      [events, 'involvedObject.kind=StatefulSet', ''],
      [events, 'reason=Test,type=Normal,involvedObject.uid=u', 'v'],
    ] as const) {
      const json = await api.ok('GET', collection, { query: { fieldSelector } });
      expect([fieldSelector, names(json)]).toEqual([fieldSelector, expected]);
    }
  });
});

describe('a list', () => {
  it('has a kind; only items that are custom resources have one, too', async () => {
    const { json } = await list();
    expect([json.apiVersion, json.kind, names(json)]).toEqual(['amalthea.dev/v1alpha1', 'JupyterServerList', 'abcde']);
    expect(json.metadata.resourceVersion).toMatch(/^\d+$/);
    expect(json.items[0]).toMatchObject({ apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer' });
    const { configMaps } = pathsOf(api.namespace);
    await api.ok('POST', configMaps, { body: { metadata: { name: 'kindless' } } });
    const query = { fieldSelector: 'metadata.name=kindless' };
    const built = await api.ok('GET', configMaps, { query });
    expect([built.kind, built.items.length, built.items[0].kind, built.items[0].apiVersion]).toEqual([
      'ConfigMapList',
      1,
      undefined,
      undefined,
    ]);
  });

  it('contains all namespaces, or one; a missing namespace is empty', async () => {
    const query = { fieldSelector: `metadata.namespace=${api.namespace}` };
    expect(names(await api.ok('GET', '/apis/amalthea.dev/v1alpha1/jupyterservers', { query }))).toBe('abcde');
    const missing = await api.ok('GET', '/apis/amalthea.dev/v1alpha1/namespaces/nowhere/jupyterservers');
    expect(missing.items).toEqual([]);
  });

  it.each<[number, string, Query]>([
    [400, 'BadRequest', { limit: 'x' }],
    [400, 'BadRequest', { continue: 'x' }],
    [400, 'BadRequest', { timeoutSeconds: 'x' }],
    [422, 'Invalid', { resourceVersionMatch: 'x', resourceVersion: '1' }],
    [422, 'Invalid', { sendInitialEvents: 'true' }],
    [504, 'Timeout', { resourceVersion: '999999999' }],
  ])('%i %s for %j', async (code, reason, query) => {
    const { status, json } = await list(query);
    expect([status, json.reason]).toEqual([code, reason]);
  });
});

describe('pages', () => {
  it('together are the whole list, at one version', async () => {
    const pages: Json[] = [];
    for (let token = ''; pages.length === 0 || token !== ''; ) {
      const page: Json = (await list({ limit: 2, ...(token ? { continue: token } : {}) })).json;
      pages.push(page);
      token = page.metadata.continue ?? '';
    }
    expect(pages.map(names)).toEqual(['ab', 'cd', 'e']);
    expect(pages.map(({ metadata }) => metadata.remainingItemCount)).toEqual([3, 1, undefined]);
    expect(new Set(pages.map(({ metadata }) => metadata.resourceVersion)).size).toBe(1);
  });

  it('with a selector do not count the remaining objects', async () => {
    const { json } = await list({ limit: 2, labelSelector: 'x' });
    expect([names(json), json.metadata.remainingItemCount]).toEqual(['ab', undefined]);
    const rest = await list({ limit: 5, labelSelector: 'x', continue: json.metadata.continue });
    expect(names(rest.json)).toBe('cd');
  });

  it('show the state at the first page', async () => {
    const first = (await list({ limit: 2 })).json;
    await api.ok('POST', path, { body: jupyterServer('bb') });
    await api.ok('DELETE', `${path}/d`);
    expect(names((await list({ limit: 9, continue: first.metadata.continue })).json)).toBe('cde');
    expect(names((await list()).json)).toBe('abbbce');
    await api.ok('DELETE', `${path}/bb`);
    await api.ok('POST', path, { body: jupyterServer('d', {}, { labels: { x: '10', empty: '' } }) });
  });

  it('cannot be requested with a version', async () => {
    const { metadata } = (await list({ limit: 2 })).json;
    const query = { limit: 2, continue: metadata.continue, resourceVersion: metadata.resourceVersion };
    expect((await list(query)).status).toBe(400);
  });

  it('expire with the history', async () => {
    const first = (await list({ limit: 2 })).json;
    await api.ok('PATCH', `${path}/a`, { body: { status: { seen: 1 } }, headers: patches.merge });
    await api.compact();
    const next = await list({ limit: 2, continue: first.metadata.continue });
    // A real API server may still have the state of the first page in memory.
    if (next.status === 200) expect([api.embedded, names(next.json)]).toEqual([false, 'cd']);
    else expect([next.status, next.json.reason]).toEqual([410, 'Expired']);
  });
});
