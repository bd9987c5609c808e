import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, pod } from '../../../tests/support/local/api-server/objects.ts';
import {
  type CallOptions,
  JUPYTER_SERVERS,
  jupyterServer,
  log,
  startTestServer,
  type TestServer,
} from '../../../tests/support/local/api-server/test-server.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { createApiServer } from './api-server.ts';
import { at } from './json.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    node: {
      async *logs() {
        yield 'a line\n';
      },
      metrics: () => [
        {
          namespace: 'default',
          name: 'measured',
          timestamp: '2026-01-01T00:00:00Z',
          windowSeconds: 30,
          containers: [{ name: 'main', cpuNanocores: 1_234_567, memoryBytes: 10_240 }],
        },
      ],
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const call = (method: string, path: string, options?: CallOptions) => server.call(method, path, options);
const merge = (body: unknown) => ({ body, headers: { 'content-type': 'application/merge-patch+json' } });
const coreV1 = '/api/v1/namespaces/default';
const table = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' } };

describe('authentication', () => {
  it.each([[null], [''], ['a-test-toke'], ['a-test-token2'], ['A-TEST-TOKEN']])(
    'rejects the token %j for every path, including discovery and health',
    async (token) => {
      for (const path of [
        JUPYTER_SERVERS,
        '/version',
        '/api',
        '/apis',
        '/healthz',
        '/openapi/v2',
        '/nowhere',
        '/%zz',
      ]) {
        const { status, json, headers } = await call('GET', path, { token });
        expect({ path, status, reason: at(json, 'reason') }).toEqual({ path, status: 401, reason: 'Unauthorized' });
        expect(headers['www-authenticate']).toBe('Bearer');
      }
      const body = jupyterServer('intruder');
      expect((await call('POST', JUPYTER_SERVERS, { token, body })).status).toBe(401);
      expect(server.cluster.get(jupyterServers, 'default', 'intruder')).toBeUndefined();
    },
  );

  it('does not accept a token in the URL', async () => {
    expect((await call('GET', '/version?access_token=a-test-token', { token: null })).status).toBe(401);
    expect(() => createApiServer({ cluster: server.cluster, token: '', log })).toThrow('needs a token');
  });
});

