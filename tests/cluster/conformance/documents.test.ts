import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, type Json, jupyterServer, openApi, pathsOf } from './api.ts';

let api: Api;
let paths: ReturnType<typeof pathsOf>;
beforeAll(async () => {
  api = await openApi();
  paths = pathsOf(api.namespace);
});
afterAll(() => api.close());

const get = (path: string, headers: Record<string, string> = {}) => api.call('GET', path, { headers });
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

describe('authentication', () => {
  it.each([null, '', 'nonsense'])('rejects the token %j', async (token) => {
    const { status, json } = await api.call('GET', paths.jupyterServers, { token });
    // A real API server treats a request without a token as anonymous, which has no permissions.
    expect(token ? [401] : [401, 403]).toContain(status);
    expect(json).toMatchObject({ kind: 'Status', status: 'Failure', code: status });
    const body = jupyterServer('intruder');
    expect((await api.call('POST', paths.jupyterServers, { token, body })).status).toBe(status);
    expect((await get(`${paths.jupyterServers}/intruder`)).status).toBe(404);
  });
});

describe('discovery', () => {
  it('has a version and health checks', async () => {
    expect(await api.ok('GET', '/version')).toMatchObject({
      major: '1',
      gitVersion: expect.stringMatching(/^v1\.\d+/),
    });
    for (const path of ['/readyz', '/livez', '/healthz']) {
      const { status, text } = await get(path);
      expect([path, status, text]).toEqual([path, 200, 'ok']);
    }
  });

  it.each([
    ['/api/v1', 'pods', { kind: 'Pod', singularName: 'pod', shortNames: ['po'], categories: ['all'] }],
    ['/api/v1', 'pods/log', { kind: 'Pod' }],
    ['/api/v1', 'pods/status', { kind: 'Pod' }],
    ['/api/v1', 'secrets', { kind: 'Secret' }],
    ['/api/v1', 'events', { kind: 'Event', shortNames: ['ev'] }],
    ['/api/v1', 'services', { kind: 'Service', shortNames: ['svc'], categories: ['all'] }],
    ['/api/v1', 'configmaps', { kind: 'ConfigMap', shortNames: ['cm'] }],
    ['/api/v1', 'persistentvolumeclaims', { kind: 'PersistentVolumeClaim', shortNames: ['pvc'] }],
    ['/apis/apps/v1', 'statefulsets', { kind: 'StatefulSet', shortNames: ['sts'], categories: ['all'] }],
    ['/apis/networking.k8s.io/v1', 'ingresses', { kind: 'Ingress', shortNames: ['ing'] }],
    ['/apis/coordination.k8s.io/v1', 'leases', { kind: 'Lease' }],
    [
      '/apis/amalthea.dev/v1alpha1',
      'jupyterservers',
      { kind: 'JupyterServer', singularName: 'jupyterserver', shortNames: ['js'] },
    ],
  ])('%s has %s', async (path, name, expected) => {
    const { kind, resources } = await api.ok('GET', path);
    expect(kind).toBe('APIResourceList');
    const found = resources.find((each: Json) => each.name === name);
    expect(found).toMatchObject({ ...expected, namespaced: true });
    const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
    if (!name.includes('/')) expect(found.verbs).toEqual(expect.arrayContaining(verbs));
  });

  it('has no status endpoint of a JupyterServer', async () => {
    const { resources } = await api.ok('GET', '/apis/amalthea.dev/v1alpha1');
    expect(resources.map(({ name }: Json) => name)).toEqual(['jupyterservers']);
  });

  it('lists groups', async () => {
    const { groups } = await api.ok('GET', '/apis');
    const own = groups.find(({ name }: Json) => name === 'amalthea.dev');
    expect(own.preferredVersion).toEqual({ groupVersion: 'amalthea.dev/v1alpha1', version: 'v1alpha1' });
    expect((await api.ok('GET', '/apis/amalthea.dev')).versions).toEqual([own.preferredVersion]);
    expect((await api.ok('GET', '/api')).versions).toEqual(['v1']);
  });
});

describe('a path', () => {
  it.each([
    '/nope',
    '/apis/nope',
    '/apis/nope/v1/x',
    '/apis/amalthea.dev/v1/namespaces/default/jupyterservers',
    '/apis/amalthea.dev/v1alpha1/namespaces/default/foos',
    '/healthz/x',
  ])('that is unknown is a plain 404: %s', async (path) => {
    const { status, text, headers } = await get(path);
    expect([status, text.trim(), headers['content-type']]).toEqual([
      404,
      '404 page not found',
      'text/plain; charset=utf-8',
    ]);
  });

  it.each([
    '/api/v1/namespaces/default/foos',
    '/apis/apps/v9/statefulsets',
    '/apis/apps/v1/namespaces/default/foos',
    '/api/v1/pods/x',
    '/api/v1/namespaces/default/pods/x/y',
    '/api/v1/namespaces/default/configmaps/x/status',
  ])('in a group of Kubernetes without such a resource is a 404 with a Status: %s', async (path) => {
    const { status, json } = await get(path);
    expect([status, json.reason, json.message]).toEqual([
      404,
      'NotFound',
      'the server could not find the requested resource',
    ]);
  });

  it('of a missing object is a 404 that names the object', async () => {
    const { status, json } = await get(`${paths.pods}/x`);
    expect([status, json]).toEqual([
      404,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: 'pods "x" not found',
        reason: 'NotFound',
        details: { name: 'x', kind: 'pods' },
        code: 404,
      },
    ]);
  });

  it('does not allow every method', async () => {
    const headers = { 'content-type': 'application/merge-patch+json' };
    for (const [method, path] of [
      ['PUT', paths.configMaps],
      ['PATCH', paths.configMaps],
      ['POST', `${paths.configMaps}/x`],
      ['POST', '/api/v1/configmaps'],
      ['DELETE', '/api/v1/configmaps'],
      ['POST', '/version'],
    ] as const) {
      const { status, json } = await api.call(method, path, { body: {}, ...(method === 'PATCH' ? { headers } : {}) });
      expect([method, path, status, json.reason]).toEqual([method, path, 405, 'MethodNotAllowed']);
    }
  });

  it('has no other media type', async () => {
    const { status, json } = await get(paths.jupyterServers, { accept: 'text/html' });
    expect([status, json.reason]).toEqual([406, 'NotAcceptable']);
  });
});

