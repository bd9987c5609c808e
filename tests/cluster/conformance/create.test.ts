import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json, jupyterServer, openApi, pathsOf } from './api.ts';

let api: Api;
let path: string;
beforeAll(async () => {
  api = await openApi();
  path = pathsOf(api.namespace).jupyterServers;
});
afterAll(() => api.close());

const create = (body: unknown, query: Record<string, string> = {}) => api.call('POST', path, { body, query });
const causes = (json: Json) => json.details?.causes?.map(({ field, reason }: Json) => `${field} ${reason}`);

describe('a new JupyterServer', () => {
  it('gets all defaults of the schema, a uid, a creation time and a version', async () => {
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

  it('has a unique name: a second one is a 409', async () => {
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

  it('has no spec if none is sent, and a generated name if only generateName is sent', async () => {
    const { spec: _spec, ...bare } = jupyterServer('bare');
    expect((await create(bare)).json.spec).toBeUndefined();
    const generated = await create({ ...bare, metadata: { generateName: 'made-' } });
    expect(generated.json.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(generated.json.metadata.generateName).toBe('made-');
  });

  it('keeps the fields that the schema preserves and loses unknown fields', async () => {
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

  it('is rejected for unknown fields on request', async () => {
    const body = jupyterServer('fields', { bogus: 1 });
    const rejected = await create(body, { fieldValidation: 'Strict' });
    expect([rejected.status, rejected.json.reason]).toEqual([400, 'BadRequest']);
    expect(rejected.json.message).toContain('strict decoding error: unknown field "spec.bogus"');
    const accepted = await create(body, { fieldValidation: 'Ignore' });
    expect([accepted.status, accepted.json.spec.bogus]).toEqual([201, undefined]);
  });

  it('gets no default status if it has a status', async () => {
    const { json } = await create({ ...jupyterServer('status'), status: { state: 'x' } });
    expect(json.status).toEqual({ state: 'x' });
  });
});

describe('the schema', () => {
  let count = 0;
  it.each<[object | null, (spec: Json) => unknown, unknown]>([
    [{ jupyterServer: { hibernated: null } }, (spec) => spec.jupyterServer.hibernated, false],
    [{ jupyterServer: null }, (spec) => spec.jupyterServer.defaultUrl, '/lab'],
    [{ auth: { token: '' } }, (spec) => spec.auth.token, ''],
    [{ auth: { token: null } }, (spec) => 'token' in spec.auth, false],
    [{ auth: { oidc: { clientSecret: { value: 'x' } } } }, (spec) => spec.auth.oidc.clientSecret, { value: 'x' }],
    [{ storage: { size: 5 } }, (spec) => spec.storage.size, 5],
    [{ storage: { size: '' } }, (spec) => spec.storage.size, ''],
    [null, (spec) => spec, undefined],
  ])('accepts the spec %j', async (spec, read, expected) => {
    count += 1;
    const { status, json } = await create({ ...jupyterServer(`accepted-${count}`), spec });
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
  ])('rejects the spec %j', async (spec, cause) => {
    const { status, json } = await create({ ...jupyterServer('rejected'), spec });
    expect([status, json.reason, json.details.kind, json.details.name]).toEqual([
      422,
      'Invalid',
      'JupyterServer',
      'rejected',
    ]);
    expect(causes(json)).toContain(cause);
  });

  it.each([[{}], [{ value: 'x', secretKeyRef: { name: 'a', key: 'b' } }]])(
    'requires exactly one of two forms of the client secret, not %j',
    async (clientSecret) => {
      const { status, json } = await create(jupyterServer('x', { auth: { oidc: { clientSecret } } }));
      expect([status, json.reason]).toEqual([422, 'Invalid']);
      expect(json.message).toContain('must validate one and only one schema (oneOf)');
    },
  );

  it('reports all errors at once', async () => {
    const spec = { culling: { idleSecondsThreshold: -1, maxAgeSecondsThreshold: -1 } };
    const { json } = await create(jupyterServer('Bad_Name', spec));
    expect(causes(json).sort()).toEqual([
      'metadata.name FieldValueInvalid',
      'spec.culling.idleSecondsThreshold FieldValueInvalid',
      'spec.culling.maxAgeSecondsThreshold FieldValueInvalid',
    ]);
  });
});

describe('metadata', () => {
  let count = 0;
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
    const { status, json } = await create({ ...jupyterServer('v'), metadata });
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
    count += 1;
    const { json } = await create(jupyterServer(`v${count}`, {}, metadata));
    expect(json.metadata).toMatchObject(expected);
    for (const field of ['deletionTimestamp', 'selfLink']) expect(json.metadata[field]).toBeUndefined();
    expect(json.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('has at most 256 KiB of annotations', async () => {
    const { status, json } = await create(jupyterServer('v', {}, { annotations: { a: 'x'.repeat(262_145) } }));
    expect([status, causes(json)]).toEqual([422, ['metadata.annotations FieldValueTooLong']]);
  });
});

describe('an invalid request', () => {
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
    const { status, json } = await create(body);
    expect([status, json.kind, json.status, json.reason, json.code]).toEqual([code, 'Status', 'Failure', reason, code]);
    expect(json.message).toMatch(/\S/);
  });

  it.each([[{ dryRun: 'Some' }], [{ fieldValidation: 'x' }]])('422 for %j', async (query) => {
    const { status, json } = await create(valid, query);
    expect([status, json.reason, json.details.group]).toEqual([422, 'Invalid', 'meta.k8s.io']);
  });

  it('415 for a body of another type', async () => {
    const { status, json } = await api.call('POST', path, { body: 'x', headers: { 'content-type': 'text/plain' } });
    expect([status, json.reason]).toEqual([415, 'UnsupportedMediaType']);
  });

  it('is a 404 for a missing namespace and a 403 for one that is being deleted', async () => {
    const namespace = `${api.namespace}-deleted`;
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
      'the deletion timestamp of the held object',
      () => api.call('GET', held),
      ({ json }) => json.metadata?.deletionTimestamp !== undefined,
    );
    const rejected = await api.call('POST', other, { body: valid });
    expect([rejected.status, rejected.json.reason]).toEqual([403, 'Forbidden']);
    expect(rejected.json.message).toContain('because it is being terminated');
    await api.ok('PATCH', held, {
      body: { metadata: { finalizers: null } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
    await eventually(
      'the removal of the namespace',
      () => api.call('GET', `/api/v1/namespaces/${namespace}`),
      ({ status }) => status === 404,
    );
  });
});
