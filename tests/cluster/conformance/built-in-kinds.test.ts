import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json, openApi, patches, pathsOf } from './api.ts';

/** The kinds of a session's children, and Leases and Events: defaults, names, required and immutable fields. */

let api: Api;
let paths: ReturnType<typeof pathsOf>;
beforeAll(async () => {
  api = await openApi();
  paths = pathsOf(api.namespace);
});
afterAll(() => api.close());

type Collection = keyof ReturnType<typeof pathsOf>;

let count = 0;
/** Creates an object. Its name is new unless `body` has metadata. */
const create = (collection: Collection, body: object) => {
  count += 1;
  return api.call('POST', paths[collection], { body: { metadata: { name: `o${count}` }, ...body } });
};
const patch = (path: string, body: object) => api.call('PATCH', path, { body, headers: patches.merge });

/** Expects 400 if there are no `expected` causes, else 422 with at least these causes. */
async function expectRejection(collection: Collection, body: object, ...expected: string[]): Promise<void> {
  const { status, json } = await create(collection, body);
  if (expected.length === 0) {
    expect([status, json.reason]).toEqual([400, 'BadRequest']);
    return;
  }
  expect([status, json.reason]).toEqual([422, 'Invalid']);
  const causes = json.details.causes.map(({ field, reason }: Json) => `${field} ${reason}`);
  expect(causes).toEqual(expect.arrayContaining(expected));
}

const named = (name: string, body: object = {}) => ({ metadata: { name }, ...body });

describe('a Secret', () => {
  it.each<[object, object]>([
    [{}, { type: 'Opaque' }],
    [{ data: { a: 'YQ==' }, stringData: { b: 'x' } }, { data: { a: 'YQ==', b: 'eA==' } }],
    [{ data: { a: 'YQ==' }, stringData: { a: 'x' } }, { data: { a: 'eA==' } }],
    [{ data: { a: null } }, { data: { a: '' } }],
    [
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{}' } },
      { data: { '.dockerconfigjson': 'e30=' } },
    ],
  ])('is created from %j', async (body, expected) => {
    const { status, json } = await create('secrets', body);
    expect(status).toBe(201);
    expect(json).toMatchObject({ apiVersion: 'v1', kind: 'Secret', ...expected });
    expect(json.stringData).toBeUndefined();
  });

  it.each<[object, ...string[]]>([
    [{ data: { a: '!!' } }],
    [{ data: { a: 5 } }],
    [{ kind: 'Pod' }],
    [{ apiVersion: 'v2' }],
    [{ data: { 'a b': 'YQ==' } }, 'data[a b] FieldValueInvalid'],
    [{ type: 'kubernetes.io/dockerconfigjson' }, 'data[.dockerconfigjson] FieldValueRequired'],
  ])('rejects %j', (body, ...causes) => expectRejection('secrets', body, ...causes));

  it('has an immutable type', async () => {
    await api.ok('POST', paths.secrets, { body: named('fixed', { stringData: { k: 'v' } }) });
    const { status, json } = await patch(`${paths.secrets}/fixed`, { type: 'x' });
    expect([status, json.details.causes[0].field]).toEqual([422, 'type']);
    expect((await patch(`${paths.secrets}/fixed`, { data: { k: 'YQ==' } })).status).toBe(200);
  });
});

describe('a ConfigMap', () => {
  it.each<[object, ...string[]]>([
    [{ data: { a: 5 } }],
    [{ binaryData: { a: '%' } }],
    [{ data: { '..': 'x' } }, 'data[..] FieldValueInvalid'],
  ])('rejects %j', (body, ...causes) => expectRejection('configMaps', body, ...causes));
});