describe('a JupyterServer over HTTP', () => {
  const path = `${JUPYTER_SERVERS}/life`;

  it('can be created with defaults, read, patched, replaced and deleted', async () => {
    const created = await call('POST', JUPYTER_SERVERS, { body: jupyterServer('life') });
    expect(created.status).toBe(201);
    expect(at(created.json, 'spec', 'storage', 'size')).toBe('100Mi');
    expect((await call('POST', JUPYTER_SERVERS, { body: jupyterServer('life') })).status).toBe(409);
    expect((await call('GET', path)).json).toEqual(created.json);

    const patched = await call('PATCH', path, merge({ status: { state: 'running' } }));
    expect(at(patched.json, 'status')).toEqual({ children: {}, mainPod: {}, state: 'running' });
    const operations = [{ op: 'replace', path: '/status/mainPod/name', value: 'life-0' }];
    const headers = { 'content-type': 'application/json-patch+json' };
    const lenient = await call('PATCH', path, { body: operations, headers });
    expect(at(lenient.json, 'status', 'mainPod')).toEqual({ name: 'life-0' });

    const stale = await call('PUT', path, { body: created.json });
    expect([stale.status, at(stale.json, 'reason')]).toEqual([409, 'Conflict']);
    const replaced = await call('PUT', path, { body: lenient.json });
    expect(replaced.json).toEqual(lenient.json);

    const uid = at(created.json, 'metadata', 'uid');
    const wrong = await call('DELETE', path, { body: { preconditions: { uid: 'other' } } });
    expect(wrong.status).toBe(409);
    const deleted = await call('DELETE', path);
    expect(deleted.json).toMatchObject({
      status: 'Success',
      details: { name: 'life', group: 'amalthea.dev', kind: 'jupyterservers', uid },
    });
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('DELETE', path)).status).toBe(404);
  });

  it('is not written by a dry run: dry runs are rejected', async () => {
    const body = jupyterServer('dry');
    expect((await call('POST', `${JUPYTER_SERVERS}?dryRun=All`, { body })).status).toBe(422);
    expect((await call('GET', `${JUPYTER_SERVERS}/dry`)).status).toBe(404);
    await call('POST', JUPYTER_SERVERS, { body });
    const dry = `${JUPYTER_SERVERS}/dry?dryRun=All`;
    expect((await call('PATCH', dry, merge({ spec: { routing: { host: 'h' } } }))).status).toBe(422);
    expect((await call('DELETE', dry)).status).toBe(422);
    for (const dryRun of [['All'], 'All']) {
      expect((await call('DELETE', `${JUPYTER_SERVERS}/dry`, { body: { dryRun } })).status).toBe(422);
    }
    const { json } = await call('GET', `${JUPYTER_SERVERS}/dry`);
    expect(at(json, 'spec', 'routing', 'host')).toBeUndefined();
    await call('DELETE', `${JUPYTER_SERVERS}/dry`);
  });

  it('is stored without unknown fields, or rejected if the request is strict', async () => {
    const body = jupyterServer('fields', { bogus: 1 });
    const strict = await call('POST', `${JUPYTER_SERVERS}?fieldValidation=Strict`, { body });
    expect(strict.status).toBe(400);
    expect(at(strict.json, 'message')).toContain('strict decoding error: unknown field "spec.bogus"');
    const removed = await call('POST', JUPYTER_SERVERS, { body });
    expect([removed.status, at(removed.json, 'spec', 'bogus')]).toEqual([201, undefined]);
  });

  it('has no status subresource', async () => {
    expect((await call('GET', `${path}/status`)).status).toBe(404);
    expect((await call('PATCH', `${path}/status`, merge({}))).status).toBe(404);
  });

  it('is rejected with the path of each invalid field', async () => {
    const body = jupyterServer('Bad_Name', { culling: { idleSecondsThreshold: -1 }, storage: { size: 1.5 } });
    const { status, json } = await call('POST', JUPYTER_SERVERS, { body });
    expect(status).toBe(422);
    const causes = at(json, 'details', 'causes') as { field: string }[];
    expect(causes.map(({ field }) => field)).toEqual([
      'metadata.name',
      'spec.culling.idleSecondsThreshold',
      'spec.storage.size',
    ]);
  });
});

