import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Json, jupyterServer, openApi, patches, pathsOf } from './api.ts';

let api: Api;
let paths: ReturnType<typeof pathsOf>;
beforeAll(async () => {
  api = await openApi();
  paths = pathsOf(api.namespace);
});
afterAll(() => api.close());

const at = (name: string) => `${paths.jupyterServers}/${name}`;
const make = (name: string, spec: object = {}, metadata: object = {}): Promise<Json> =>
  api.ok('POST', paths.jupyterServers, { body: jupyterServer(name, spec, metadata) });
const merge = (path: string, body: unknown) => api.call('PATCH', path, { body, headers: patches.merge });
const operate = (path: string, ...body: unknown[]) => api.call('PATCH', path, { body, headers: patches.json });

describe('PUT', () => {
  it('replaces the whole object; a missing status becomes the default', async () => {
    const made = await make('put', { routing: { host: 'h' } }, { labels: { a: 'b' } });
    await merge(at('put'), { status: { state: 'running' } });
    const { metadata } = await api.ok('GET', at('put'));
    const { status: _status, ...body } = { ...made, spec: { routing: { host: 'i' } }, metadata };
    const { status, json } = await api.call('PUT', at('put'), { body });
    expect([status, json.spec.routing.host, json.spec.storage.size]).toEqual([200, 'i', '100Mi']);
    expect(json.status).toEqual({ children: {}, mainPod: {} });
    expect(json.metadata).toMatchObject({ uid: metadata.uid, creationTimestamp: metadata.creationTimestamp });
    expect(json.metadata.generation).toBe(metadata.generation + 1);
    const bare = { name: 'put', resourceVersion: json.metadata.resourceVersion };
    const stripped = await api.ok('PUT', at('put'), { body: { ...json, metadata: bare } });
    expect(stripped.metadata.labels).toBeUndefined();
    expect(stripped.metadata.uid).toBe(metadata.uid);
  });

  it('writes nothing if nothing changes', async () => {
    const made = await make('same');
    const { metadata } = await api.ok('PUT', at('same'), { body: made });
    expect([metadata.resourceVersion, metadata.generation]).toEqual([made.metadata.resourceVersion, 1]);
  });

  it.each<[number, string, (metadata: Json) => object]>([
    [409, 'Conflict', (metadata) => ({ ...metadata, resourceVersion: '1' })],
    [409, 'Conflict', (metadata) => ({ ...metadata, uid: 'x' })],
    [422, 'Invalid', (metadata) => ({ ...metadata, resourceVersion: undefined })],
    [400, 'BadRequest', (metadata) => ({ ...metadata, name: 'x' })],
    [400, 'BadRequest', (metadata) => ({ ...metadata, name: undefined })],
    [400, 'BadRequest', (metadata) => ({ ...metadata, namespace: 'x' })],
  ])('%i %s for other metadata (%#)', async (code, reason, change) => {
    const made = (await api.call('GET', at('rejected'))).json;
    const object = made.kind === 'JupyterServer' ? made : await make('rejected');
    const body = { ...object, metadata: change(object.metadata) };
    const { status, json } = await api.call('PUT', at('rejected'), { body });
    expect([status, json.reason]).toEqual([code, reason]);
  });

  it('is a 404 for a missing object', async () => {
    const { status, json } = await api.call('PUT', at('none'), { body: jupyterServer('none') });
    expect([status, json.reason, json.message]).toEqual([
      404,
      'NotFound',
      'jupyterservers.amalthea.dev "none" not found',
    ]);
  });

  it('needs no version for a built-in kind', async () => {
    await api.ok('POST', paths.configMaps, { body: { metadata: { name: 'c' }, data: { a: 'b' } } });
    const body = { metadata: { name: 'c' }, data: { a: 'c' } };
    expect((await api.ok('PUT', `${paths.configMaps}/c`, { body })).data).toEqual({ a: 'c' });
    const stale = { ...body, metadata: { name: 'c', resourceVersion: '1' } };
    expect((await api.call('PUT', `${paths.configMaps}/c`, { body: stale })).status).toBe(409);
  });
});