describe('a Service', () => {
  const port = { port: 80 };
  it('gets defaults', async () => {
    const { json } = await create('services', { spec: { ports: [port], selector: { app: 's' } } });
    expect(json.spec).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      selector: { app: 's' },
    });
    expect(json.status).toEqual({ loadBalancer: {} });
  });

  it('is the response to its deletion', async () => {
    await api.ok('POST', paths.services, { body: named('s', { spec: { clusterIP: 'None' } }) });
    expect((await api.ok('DELETE', `${paths.services}/s`)).kind).toBe('Service');
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec.ports FieldValueRequired'],
    [{ spec: {} }, 'spec.ports FieldValueRequired'],
    [{ spec: { ports: [{ port: '80' }] } }],
  ])('rejects %j', (body, ...causes) => expectRejection('services', body, ...causes));

  it.each(['a.b', 'a'.repeat(64), 'A'])('rejects the name %s', (name) =>
    expectRejection('services', named(name, { spec: { ports: [port] } }), 'metadata.name FieldValueInvalid'),
  );
});

describe('an Ingress', () => {
  const backend = { service: { name: 'x', port: { number: 80 } } };
  const route = { path: '/a', pathType: 'Prefix', backend };
  const rule = (host: string, ...routes: object[]) => ({ spec: { rules: [{ host, http: { paths: routes } }] } });

  it('is stored unchanged', async () => {
    const body = rule('h.example.org', route);
    const { status, json } = await create('ingresses', body);
    expect([status, json.spec, json.metadata.generation]).toEqual([201, body.spec, 1]);
    expect(json.status).toEqual({ loadBalancer: {} });
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec FieldValueInvalid'],
    [{ spec: {} }, 'spec FieldValueInvalid'],
    [rule('a..b', route), 'spec.rules[0].host FieldValueInvalid'],
    [rule('h', { path: '/a', backend }), 'spec.rules[0].http.paths[0].pathType FieldValueRequired'],
  ])('rejects %j', (body, ...causes) => expectRejection('ingresses', body, ...causes));
});

describe('a PersistentVolumeClaim', () => {
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

  it('gets defaults', async () => {
    const { status, json } = await create('persistentVolumeClaims', { spec });
    expect([status, json.spec.resources.requests.storage]).toEqual([201, '1Gi']);
    expect([json.spec.volumeMode, json.status]).toEqual(['Filesystem', { phase: 'Pending' }]);
  });

  it('needs access modes and a size', () =>
    expectRejection(
      'persistentVolumeClaims',
      {},
      'spec.accessModes FieldValueRequired',
      'spec.resources[storage] FieldValueRequired',
    ));

  it('has immutable access modes', async () => {
    await api.ok('POST', paths.persistentVolumeClaims, { body: named('fixed', { spec }) });
    const path = `${paths.persistentVolumeClaims}/fixed`;
    const { status, json } = await patch(path, { spec: { accessModes: ['ReadWriteMany'] } });
    expect([status, json.details.causes[0]]).toMatchObject([422, { field: 'spec', reason: 'FieldValueForbidden' }]);
    expect((await api.ok('DELETE', path)).kind).toBe('PersistentVolumeClaim');
  });
});