describe('invalid requests', () => {
  const bytes = (...codes: number[]) => Buffer.from(codes);
  const nested = (levels: number) => `{"metadata":{"name":"x"},"status":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const typed = '"apiVersion":"amalthea.dev/v1alpha1","kind":"JupyterServer"';

  it.each<[number, string, string, CallOptions]>([
    [400, 'POST', JUPYTER_SERVERS, { body: '' }],
    [400, 'POST', JUPYTER_SERVERS, { body: '{' }],
    [400, 'POST', JUPYTER_SERVERS, { body: '[]' }],
    [400, 'POST', JUPYTER_SERVERS, { body: 'null' }],
    [400, 'POST', JUPYTER_SERVERS, { body: '5' }],
    [400, 'POST', JUPYTER_SERVERS, { body: bytes(0x22, 0xff, 0xfe, 0x22) }],
    [400, 'POST', JUPYTER_SERVERS, { body: nested(100_000) }],
    [400, 'POST', JUPYTER_SERVERS, { body: nested(600) }],
    [400, 'POST', JUPYTER_SERVERS, { body: `{${typed},"metadata":{"name":"x"},"spec":{"__proto__":{"a":1}}}` }],
    [400, 'POST', JUPYTER_SERVERS, { body: `{${typed},"metadata":{"name":"x"},"status":{"a":1e999}}` }],
    [400, 'POST', JUPYTER_SERVERS, { body: { metadata: { name: 'x' } } }],
    [400, 'POST', JUPYTER_SERVERS, { body: { ...jupyterServer('x'), apiVersion: 'v1' } }],
    [422, 'POST', JUPYTER_SERVERS, { body: { ...jupyterServer('x'), kind: 'Pod' } }],
    [400, 'POST', JUPYTER_SERVERS, { body: jupyterServer('x', {}, { namespace: 'other' }) }],
    [400, 'POST', JUPYTER_SERVERS, { body: jupyterServer('x', {}, { labels: { a: 1 } }) }],
    [400, 'POST', JUPYTER_SERVERS, { body: jupyterServer('x', {}, { labels: [] }) }],
    [400, 'POST', JUPYTER_SERVERS, { body: jupyterServer('x', {}, { finalizers: 'x' }) }],
    [400, 'POST', JUPYTER_SERVERS, { body: jupyterServer('x', {}, { ownerReferences: [5] }) }],
    [400, 'POST', JUPYTER_SERVERS, { body: { ...jupyterServer('x'), metadata: 'x' } }],
    [422, 'POST', JUPYTER_SERVERS, { body: { ...jupyterServer('x'), metadata: {} } }],
    [422, 'POST', JUPYTER_SERVERS, { body: jupyterServer('a\u0000b') }],
    [422, 'POST', `${JUPYTER_SERVERS}?dryRun=All`, { body: jupyterServer('x') }],
    [422, 'POST', `${JUPYTER_SERVERS}?fieldValidation=x`, { body: jupyterServer('x') }],
    [413, 'POST', JUPYTER_SERVERS, { body: 'x'.repeat(3 * 1024 * 1024 + 1) }],
    [415, 'POST', JUPYTER_SERVERS, { body: 'a: b', headers: { 'content-type': 'application/yaml' } }],
    [415, 'POST', JUPYTER_SERVERS, { body: '{}', headers: { 'content-encoding': 'gzip' } }],
    [404, 'POST', '/apis/amalthea.dev/v1alpha1/namespaces/nowhere/jupyterservers', { body: jupyterServer('x') }],
    [405, 'POST', '/apis/amalthea.dev/v1alpha1/jupyterservers', { body: jupyterServer('x') }],
    [405, 'PUT', JUPYTER_SERVERS, { body: jupyterServer('x') }],
    [405, 'PATCH', JUPYTER_SERVERS, merge({})],
    [405, 'DELETE', JUPYTER_SERVERS, {}],
    [405, 'OPTIONS', JUPYTER_SERVERS, {}],
    [405, 'POST', '/version', { body: {} }],
    [404, 'PATCH', `${JUPYTER_SERVERS}/none`, merge({})],
    [400, 'PATCH', `${JUPYTER_SERVERS}/target`, merge([])],
    [400, 'PATCH', `${JUPYTER_SERVERS}/target`, merge(null)],
    [400, 'PATCH', `${JUPYTER_SERVERS}/target`, merge({ metadata: { name: 'other' } })],
    [400, 'PATCH', `${JUPYTER_SERVERS}/target`, merge({ metadata: null })],
    [409, 'PATCH', `${JUPYTER_SERVERS}/target`, merge({ metadata: { resourceVersion: '1' } })],
    [415, 'PATCH', `${JUPYTER_SERVERS}/target`, { body: {} }],
    [
      415,
      'PATCH',
      `${JUPYTER_SERVERS}/target`,
      { body: {}, headers: { 'content-type': 'application/apply-patch+yaml' } },
    ],
    [
      415,
      'PATCH',
      `${JUPYTER_SERVERS}/target`,
      { body: {}, headers: { 'content-type': 'application/strategic-merge-patch+json' } },
    ],
    [
      415,
      'PATCH',
      `${coreV1}/configmaps/target`,
      { body: {}, headers: { 'content-type': 'application/strategic-merge-patch+json' } },
    ],
    [400, 'DELETE', `${JUPYTER_SERVERS}/target`, { body: '{' }],
    [400, 'DELETE', `${JUPYTER_SERVERS}/target`, { body: { kind: 'Pod' } }],
    [400, 'DELETE', `${JUPYTER_SERVERS}/target`, { body: { gracePeriodSeconds: 'x' } }],
    [422, 'DELETE', `${JUPYTER_SERVERS}/target`, { body: { propagationPolicy: 'Foo' } }],
    [400, 'DELETE', `${JUPYTER_SERVERS}/target?gracePeriodSeconds=x`, {}],
    [400, 'GET', '/api/v1/namespaces/%zz/pods', {}],
    [404, 'GET', '/api/v1//pods', {}],
    [404, 'GET', '/api/v1/namespaces/default/pods/x/y/z', {}],
    [404, 'GET', '/apis/apps/v1/namespaces/default/foos', {}],
    [404, 'GET', '/apis/apps/v9/statefulsets', {}],
    [404, 'GET', '/api/v1/pods/x', {}],
    [406, 'GET', JUPYTER_SERVERS, { headers: { accept: 'application/yaml' } }],
    [406, 'GET', JUPYTER_SERVERS, { headers: { accept: 'application/json;as=Table;v=v9;g=meta.k8s.io' } }],
    [400, 'GET', `${JUPYTER_SERVERS}?limit=x`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?continue=abc`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?labelSelector=a(b`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?fieldSelector=spec.x%3D1`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?resourceVersion=abc`, {}],
    [422, 'GET', `${JUPYTER_SERVERS}?resourceVersionMatch=Exact`, {}],
    [504, 'GET', `${JUPYTER_SERVERS}?resourceVersion=999999999`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?watch=1&resourceVersion=abc`, {}],
    [422, 'GET', `${JUPYTER_SERVERS}?watch=1&sendInitialEvents=true`, {}],
    [400, 'GET', `${JUPYTER_SERVERS}?labelSelector=a%3E1`, {}],
    [504, 'GET', `${JUPYTER_SERVERS}?watch=1&resourceVersion=999999999`, {}],
  ])('get %i: %s %s (%#)', async (status, method, path, options) => {
    await call('POST', JUPYTER_SERVERS, { body: jupyterServer('target') });
    const response = await call(method, path, options);
    expect(response.status).toBe(status);
    expect(response.json).toMatchObject({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status });
    expect(at(response.json, 'message')).toEqual(expect.stringMatching(/\S/));
  });

  it.each(['/', '/nowhere', '/apis/nowhere/v1/x', '/apis/amalthea.dev/v1alpha1/namespaces/default/foos'])(
    'get a plain 404 for an unknown path: %s',
    async (path) => {
      const { status, text, headers } = await call('GET', path);
      expect([status, headers['content-type'], text]).toEqual([
        404,
        'text/plain; charset=utf-8',
        '404 page not found\n',
      ]);
    },
  );

  it('never get a 500, whatever the object is', async () => {
    const kinds = [
      [`${coreV1}/pods`, 'spec'],
      [`${coreV1}/secrets`, 'data'],
      [`${coreV1}/services`, 'spec'],
      [`${coreV1}/configmaps`, 'data'],
      [`${coreV1}/events`, 'involvedObject'],
      [`${coreV1}/persistentvolumeclaims`, 'spec'],
      ['/apis/apps/v1/namespaces/default/statefulsets', 'spec'],
      ['/apis/networking.k8s.io/v1/namespaces/default/ingresses', 'spec'],
      ['/apis/coordination.k8s.io/v1/namespaces/default/leases', 'spec'],
      [JUPYTER_SERVERS, 'spec'],
      ['/api/v1/namespaces', 'spec'],
    ] as const;
    const names = [
      ...['containers', 'initContainers', 'volumes', 'env', 'rules', 'http', 'paths', 'backend', 'service', 'port'],
      ...[
        'ports',
        'selector',
        'matchLabels',
        'template',
        'spec',
        'metadata',
        'labels',
        'resources',
        'requests',
        'name',
      ],
      ...['image', 'auth', 'oidc', 'patches', 'storage', 'size', 'status', 'immutable', 'type', 'finalizers', 'host'],
    ];
    const { tree } = fc.letrec((tie) => ({
      leaf: fc.oneof(fc.constantFrom(null, true, -1, 1.5, 'x', '', [], {}), fc.string()),
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        tie('leaf'),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 5 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...kinds), tree, tree, async ([path, field], content, metadata) => {
        const typeOf = path === JUPYTER_SERVERS ? jupyterServer('x') : {};
        const generated = { ...(typeof metadata === 'object' ? metadata : {}), generateName: 'fuzz-' };
        const body = { ...typeOf, metadata: generated, [field]: content };
        const response = await call('POST', path, { body });
        expect([201, 400, 422]).toContain(response.status);
      }),
      { numRuns: 400 },
    );
  });
});