describe('a table', () => {
  it('of JupyterServers has the columns of the CRD', async () => {
    const status = { create_fn: { fullServerURL: 'https://h/s' }, mainPod: { status: { phase: 'Running' } } };
    const body = { ...jupyterServer('row', { jupyterServer: { image: 'i:1' } }), status };
    await api.ok('POST', paths.jupyterServers, { body });
    for (const path of [`${paths.jupyterServers}/row`, paths.jupyterServers]) {
      const { json } = await get(path, table);
      expect([json.kind, json.apiVersion]).toEqual(['Table', 'meta.k8s.io/v1']);
      const columns = json.columnDefinitions.map(({ name, type, priority }: Json) => [name, type, priority]);
      expect(columns).toEqual([
        ['Name', 'string', 0],
        ['Image', 'string', 0],
        ['URL', 'string', 0],
        ['Pod Status', 'string', 0],
        ['Age', 'date', 0],
      ]);
      expect(json.rows[0].cells).toEqual(['row', 'i:1', 'https://h/s', 'Running', expect.stringMatching(/^\d+s$/)]);
      expect(json.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'row' } });
      expect(json.rows[0].object.spec).toBeUndefined();
    }
    const whole = await api.call('GET', paths.jupyterServers, { headers: table, query: { includeObject: 'Object' } });
    expect(whole.json.rows[0].object).toMatchObject({ kind: 'JupyterServer', spec: { storage: { size: '100Mi' } } });
    const none = await api.call('GET', paths.jupyterServers, { headers: table, query: { includeObject: 'None' } });
    expect(none.json.rows[0].object).toBeNull();
  });

  it.each<[keyof ReturnType<typeof pathsOf>, string]>([
    ['secrets', 'Name Type Data Age'],
    ['configMaps', 'Name Data Age'],
    ['services', 'Name Type Cluster-IP External-IP Port(s) Age Selector'],
    ['pods', 'Name Ready Status Restarts Age IP Node Nominated Node Readiness Gates'],
    ['events', 'Last Seen Type Reason Object Subobject Source Message First Seen Count Name'],
    [
      'persistentVolumeClaims',
      'Name Status Volume Capacity Access Modes StorageClass VolumeAttributesClass Age VolumeMode',
    ],
    ['statefulSets', 'Name Ready Age Containers Images'],
    ['ingresses', 'Name Class Hosts Address Ports Age'],
    ['leases', 'Name Holder Age'],
  ])('of %s has the columns %s', async (kind, columns) => {
    const { json } = await get(paths[kind], table);
    expect(json.columnDefinitions.map(({ name }: Json) => name).join(' ')).toBe(columns);
  });
});

describe('the log of a pod', () => {
  beforeAll(async () => {
    const container = (name: string) => ({ name, image: 'i' });
    const spec = { automountServiceAccountToken: false, nodeName: 'nowhere' };
    for (const [name, containers] of [
      ['one', [container('c')]],
      ['two', [container('c'), container('d')]],
    ] as const) {
      await api.ok('POST', paths.pods, { body: { metadata: { name }, spec: { ...spec, containers } } });
    }
  });

  it.each<[number, string, string, Record<string, string>]>([
    [404, 'NotFound', 'none', {}],
    [400, 'BadRequest', 'one', { container: 'x' }],
    [400, 'BadRequest', 'two', {}],
    [400, 'BadRequest', 'one', { tailLines: 'x' }],
    [400, 'BadRequest', 'one', { sinceTime: 'x' }],
    [422, 'Invalid', 'one', { tailLines: '-1' }],
    [422, 'Invalid', 'one', { sinceSeconds: '0' }],
    [422, 'Invalid', 'one', { limitBytes: '0' }],
    [422, 'Invalid', 'one', { sinceSeconds: '1', sinceTime: '2026-01-01T00:00:00Z' }],
  ])('%i %s for pod %s and %j', async (code, reason, pod, query) => {
    const { status, json } = await api.call('GET', `${paths.pods}/${pod}/log`, { query });
    expect([status, json.kind, json.reason]).toEqual([code, 'Status', reason]);
  });

  it('needs a container if the pod has several, and lists them', async () => {
    const { json } = await get(`${paths.pods}/two/log`);
    expect(json.message).toBe('a container name must be specified for pod two, choose one of: [c d]');
  });
});