describe('a StatefulSet', () => {
  const container = { name: 'c', image: 'i' };
  const set = (pod: object = {}, spec: object = {}) => ({
    spec: {
      serviceName: 'w',
      selector: { matchLabels: { app: 'w' } },
      template: { metadata: { labels: { app: 'w' } }, spec: { containers: [container], ...pod } },
      ...spec,
    },
  });
  const podSpec = 'spec.template.spec';

  it('gets defaults', async () => {
    const containers = [{ ...container, ports: [{ containerPort: 80 }] }];
    const { status, json } = await create('statefulSets', set({ containers }, { replicas: null }));
    expect(status).toBe(201);
    expect(json.spec).toMatchObject({ replicas: 1, podManagementPolicy: 'OrderedReady' });
    expect(json.spec.template.spec).toMatchObject({
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      containers: [{ resources: {}, ports: [{ containerPort: 80, protocol: 'TCP' }] }],
    });
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec.selector FieldValueRequired', `${podSpec}.containers FieldValueRequired`],
    [set({}, { selector: {} }), 'spec.selector FieldValueInvalid'],
    [set({}, { selector: { matchLabels: { app: 'z' } } }), 'spec.template.metadata.labels FieldValueInvalid'],
    [set({ containers: [] }), `${podSpec}.containers FieldValueRequired`],
    [set({ containers: [container, container] }), `${podSpec}.containers[1].name FieldValueDuplicate`],
    [set({ initContainers: [container] }), `${podSpec}.initContainers[0].name FieldValueDuplicate`],
    [set({ containers: [{ name: 'A_', image: 'i' }] }), `${podSpec}.containers[0].name FieldValueInvalid`],
    [set({ containers: [{ name: 'c' }] }), `${podSpec}.containers[0].image FieldValueRequired`],
    [
      set({ containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/x' }] }] }),
      `${podSpec}.containers[0].volumeMounts[0].name FieldValueNotFound`,
    ],
    [set({ containers: 'x' })],
    [set({ containers: [{ ...container, env: [{ name: 'A', value: 5 }] }] })],
    [set({}, { replicas: 'x' })],
    [{ ...set(), metadata: { name: 'a.b' } }, 'metadata.name FieldValueInvalid'],
    [{ ...set(), metadata: { name: 'w'.repeat(64) } }, 'metadata.name FieldValueInvalid'],
  ])('rejects %j', (body, ...causes) => expectRejection('statefulSets', body, ...causes));

  it('creates its pod, deletes the pod at 0 replicas, and has an immutable spec but for a few fields', async () => {
    const spec = { automountServiceAccountToken: false };
    const template = { metadata: { labels: { app: 'w' } }, spec: { containers: [container], ...spec } };
    await api.ok('POST', paths.statefulSets, { body: named('w', set({}, { template })) });
    const pod = () => api.call('GET', `${paths.pods}/w-0`);
    const { json: made } = await eventually('the pod of the StatefulSet', pod, ({ status }) => status === 200);
    expect(made.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'w', controller: true }]);
    expect(made.status).toMatchObject({ phase: 'Pending' });
    const path = `${paths.statefulSets}/w`;
    for (const change of [{ serviceName: 'x' }, { selector: { matchLabels: { app: 'x' } } }]) {
      const { status, json } = await patch(path, { spec: change });
      const forbidden = json.details.causes.find(({ field }: Json) => field === 'spec');
      expect([status, forbidden]).toMatchObject([422, { reason: 'FieldValueForbidden' }]);
    }
    expect((await patch(path, { status: { replicas: 7 } })).json.status.replicas).not.toBe(7);
    const scaled = await patch(path, { spec: { replicas: 0 } });
    expect(scaled.json.metadata.generation).toBe(2);
    await eventually('the removal of the pod', pod, ({ status }) => status === 404);
  });
});

describe('a Lease', () => {
  it('is acquired by one of several holders that send the same version', async () => {
    const time = '2026-01-01T00:00:00.000000Z';
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: time, renewTime: time };
    const { metadata } = await api.ok('POST', paths.leases, { body: named('l', { spec }) });
    const acquire = (holderIdentity: string | null, resourceVersion: string) =>
      patch(`${paths.leases}/l`, { metadata: { resourceVersion }, spec: { holderIdentity } });
    const attempts = await Promise.all(['b', 'c', 'd'].map((holder) => acquire(holder, metadata.resourceVersion)));
    expect(attempts.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const version = attempts.find(({ status }) => status === 200)?.json.metadata.resourceVersion;
    const { json } = await acquire(null, version);
    expect(json.spec).toEqual({ leaseDurationSeconds: 15, acquireTime: time, renewTime: time });
  });
});

describe('an Event', () => {
  it('is about an object in its own namespace', async () => {
    const about = (namespace: string) => ({ involvedObject: { kind: 'Pod', name: 'x', namespace }, reason: 'R' });
    const { status, json } = await create('events', about(api.namespace));
    expect([status, json.involvedObject.name, json.reason]).toEqual([201, 'x', 'R']);
    await expectRejection('events', about('elsewhere'), 'involvedObject.namespace FieldValueInvalid');
    await expectRejection('events', {}, 'involvedObject.namespace FieldValueInvalid');
  });
});
