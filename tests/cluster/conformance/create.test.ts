import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json, jupyterServer, openApi, pathsOf } from './api.ts';

let api: Api;
let path: string;
beforeAll(async () => {
  api = await openApi();
  path = pathsOf(api.namespace).jupyterServers;
});
afterAll(() => api.close());

const dryRun = { dryRun: 'All' };
const create = (body: unknown, query: Record<string, string> = {}) => api.call('POST', path, { body, query });
const causes = (json: Json) => json.details?.causes?.map(({ field, reason }: Json) => `${field} ${reason}`);

describe('a JupyterServer that is created', () => {
  it('gets every default of the schema, an identity and a version', async () => {
    const { status, json } = await create(jupyterServer('defaults'));
    expect(status).toBe(201);
    expect(json).toMatchObject({
      apiVersion: 'amalthea.dev/v1alpha1',
      kind: 'JupyterServer',
      metadata: { name: 'defaults', namespace: api.namespace, generation: 1 },
    });
    expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(json.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(json.metadata.resourceVersion).toMatch(/^\d+$/);
    expect(json.spec).toEqual({
      auth: { oidc: { enabled: false, authorizedEmails: [], authorizedGroups: [] } },
      culling: {
        failedSecondsThreshold: 0,
        hibernatedSecondsThreshold: 0,
        idleSecondsThreshold: 0,
        maxAgeSecondsThreshold: 0,
        startingSecondsThreshold: 0,
      },
      jupyterServer: {
        defaultUrl: '/lab',
        hibernated: false,
        image: 'jupyter/minimal-notebook:latest',
        resources: {},
        rootDir: '/home/jovyan/work',
      },
      patches: [],
      routing: { ingressAnnotations: {}, path: '/', tls: { enabled: false } },
      storage: { pvc: { enabled: false, mountPath: '/home/jovyan/work' }, size: '100Mi' },
    });
    expect(json.status).toEqual({ children: {}, mainPod: {} });
    expect((await api.ok('GET', `${path}/defaults`)).spec).toEqual(json.spec);
  });

  it('exists once: the second of its name is a 409', async () => {
    await create(jupyterServer('once'));
    const { status, json } = await create(jupyterServer('once'));
    expect(status).toBe(409);
    expect(json).toMatchObject({
      kind: 'Status',
      reason: 'AlreadyExists',
      message: 'jupyterservers.amalthea.dev "once" already exists',
      details: { name: 'once', group: 'amalthea.dev', kind: 'jupyterservers' },
    });
    const together = await Promise.all(Array.from({ length: 8 }, () => create(jupyterServer('race'))));
    expect(together.map(({ status: each }) => each).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it('without a spec has none, and one without a name gets a generated one', async () => {
    const { spec: _spec, ...bare } = jupyterServer('bare');
    expect((await create(bare)).json.spec).toBeUndefined();
    const generated = await create({ ...bare, metadata: { generateName: 'made-' } });
    expect(generated.json.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(generated.json.metadata.generateName).toBe('made-');
  });

  it('in a dry run is answered as if, and is not there', async () => {
    const { status, json } = await create(jupyterServer('dry'), dryRun);
    expect([status, json.metadata.name, json.spec.storage.size]).toEqual([201, 'dry', '100Mi']);
    expect((await api.call('GET', `${path}/dry`)).status).toBe(404);
  });

  it('keeps what the schema preserves and loses what it does not know', async () => {
    const spec = {
      bogus: 1,
      jupyterServer: { env: [], resources: { requests: { cpu: 0.5, 'nvidia.com/gpu': '1' }, odd: [1] } },
      routing: { ingressAnnotations: { a: 'b', c: { d: 1 } } },
      patches: [{ type: 'application/json-patch+json', patch: [{ op: 'test' }], extra: 2 }, { patch: 5 }, {}],
    };
    const { json } = await create({ ...jupyterServer('pruned', spec), top: 1 });
    expect(json.top).toBeUndefined();
    expect(json.spec.bogus).toBeUndefined();
    expect(json.spec.jupyterServer.env).toBeUndefined();
    expect(json.spec.jupyterServer.resources).toEqual(spec.jupyterServer.resources);
    expect(json.spec.routing.ingressAnnotations).toEqual(spec.routing.ingressAnnotations);
    expect(json.spec.patches).toEqual([
      { type: 'application/json-patch+json', patch: [{ op: 'test' }] },
      { patch: 5 },
      {},
    ]);
  });

  it('with unknown fields is warned about, or refused, as asked', async () => {
    const body = jupyterServer('fields', { bogus: 1 });
    const warned = await create(body, { ...dryRun, fieldValidation: 'Warn' });
    expect([warned.status, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"spec.bogus\\""']);
    const ignored = await create(body, { ...dryRun, fieldValidation: 'Ignore' });
    expect([ignored.status, ignored.headers['warning']]).toEqual([201, undefined]);
    const refused = await create(body, { ...dryRun, fieldValidation: 'Strict' });
    expect([refused.status, refused.json.reason]).toEqual([400, 'BadRequest']);
    expect(refused.json.message).toContain('strict decoding error: unknown field "spec.bogus"');
  });

  it('with a status of its own gets no default for it', async () => {
    const { json } = await create({ ...jupyterServer('status'), status: { state: 'x' } }, dryRun);
    expect(json.status).toEqual({ state: 'x' });
  });
});

describe('the schema', () => {
  it.each<[object | null, (spec: Json) => unknown, unknown]>([
    [{ jupyterServer: { hibernated: null } }, (spec) => spec.jupyterServer.hibernated, false],
    [{ jupyterServer: null }, (spec) => spec.jupyterServer.defaultUrl, '/lab'],
    [{ auth: { token: '' } }, (spec) => spec.auth.token, ''],
    [{ auth: { token: null } }, (spec) => 'token' in spec.auth, false],
    [{ auth: { oidc: { clientSecret: { value: 'x' } } } }, (spec) => spec.auth.oidc.clientSecret, { value: 'x' }],
    [{ storage: { size: 5 } }, (spec) => spec.storage.size, 5],
    [{ storage: { size: '' } }, (spec) => spec.storage.size, ''],
    [null, (spec) => spec, undefined],
  ])('takes the spec %j', async (spec, read, expected) => {
    const { status, json } = await create({ ...jupyterServer('taken'), spec }, dryRun);
    expect([status, read(json.spec)]).toEqual([201, expected]);
  });

  it.each<[unknown, string]>([
    [{ culling: { idleSecondsThreshold: -1 } }, 'spec.culling.idleSecondsThreshold FieldValueInvalid'],
    [{ culling: { idleSecondsThreshold: '5' } }, 'spec.culling.idleSecondsThreshold FieldValueTypeInvalid'],
    [{ culling: { idleSecondsThreshold: 1.5 } }, 'spec.culling.idleSecondsThreshold FieldValueTypeInvalid'],
    [{ storage: { size: 1.5 } }, 'spec.storage.size FieldValueTypeInvalid'],
    [{ storage: { size: true } }, 'spec.storage.size FieldValueTypeInvalid'],
    [{ auth: { token: 5 } }, 'spec.auth.token FieldValueTypeInvalid'],
    [{ auth: { oidc: { authorizedEmails: [1] } } }, 'spec.auth.oidc.authorizedEmails[0] FieldValueTypeInvalid'],
    [{ patches: {} }, 'spec.patches FieldValueTypeInvalid'],
    [{ patches: [{ type: 'x' }] }, 'spec.patches[0].type FieldValueNotSupported'],
    [{ jupyterServer: { resources: 5 } }, 'spec.jupyterServer.resources FieldValueTypeInvalid'],
    [{ routing: [] }, 'spec.routing FieldValueTypeInvalid'],
    [5, 'spec FieldValueTypeInvalid'],
  ])('refuses the spec %j', async (spec, cause) => {
    const { status, json } = await create({ ...jupyterServer('refused'), spec }, dryRun);
    expect([status, json.reason, json.details.kind, json.details.name]).toEqual([
      422,
      'Invalid',
      'JupyterServer',
      'refused',
    ]);
    expect(causes(json)).toContain(cause);
  });

  it.each([[{}], [{ value: 'x', secretKeyRef: { name: 'a', key: 'b' } }]])(
    'wants exactly one of two ways to give the client secret, not %j',
    async (clientSecret) => {
      const { status, json } = await create(jupyterServer('x', { auth: { oidc: { clientSecret } } }), dryRun);
      expect([status, json.reason]).toEqual([422, 'Invalid']);
      expect(json.message).toContain('must validate one and only one schema (oneOf)');
    },
  );

  it('reports all that is wrong at once', async () => {
    const spec = { culling: { idleSecondsThreshold: -1, maxAgeSecondsThreshold: -1 } };
    const { json } = await create(jupyterServer('Bad_Name', spec), dryRun);
    expect(causes(json).sort()).toEqual([
      'metadata.name FieldValueInvalid',
      'spec.culling.idleSecondsThreshold FieldValueInvalid',
      'spec.culling.maxAgeSecondsThreshold FieldValueInvalid',
    ]);
  });
});

describe('metadata', () => {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'u' };
  it.each<[number, unknown, string?]>([
    [422, {}, 'metadata.name FieldValueRequired'],
    [422, { name: 'Bad_Name' }, 'metadata.name FieldValueInvalid'],
    [422, { name: 'a'.repeat(254) }, 'metadata.name FieldValueInvalid'],
    [422, { name: 'v', labels: { a: 'b c' } }, 'metadata.labels FieldValueInvalid'],
    [422, { name: 'v', labels: { a: 'x'.repeat(64) } }, 'metadata.labels FieldValueInvalid'],
    [422, { name: 'v', labels: { '/x': 'c' } }, 'metadata.labels FieldValueInvalid'],
    [422, { name: 'v', annotations: { 'a b': 'c' } }, 'metadata.annotations FieldValueInvalid'],
    [422, { name: 'v', finalizers: ['a b'] }, 'metadata.finalizers FieldValueInvalid'],
    [422, { name: 'v', ownerReferences: [{}] }, 'metadata.ownerReferences.uid FieldValueInvalid'],
    [
      422,
      { name: 'v', ownerReferences: [{ ...owner, apiVersion: 'a/b/c' }] },
      'metadata.ownerReferences.apiVersion FieldValueInvalid',
    ],
    [422, { name: 'v', ownerReferences: [{ ...owner, kind: 'Event' }] }, 'metadata.ownerReferences FieldValueInvalid'],
    [
      422,
      {
        name: 'v',
        ownerReferences: [
          { ...owner, controller: true },
          { ...owner, uid: 'w', controller: true },
        ],
      },
      'metadata.ownerReferences FieldValueInvalid',
    ],
    [400, { name: 5 }],
    [400, { name: 'v', labels: { a: 1 } }],
    [400, { name: 'v', labels: [] }],
    [400, { name: 'v', finalizers: [5] }],
    [400, { name: 'v', namespace: 'other' }],
    [400, { name: 'v', creationTimestamp: 'nonsense' }],
    [400, 'v'],
  ])('%i for %j', async (code, metadata, cause) => {
    const { status, json } = await create({ ...jupyterServer('v'), metadata }, dryRun);
    expect([status, json.reason]).toEqual([code, code === 422 ? 'Invalid' : 'BadRequest']);
    if (cause !== undefined) expect(causes(json)).toContain(cause);
  });

  it.each<[object, object]>([
    [{ uid: 'x', generation: 7, selfLink: 'y', deletionTimestamp: '2020-01-01T00:00:00Z' }, { generation: 1 }],
    [{ labels: { a: null } }, { labels: { a: '' } }],
    [{ labels: null, annotations: {} }, {}],
    [{ finalizers: ['a.b/c'] }, { finalizers: ['a.b/c'] }],
    [{ ownerReferences: [owner] }, { ownerReferences: [owner] }],
  ])('of %j becomes %j', async (metadata, expected) => {
    const { json } = await create(jupyterServer('v', {}, metadata), dryRun);
    expect(json.metadata).toMatchObject(expected);
    for (const field of ['deletionTimestamp', 'selfLink']) expect(json.metadata[field]).toBeUndefined();
    expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has at most 256 KiB of annotations', async () => {
    const { status, json } = await create(jupyterServer('v', {}, { annotations: { a: 'x'.repeat(262_145) } }), dryRun);
    expect([status, causes(json)]).toEqual([422, ['metadata.annotations FieldValueTooLong']]);
  });
});

describe('a request that is wrong', () => {
  const valid = jupyterServer('v');
  it.each<[number, string, unknown]>([
    [400, 'BadRequest', ''],
    [400, 'BadRequest', '{'],
    [400, 'BadRequest', '[]'],
    [400, 'BadRequest', 'null'],
    [400, 'BadRequest', '5'],
    [400, 'BadRequest', {}],
    [400, 'BadRequest', { ...valid, apiVersion: 'v1' }],
    [400, 'BadRequest', { ...valid, apiVersion: '' }],
    [400, 'BadRequest', { ...valid, kind: '' }],
    [422, 'Invalid', { ...valid, kind: 'Pod' }],
  ])('%i %s for the body %j', async (code, reason, body) => {
    const { status, json } = await create(body, dryRun);
    expect([status, json.kind, json.status, json.reason, json.code]).toEqual([code, 'Status', 'Failure', reason, code]);
    expect(json.message).toMatch(/\S/);
  });

  it.each([[{ dryRun: 'Some' }], [{ dryRun: '' }], [{ fieldValidation: 'x' }]])('422 for %j', async (query) => {
    const { status, json } = await create(valid, query);
    expect([status, json.reason, json.details.group]).toEqual([422, 'Invalid', 'meta.k8s.io']);
  });

  it('415 for a body of another type', async () => {
    const { status, json } = await api.call('POST', path, { body: 'x', headers: { 'content-type': 'text/plain' } });
    expect([status, json.reason]).toEqual([415, 'UnsupportedMediaType']);
  });

  it('404 in a namespace that there is not, 403 in one that is going', async () => {
    const namespace = `${api.namespace}-going`;
    const other = pathsOf(namespace).jupyterServers;
    const missing = await api.call('POST', other, { body: valid });
    expect([missing.status, missing.json.reason, missing.json.message]).toEqual([
      404,
      'NotFound',
      `namespaces "${namespace}" not found`,
    ]);
    await api.ok('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
    const held = `${other}/held`;
    await api.ok('POST', other, { body: jupyterServer('held', {}, { finalizers: ['example.org/held'] }) });
    const deleted = await api.ok('DELETE', `/api/v1/namespaces/${namespace}`);
    expect([deleted.kind, deleted.status.phase]).toEqual(['Namespace', 'Terminating']);
    await eventually(
      () => api.call('GET', held),
      ({ json }) => json.metadata?.deletionTimestamp !== undefined,
    );
    const going = await api.call('POST', other, { body: valid });
    expect([going.status, going.json.reason]).toEqual([403, 'Forbidden']);
    expect(going.json.message).toContain('because it is being terminated');
    await api.ok('PATCH', held, {
      body: { metadata: { finalizers: null } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    await eventually(
      () => api.call('GET', `/api/v1/namespaces/${namespace}`),
      ({ status }) => status === 404,
    );
  });
});