describe('lists', () => {
  const items = (json: unknown) => (at(json, 'items') as object[]).map((item) => at(item, 'metadata', 'name'));

  it('have pages that all show the state at the time of the first page', async () => {
    const path = `${coreV1}/configmaps?labelSelector=paged`;
    for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
      server.cluster.create(resource.configMaps, 'default', configMap(name, { labels: { paged: '1' } }));
    }
    const first = await call('GET', `${path}&limit=2`);
    expect(items(first.json)).toEqual(['p1', 'p2']);
    server.cluster.delete(resource.configMaps, 'default', 'p3');
    server.cluster.create(resource.configMaps, 'default', configMap('p35', { labels: { paged: '1' } }));
    server.cluster.mergePatch(resource.configMaps, 'default', 'p4', { data: { key: 'changed' } });
    const next = `${path}&limit=2&continue=${String(at(first.json, 'metadata', 'continue'))}`;
    const second = await call('GET', next);
    expect(items(second.json)).toEqual(['p3', 'p4']);
    expect((at(second.json, 'items') as object[]).map((item) => at(item, 'data', 'key'))).toEqual(['value', 'value']);
    expect(at(second.json, 'metadata', 'resourceVersion')).toBe(at(first.json, 'metadata', 'resourceVersion'));
    const third = await call('GET', `${path}&continue=${String(at(second.json, 'metadata', 'continue'))}`);
    expect(items(third.json)).toEqual(['p5']);
    expect(at(third.json, 'metadata', 'continue')).toBeUndefined();
    expect(items((await call('GET', path)).json)).toEqual(['p1', 'p2', 'p35', 'p4', 'p5']);
    expect(items((await call('GET', `${path}&limit=-1`)).json)).toHaveLength(5);

    server.cluster.objects.compact();
    server.cluster.delete(resource.configMaps, 'default', 'p5');
    server.cluster.objects.compact();
    const late = await call('GET', next);
    expect([late.status, at(late.json, 'reason')]).toEqual([410, 'Expired']);
    const old = String(at(first.json, 'metadata', 'resourceVersion'));
    expect((await call('GET', `${path}&resourceVersion=${old}`)).status).toBe(200);
  });

  it('can be selected by fields', async () => {
    server.cluster.create(resource.pods, 'default', pod('field-1'));
    server.cluster.create(resource.pods, 'default', pod('field-2'));
    server.cluster.patchStatus(resource.pods, 'default', 'field-2', { phase: 'Running' });
    const by = async (selector: string) =>
      items((await call('GET', `/api/v1/pods?fieldSelector=${encodeURIComponent(selector)}`)).json);
    expect(await by('status.phase=Running')).toEqual(['field-2']);
    expect(await by('metadata.name=field-1,metadata.namespace=default')).toEqual(['field-1']);
    expect(await by('spec.nodeName=local,status.phase!=Running')).toEqual(['field-1']);
    const event = {
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'field-1', namespace: 'default', uid: 'u' },
    };
    expect((await call('POST', `${coreV1}/events`, { body: event })).status).toBe(201);
    const found = await call(
      'GET',
      `${coreV1}/events?fieldSelector=involvedObject.name%3Dfield-1,involvedObject.uid%3Du`,
    );
    expect(items(found.json)).toEqual(['e']);
    expect(items((await call('GET', `${coreV1}/events?fieldSelector=involvedObject.uid%3Dother`)).json)).toEqual([]);
  });

  it('are sent as tables on request', async () => {
    await call('POST', JUPYTER_SERVERS, { body: jupyterServer('tabled', { jupyterServer: { image: 'my/image' } }) });
    const list = await call('GET', `${JUPYTER_SERVERS}?fieldSelector=metadata.name%3Dtabled`, table);
    expect((at(list.json, 'columnDefinitions') as { name: string }[]).map(({ name }) => name)).toEqual([
      'Name',
      'Image',
      'URL',
      'Pod Status',
      'Age',
    ]);
    expect(list.json).toMatchObject({ kind: 'Table', rows: [{ cells: ['tabled', 'my/image', null, null, '0s'] }] });
    expect(JSON.stringify(list.json)).not.toContain('oidc');
  });

  it('of 1,000 JupyterServers of 10 kB take less than a second of processor time', async () => {
    const many = '/apis/amalthea.dev/v1alpha1/namespaces/many/jupyterservers';
    await call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'many' } } });
    const annotations = { filler: 'x'.repeat(9_500) };
    const createdIn = await timed(async () => {
      for (let index = 0; index < 1000; index += 50) {
        const batch = Array.from({ length: 50 }, (_, offset) =>
          jupyterServer(`js-${index + offset}`, {}, { annotations }),
        );
        const responses = await Promise.all(batch.map((body) => call('POST', many, { body })));
        expect(responses.every(({ status }) => status === 201)).toBe(true);
      }
    });
    let length = 0;
    const listedIn = await timed(async () => {
      length = (await call('GET', many)).text.length;
    });
    expect(length).toBeGreaterThan(10_000_000);
    // The limit is several times the usual duration on two shared cores: the test detects only much slower code.
    expect(createdIn).toBeLessThan(10_000);
    expect(listedIn).toBeLessThan(1_000);
  });
});