describe('a merge patch', () => {
  it('merges objects, removes members with null, and applies defaults again', async () => {
    await make('merge', { routing: { host: 'h' } }, { labels: { a: 'b' }, annotations: { x: 'y' } });
    const patch = {
      metadata: { labels: { a: null, c: 'd' }, annotations: { x: null } },
      spec: { routing: { host: null, path: null }, jupyterServer: { hibernated: true } },
      status: { state: 'running', mainPod: { name: 'p' } },
    };
    const { status, json } = await merge(at('merge'), patch);
    expect(status).toBe(200);
    expect(json.metadata.labels).toEqual({ c: 'd' });
    expect(json.metadata.annotations).toBeUndefined();
    expect(json.spec.routing).toEqual({ ingressAnnotations: {}, path: '/', tls: { enabled: false } });
    expect(json.spec.jupyterServer.hibernated).toBe(true);
    expect(json.status).toEqual({ children: {}, mainPod: { name: 'p' }, state: 'running' });
    expect((await merge(at('merge'), { status: null })).json.status).toEqual({ children: {}, mainPod: {} });
    expect((await merge(at('merge'), { spec: null })).json.spec).toBeUndefined();
  });

  it('increments the generation for changes outside metadata, and writes nothing if nothing changes', async () => {
    const made = await make('counted');
    const generations = [];
    for (const patch of [
      { metadata: { labels: { a: 'b' } } },
      { status: { x: 1 } },
      { spec: { routing: { host: 'h' } } },
    ])
      generations.push((await merge(at('counted'), patch)).json.metadata.generation);
    expect([made.metadata.generation, ...generations]).toEqual([1, 1, 2, 3]);
    const before = await api.ok('GET', at('counted'));
    const { json } = await merge(at('counted'), { spec: { routing: { host: 'h' } } });
    expect(json.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it.each<[number, string, unknown]>([
    [409, 'Conflict', { metadata: { resourceVersion: '1' } }],
    [422, 'Invalid', { metadata: { uid: 'another' } }],
    [422, 'Invalid', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } }],
    [422, 'Invalid', { spec: { culling: { idleSecondsThreshold: -5 } } }],
    [422, 'Invalid', { metadata: { labels: { a: 'b c' } } }],
    [400, 'BadRequest', { metadata: { name: 'x' } }],
    [400, 'BadRequest', { metadata: { namespace: 'x' } }],
    [400, 'BadRequest', { metadata: null }],
    [422, 'Invalid', { kind: 'Pod' }],
    [400, 'BadRequest', []],
    [400, 'BadRequest', '{'],
    [400, 'BadRequest', ''],
  ])('%i %s for %j', async (code, reason, patch) => {
    await api.call('POST', paths.jupyterServers, { body: jupyterServer('steady') });
    const before = await api.ok('GET', at('steady'));
    const { status, json } = await merge(at('steady'), patch);
    expect([status, json.kind, json.reason]).toEqual([code, 'Status', reason]);
    expect(await api.ok('GET', at('steady'))).toEqual(before);
  });

  it('may name the current uid and version', async () => {
    const { metadata } = await make('guarded');
    const guard = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
    const { status, json } = await merge(at('guarded'), { metadata: guard, status: { state: 'y' } });
    expect([status, json.status.state]).toEqual([200, 'y']);
    expect((await merge(at('guarded'), { metadata: guard, status: { state: 'z' } })).status).toBe(409);
  });

  it('is a 404 for a missing object and a 415 for another type of patch', async () => {
    expect((await merge(at('none'), {})).status).toBe(404);
    for (const type of ['application/json', 'application/strategic-merge-patch+json']) {
      const { status, json } = await api.call('PATCH', at('steady'), { body: {}, headers: { 'content-type': type } });
      expect([status, json.reason]).toEqual([415, 'UnsupportedMediaType']);
    }
  });
});

describe('a JSON patch', () => {
  it('adds, replaces, removes, copies, moves and tests', async () => {
    await make('json', {}, { labels: { a: 'b' } });
    const { status, json } = await operate(
      at('json'),
      { op: 'add', path: '/metadata/labels/x~1y', value: 'z' },
      { op: 'test', path: '/metadata/labels/a', value: 'b' },
      { op: 'add', path: '/status/one', value: { two: [1] } },
      { op: 'add', path: '/status/one/two/-', value: 3 },
      { op: 'add', path: '/status/one/two/1', value: 2 },
      { op: 'copy', from: '/status/one', path: '/status/copy' },
      { op: 'move', from: '/status/copy', path: '/status/moved' },
      { op: 'remove', path: '/status/one/two/0' },
      { op: 'add', path: '/spec/patches/-', value: { type: 'application/json-patch+json', patch: [] } },
    );
    expect(status).toBe(200);
    expect(json.metadata.labels).toEqual({ a: 'b', 'x/y': 'z' });
    expect(json.status).toEqual({ children: {}, mainPod: {}, one: { two: [2, 3] }, moved: { two: [1, 2, 3] } });
    expect(json.spec.patches).toHaveLength(1);
  });

  it('is as lenient as operators expect', async () => {
    await make('lenient');
    const { status, json } = await operate(
      at('lenient'),
      { op: 'replace', path: '/status/missing', value: 1 },
      { op: 'test', path: '/status/none', value: null },
      { op: 'add', path: '/status/empty' },
    );
    expect([status, json.status.missing, json.status.empty]).toEqual([200, 1, null]);
    const fresh = await operate(at('lenient'), { op: 'replace', path: '/spec', value: {} });
    expect(fresh.json.spec.storage.size).toBe('100Mi');
  });

  it.each<[number, unknown]>([
    [422, [{ op: 'test', path: '/status/none', value: 1 }]],
    [422, [{ op: 'test', path: '/metadata/uid', value: 'another' }]],
    [422, [{ op: 'replace', path: '/status/no/parent', value: 1 }]],
    [422, [{ op: 'remove', path: '/status/none' }]],
    [422, [{ op: 'move', from: '/status/none', path: '/status/x' }]],
    [422, [{ op: 'add', path: '/spec/patches/5', value: {} }]],
    [422, [{ op: 'add', path: '/metadata/annotations/x', value: '1' }]],
    [422, [{ op: 'add', path: 'x', value: 1 }]],
    [422, [{ op: 'x', path: '/status/x' }]],
    [422, [{ path: '/status/x' }]],
    [422, [{ op: 'add', path: '', value: 5 }]],
    [422, [{ op: 'add', path: '/spec/storage/size', value: 1.5 }]],
    [400, [{ op: 'replace', path: '/metadata/name', value: 'x' }]],
    [400, { op: 'add' }],
    [400, [5]],
    [400, '['],
  ])('%i for %j', async (code, patch) => {
    await api.call('POST', paths.jupyterServers, { body: jupyterServer('fixed') });
    const before = await api.ok('GET', at('fixed'));
    const { status, json } = await api.call('PATCH', at('fixed'), { body: patch, headers: patches.json });
    expect([status, json.kind]).toEqual([code, 'Status']);
    expect(await api.ok('GET', at('fixed'))).toEqual(before);
  });
});

describe('the status', () => {
  it('of a JupyterServer has no endpoint', async () => {
    await make('whole');
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', jupyterServer('whole')],
      ['PATCH', {}],
    ] as const) {
      const headers = method === 'PATCH' ? patches.merge : {};
      const { status, json } = await api.call(method, `${at('whole')}/status`, { body, headers });
      expect([status, json.reason, json.message, json.details.name]).toEqual([
        404,
        'NotFound',
        'jupyterservers.amalthea.dev "whole" not found',
        'whole',
      ]);
    }
  });

  it('of a pod is written only through its endpoint', async () => {
    const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false, nodeName: 'nowhere' };
    await api.ok('POST', paths.pods, { body: { metadata: { name: 'p' }, spec } });
    const pod = `${paths.pods}/p`;
    const elsewhere = await merge(pod, { status: { phase: 'Running' } });
    expect([elsewhere.status, elsewhere.json.status.phase]).toEqual([200, 'Pending']);
    const here = await merge(`${pod}/status`, { status: { phase: 'Running' }, spec: { containers: [] } });
    expect([here.json.status.phase, here.json.spec.containers.length]).toEqual(['Running', 1]);
    expect((await api.ok('GET', `${pod}/status`)).status.phase).toBe('Running');
    const rejected = await merge(pod, { spec: { hostname: 'x' } });
    expect([rejected.status, rejected.json.details.causes[0].reason]).toEqual([422, 'FieldValueForbidden']);
  });
});