/** Returns the milliseconds of processor time of this process, which other programs do not affect much. */
async function timed(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('discovery', () => {
  it('contains every resource', async () => {
    const plain = await call('GET', '/apis/amalthea.dev/v1alpha1');
    expect(plain.json).toMatchObject({
      kind: 'APIResourceList',
      groupVersion: 'amalthea.dev/v1alpha1',
      resources: [{ name: 'jupyterservers', kind: 'JupyterServer', namespaced: true, shortNames: ['js'] }],
    });
    const groups = await call('GET', '/apis');
    expect((at(groups.json, 'groups') as { name: string }[]).map(({ name }) => name).toSorted()).toEqual([
      'amalthea.dev',
      'apps',
      'coordination.k8s.io',
      'metrics.k8s.io',
      'networking.k8s.io',
    ]);
    for (const path of [
      '/api',
      '/api/v1',
      '/apis/apps',
      '/openapi/v2',
      '/openapi/v3',
      '/openapi/v3/api/v1',
      '/healthz',
    ]) {
      expect([path, (await call('GET', path)).status]).toEqual([path, 200]);
    }
  });

  it('has a version that differs from those of real clusters', async () => {
    const { json } = await call('GET', '/version');
    expect(json).toMatchObject({ major: '1', minor: '36', gitVersion: 'v1.36.0+notebook-sessions' });
  });
});

it('sends the usage of pods as the metrics API does', async () => {
  const one = await call('GET', '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/measured');
  expect(one.json).toMatchObject({
    kind: 'PodMetrics',
    window: '30s',
    containers: [{ name: 'main', usage: { cpu: '1234567n', memory: '10Ki' } }],
  });
  expect((await call('GET', '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/other')).status).toBe(404);
  const all = await call('GET', '/apis/metrics.k8s.io/v1beta1/pods');
  expect((at(all.json, 'items') as object[]).length).toBe(1);
  expect((await call('DELETE', '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/measured')).status).toBe(405);
});

it('counts calls by verb and resource', async () => {
  await using fresh = await startTestServer();
  await fresh.call('POST', JUPYTER_SERVERS, { body: jupyterServer('a') });
  await fresh.call('GET', `${JUPYTER_SERVERS}/a`);
  await fresh.call('GET', `${JUPYTER_SERVERS}/a`);
  await fresh.call('GET', JUPYTER_SERVERS);
  await fresh.call('GET', '/version');
  expect(fresh.api.callCount()).toEqual({
    'create jupyterservers': 1,
    'get jupyterservers': 2,
    'list jupyterservers': 1,
  });
});

it('responds with 503 to requests for logs and metrics until there is a node', async () => {
  await using fresh = await startTestServer();
  fresh.cluster.create(resource.pods, 'default', pod('p'));
  const { status, headers } = await fresh.call('GET', `${coreV1}/pods/p/log`);
  expect([status, headers['retry-after']]).toEqual([503, '1']);
  expect((await fresh.call('GET', '/apis/metrics.k8s.io/v1beta1/pods')).status).toBe(503);
});
