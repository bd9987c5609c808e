import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json, openApi, patches, pathsOf } from './api.ts';

/** The kinds that become a session, and those around it: what an API server makes of them, and what it refuses. */

let api: Api;
let paths: ReturnType<typeof pathsOf>;
beforeAll(async () => {
  api = await openApi();
  paths = pathsOf(api.namespace);
});
afterAll(() => api.close());

type Kind = keyof ReturnType<typeof pathsOf>;
const dry = (kind: Kind, body: unknown) => api.call('POST', paths[kind], { body, query: { dryRun: 'All' } });

async function expectRefusal(kind: Kind, body: unknown, ...expected: string[]) {
  const { status, json } = await dry(kind, body);
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
  ])('takes %j', async (body, expected) => {
    const { status, json } = await dry('secrets', named('s', body));
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
    [
      { type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': 'x' } },
      'data[.dockerconfigjson] FieldValueInvalid',
    ],
    [{ type: 'kubernetes.io/basic-auth' }, 'data[username] FieldValueRequired'],
    [{ type: 'kubernetes.io/tls' }, 'data[tls.crt] FieldValueRequired', 'data[tls.key] FieldValueRequired'],
    [
      { type: 'kubernetes.io/service-account-token' },
      'metadata.annotations[kubernetes.io/service-account.name] FieldValueRequired',
    ],
  ])('refuses %j', (body, ...causes) => expectRefusal('secrets', named('s', body), ...causes));

  it('holds no more than a megabyte', () =>
    expectRefusal('secrets', named('s', { data: { a: 'A'.repeat(1_400_004) } }), 'data FieldValueTooLong'));

  it('keeps its type, and its content when it is immutable', async () => {
    await api.ok('POST', paths.secrets, { body: named('fixed', { stringData: { k: 'v' } }) });
    const patch = (body: object) => api.call('PATCH', `${paths.secrets}/fixed`, { body, headers: patches.merge });
    const typed = await patch({ type: 'x' });
    expect([typed.status, typed.json.details.causes[0].field]).toEqual([422, 'type']);
    expect((await patch({ immutable: true })).status).toBe(200);
    expect((await patch({ data: { k: 'YQ==' } })).status).toBe(422);
    expect((await patch({ metadata: { labels: { a: 'b' } } })).status).toBe(200);
  });
});

describe('a ConfigMap', () => {
  it.each<[object, ...string[]]>([
    [{ data: { a: 5 } }],
    [{ binaryData: { a: '%' } }],
    [{ data: { '..': 'x' } }, 'data[..] FieldValueInvalid'],
    [{ data: { a: 'b' }, binaryData: { a: 'YQ==' } }, 'data[a] FieldValueInvalid'],
  ])('refuses %j', (body, ...causes) => expectRefusal('configMaps', named('c', body), ...causes));
});

describe('a Service', () => {
  const port = { port: 80 };
  it('gets its defaults', async () => {
    const { json } = await dry('services', named('s', { spec: { ports: [port], selector: { app: 's' } } }));
    expect(json.spec).toMatchObject({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      selector: { app: 's' },
    });
    expect(json.status).toEqual({ loadBalancer: {} });
  });

  it('that is deleted is in the answer', async () => {
    await api.ok('POST', paths.services, { body: named('s', { spec: { clusterIP: 'None' } }) });
    expect((await api.ok('DELETE', `${paths.services}/s`)).kind).toBe('Service');
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec.ports FieldValueRequired'],
    [{ spec: {} }, 'spec.ports FieldValueRequired'],
    [{ spec: { ports: [{ port: 0 }] } }, 'spec.ports[0].port FieldValueInvalid'],
    [{ spec: { ports: [port, { port: 81 }] } }, 'spec.ports[0].name FieldValueRequired'],
    [
      {
        spec: {
          ports: [
            { ...port, name: 'a' },
            { port: 81, name: 'a' },
          ],
        },
      },
      'spec.ports[1].name FieldValueDuplicate',
    ],
    [{ spec: { ports: [{ ...port, protocol: 'X' }] } }, 'spec.ports[0].protocol FieldValueNotSupported'],
    [{ spec: { ports: [{ ...port, targetPort: 'h_p' }] } }, 'spec.ports[0].targetPort FieldValueInvalid'],
    [{ spec: { type: 'Foo', ports: [port] } }, 'spec.type FieldValueNotSupported'],
    [{ spec: { ports: [{ port: '80' }] } }],
  ])('refuses %j', (body, ...causes) => expectRefusal('services', named('s', body), ...causes));

  it.each(['a.b', 'a'.repeat(64), 'A'])('cannot be called %s', (name) =>
    expectRefusal('services', named(name, { spec: { ports: [port] } }), 'metadata.name FieldValueInvalid'),
  );
});

describe('an Ingress', () => {
  const backend = { service: { name: 'x', port: { number: 80 } } };
  const way = { path: '/a', pathType: 'Prefix', backend };
  const rule = (host: string, ...paths: object[]) => ({ spec: { rules: [{ host, http: { paths } }] } });
  const where = 'spec.rules[0].http.paths';

  it('is taken as it comes', async () => {
    const body = rule('h.example.org', way);
    const { status, json } = await dry('ingresses', named('i', body));
    expect([status, json.spec, json.metadata.generation]).toEqual([201, body.spec, 1]);
    expect(json.status).toEqual({ loadBalancer: {} });
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec FieldValueInvalid'],
    [{ spec: {} }, 'spec FieldValueInvalid'],
    [rule('a..b', way), 'spec.rules[0].host FieldValueInvalid'],
    [rule('1.2.3.4', way), 'spec.rules[0].host FieldValueInvalid'],
    [rule('h'), `${where} FieldValueRequired`],
    [rule('h', { path: '/a', backend }), `${where}[0].pathType FieldValueRequired`],
    [rule('h', { ...way, pathType: 'Foo' }), `${where}[0].pathType FieldValueNotSupported`],
    [rule('h', { ...way, path: 'a' }), `${where}[0].path FieldValueInvalid`],
    [rule('h', { ...way, path: '/a//b' }), `${where}[0].path FieldValueInvalid`],
    [rule('h', { ...way, path: '/a/../b' }), `${where}[0].path FieldValueInvalid`],
    [
      rule('h', { ...way, backend: { service: { name: '', port: {} } } }),
      `${where}[0].backend.service.name FieldValueRequired`,
      `${where}[0].backend FieldValueRequired`,
    ],
    [
      rule('h', { ...way, backend: { service: { name: 'x', port: { number: 80, name: 'y' } } } }),
      `${where}[0].backend FieldValueInvalid`,
    ],
    [
      { spec: { ...rule('h', way).spec, tls: [{ hosts: ['h_h'], secretName: 'A' }] } },
      'spec.tls[0].hosts[0] FieldValueInvalid',
      'spec.tls[0].secretName FieldValueInvalid',
    ],
  ])('refuses %j', (body, ...causes) => expectRefusal('ingresses', named('i', body), ...causes));
});

describe('a PersistentVolumeClaim', () => {
  const spec = (storage: unknown, more: object = {}) => ({
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...more },
  });
  it.each<[unknown, string]>([
    ['100Mi', '100Mi'],
    [1_000_000_000, '1G'],
    ['1024Mi', '1Gi'],
    ['0.5Gi', '512Mi'],
    [1_500_000_000.5, '1500000000500m'],
  ])('of %j is one of %s', async (storage, expected) => {
    const { status, json } = await dry('persistentVolumeClaims', named('p', spec(storage)));
    expect([status, json.spec.resources.requests.storage]).toEqual([201, expected]);
    expect([json.spec.volumeMode, json.status]).toEqual(['Filesystem', { phase: 'Pending' }]);
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec.accessModes FieldValueRequired', 'spec.resources[storage] FieldValueRequired'],
    [spec('0'), 'spec.resources[storage] FieldValueInvalid'],
    [spec('1G', { storageClassName: 'a_b' }), 'spec.storageClassName FieldValueInvalid'],
    [spec('x')],
    [spec('')],
  ])('refuses %j', (body, ...causes) => expectRefusal('persistentVolumeClaims', named('p', body), ...causes));

  it('does not change its mind', async () => {
    await api.ok('POST', paths.persistentVolumeClaims, { body: named('fixed', spec('1Gi')) });
    const body = { spec: { accessModes: ['ReadWriteMany'] } };
    const path = `${paths.persistentVolumeClaims}/fixed`;
    const { status, json } = await api.call('PATCH', path, { body, headers: patches.merge });
    expect([status, json.details.causes[0]]).toMatchObject([422, { field: 'spec', reason: 'FieldValueForbidden' }]);
    expect((await api.ok('DELETE', path)).kind).toBe('PersistentVolumeClaim');
  });
});

describe('a StatefulSet', () => {
  const c = { name: 'c', image: 'i' };
  const set = (pod: object = {}, spec: object = {}) => ({
    spec: {
      serviceName: 'w',
      selector: { matchLabels: { app: 'w' } },
      template: { metadata: { labels: { app: 'w' } }, spec: { containers: [c], ...pod } },
      ...spec,
    },
  });
  const pod = 'spec.template.spec';

  it('gets its defaults, and quantities in the spelling of the API', async () => {
    const resources = {
      requests: { cpu: 0.5, memory: 1_000_000_000, 'nvidia.com/gpu': '1' },
      limits: { 'nvidia.com/gpu': 1 },
    };
    const containers = [
      { ...c, resources, livenessProbe: { httpGet: { port: 80 } } },
      { name: 'd', image: 'i:1', ports: [{ containerPort: 80 }] },
    ];
    const volumes = [
      { name: 'v' },
      { name: 'w', emptyDir: { sizeLimit: '1024Mi' } },
      { name: 'x', secret: { secretName: 's' } },
    ];
    const { status, json } = await dry('statefulSets', named('w', set({ containers, volumes })));
    expect(status).toBe(201);
    expect(json.spec).toMatchObject({
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    });
    expect(json.spec.template.spec).toMatchObject({
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', emptyDir: { sizeLimit: '1Gi' } },
        { name: 'x', secret: { secretName: 's', defaultMode: 420 } },
      ],
      containers: [
        {
          imagePullPolicy: 'Always',
          resources: {
            requests: { cpu: '500m', memory: '1G', 'nvidia.com/gpu': '1' },
            limits: { 'nvidia.com/gpu': '1' },
          },
          livenessProbe: { httpGet: { path: '/', port: 80, scheme: 'HTTP' }, periodSeconds: 10, failureThreshold: 3 },
          terminationMessagePath: '/dev/termination-log',
        },
        { imagePullPolicy: 'IfNotPresent', resources: {}, ports: [{ containerPort: 80, protocol: 'TCP' }] },
      ],
    });
  });

  it.each<[object, ...string[]]>([
    [{}, 'spec.selector FieldValueRequired', `${pod}.containers FieldValueRequired`],
    [set({}, { replicas: -1 }), 'spec.replicas FieldValueInvalid'],
    [set({}, { selector: {} }), 'spec.selector FieldValueInvalid'],
    [set({}, { selector: { matchLabels: { app: 'z' } } }), 'spec.template.metadata.labels FieldValueInvalid'],
    [set({}, { podManagementPolicy: 'X' }), 'spec.podManagementPolicy FieldValueInvalid'],
    [set({}, { updateStrategy: { type: 'X' } }), 'spec.updateStrategy FieldValueInvalid'],
    [set({ containers: [] }), `${pod}.containers FieldValueRequired`],
    [set({ containers: [c, c] }), `${pod}.containers[1].name FieldValueDuplicate`],
    [set({ initContainers: [c] }), `${pod}.initContainers[0].name FieldValueDuplicate`],
    [set({ containers: [{ name: 'A_', image: 'i' }] }), `${pod}.containers[0].name FieldValueInvalid`],
    [set({ containers: [{ name: 'c' }] }), `${pod}.containers[0].image FieldValueRequired`],
    [
      set({ containers: [{ ...c, imagePullPolicy: 'X' }] }),
      `${pod}.containers[0].imagePullPolicy FieldValueNotSupported`,
    ],
    [set({ restartPolicy: 'Never' }), `${pod}.restartPolicy FieldValueNotSupported`],
    [set({ containers: [{ ...c, env: [{ name: '' }] }] }), `${pod}.containers[0].env[0].name FieldValueRequired`],
    [set({ containers: [{ ...c, env: [{ name: 'a=b' }] }] }), `${pod}.containers[0].env[0].name FieldValueInvalid`],
    [
      set({ containers: [{ ...c, env: [{ name: 'A', valueFrom: {} }] }] }),
      `${pod}.containers[0].env[0].valueFrom FieldValueInvalid`,
    ],
    [
      set({
        containers: [{ ...c, env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
      }),
      `${pod}.containers[0].env[0].valueFrom FieldValueInvalid`,
    ],
    [
      set({ containers: [{ ...c, env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's' } } }] }] }),
      `${pod}.containers[0].env[0].valueFrom.secretKeyRef.key FieldValueRequired`,
    ],
    [
      set({ containers: [{ ...c, volumeMounts: [{ name: 'v', mountPath: '/x' }] }] }),
      `${pod}.containers[0].volumeMounts[0].name FieldValueNotFound`,
    ],
    [
      set({
        containers: [
          {
            ...c,
            volumeMounts: [
              { name: 'v', mountPath: '/x' },
              { name: 'v', mountPath: '/x' },
            ],
          },
        ],
        volumes: [{ name: 'v' }],
      }),
      `${pod}.containers[0].volumeMounts[1].mountPath FieldValueInvalid`,
    ],
    [
      set({ volumes: [{ name: 'v', emptyDir: {}, secret: { secretName: 'x' } }] }),
      `${pod}.volumes[0].secret FieldValueForbidden`,
    ],
    [set({ volumes: [{ name: 'v', secret: {} }] }), `${pod}.volumes[0].secret.secretName FieldValueRequired`],
    [set({ volumes: [{ name: 'v' }, { name: 'v' }] }), `${pod}.volumes[1].name FieldValueDuplicate`],
    [
      set({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '-1' } }] }),
      `${pod}.volumes[0].emptyDir.sizeLimit FieldValueForbidden`,
    ],
    [set({ volumes: [{ name: 'v', emptyDir: { sizeLimit: '' } }] })],
    [set({ containers: [{ ...c, resources: { requests: { cpu: 'x' } } }] })],
    [
      set({ containers: [{ ...c, resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }] }),
      `${pod}.containers[0].resources.requests FieldValueInvalid`,
    ],
    [
      set({ containers: [{ ...c, resources: { requests: { 'nvidia.com/gpu': '1' } } }] }),
      `${pod}.containers[0].resources.limits FieldValueRequired`,
    ],
    [
      set({ containers: [{ ...c, resources: { limits: { 'nvidia.com/gpu': '1.5' } } }] }),
      `${pod}.containers[0].resources.limits[nvidia.com/gpu] FieldValueInvalid`,
    ],
    [
      set({ containers: [{ ...c, resources: { requests: { foo: '1' } } }] }),
      `${pod}.containers[0].resources.requests[foo] FieldValueInvalid`,
    ],
    [
      set({ containers: [{ ...c, resources: { requests: { cpu: '-1' } } }] }),
      `${pod}.containers[0].resources.requests[cpu] FieldValueInvalid`,
    ],
    [
      set({ containers: [{ ...c, ports: [{ containerPort: 0 }] }] }),
      `${pod}.containers[0].ports[0].containerPort FieldValueRequired`,
    ],
    [set({ containers: [{ ...c, livenessProbe: {} }] }), `${pod}.containers[0].livenessProbe FieldValueRequired`],
    [set({ tolerations: [{ key: 'a', operator: 'X' }] }), `${pod}.tolerations[0].operator FieldValueNotSupported`],
    [set({ tolerations: [{ operator: 'Equal' }] }), `${pod}.tolerations[0].operator FieldValueInvalid`],
    [set({ nodeSelector: { 'a b': 'c' } }), `${pod}.nodeSelector FieldValueInvalid`],
    [{ ...set(), metadata: { name: 'a.b' } }, 'metadata.name FieldValueInvalid'],
    [{ ...set(), metadata: { name: 'w'.repeat(64) } }, 'metadata.name FieldValueInvalid'],
  ])('refuses %j', (body, ...causes) => expectRefusal('statefulSets', { ...named('w'), ...body }, ...causes));

  it('makes its pod, scales it away, and changes nothing but what may', async () => {
    await api.ok('POST', paths.statefulSets, { body: named('w', set({ automountServiceAccountToken: false })) });
    const patch = (body: object) => api.call('PATCH', `${paths.statefulSets}/w`, { body, headers: patches.merge });
    const pods = () => api.ok('GET', paths.pods, { query: { labelSelector: 'app=w' } });
    const made = await eventually(pods, ({ items }) => items.length === 1);
    const { metadata, status } = made.items[0];
    expect(metadata).toMatchObject({
      name: 'w-0',
      ownerReferences: [{ kind: 'StatefulSet', name: 'w', controller: true }],
    });
    expect(status).toMatchObject({ phase: 'Pending', qosClass: 'BestEffort' });
    const refused = await patch({ spec: { serviceName: 'x' } });
    expect([refused.status, refused.json.details.causes[0]]).toMatchObject([
      422,
      { field: 'spec', reason: 'FieldValueForbidden' },
    ]);
    expect((await patch({ status: { replicas: 7 } })).json.status.replicas).not.toBe(7);
    const scaled = await patch({ spec: { replicas: 0 } });
    expect(scaled.json.metadata.generation).toBe(2);
    await eventually(pods, ({ items }) => items.length === 0);
  });
});

describe('a Lease', () => {
  it('is taken by whoever knows its version', async () => {
    const time = '2026-01-01T00:00:00.000000Z';
    const spec = { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: time, renewTime: time };
    const { metadata } = await api.ok('POST', paths.leases, { body: named('l', { spec }) });
    const take = (holderIdentity: string | null, resourceVersion: string) => {
      const body = { metadata: { resourceVersion }, spec: { holderIdentity } };
      return api.call('PATCH', `${paths.leases}/l`, { body, headers: patches.merge });
    };
    const taken = await Promise.all(['b', 'c', 'd'].map((who) => take(who, metadata.resourceVersion)));
    expect(taken.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const { json } = await take(null, taken.find(({ status }) => status === 200)?.json.metadata.resourceVersion);
    expect(json.spec).toEqual({ leaseDurationSeconds: 15, acquireTime: time, renewTime: time });
  });

  it.each<[object, ...string[]]>([
    [{ spec: { leaseDurationSeconds: 0 } }, 'spec.leaseDurationSeconds FieldValueInvalid'],
    [{ spec: { leaseTransitions: -1 } }, 'spec.leaseTransitions FieldValueInvalid'],
    [{ spec: { renewTime: 'x' } }],
    [{ spec: { renewTime: '2026-01-01T00:00:00Z' } }],
  ])('refuses %j', (body, ...causes) => expectRefusal('leases', named('l', body), ...causes));
});

describe('an Event', () => {
  it('is about something in its own namespace', async () => {
    const about = (namespace: string) => ({ involvedObject: { kind: 'Pod', name: 'x', namespace }, reason: 'R' });
    const { status, json } = await dry('events', named('e', about(api.namespace)));
    expect([status, json.involvedObject.name, json.reason]).toEqual([201, 'x', 'R']);
    await expectRefusal('events', named('e', about('elsewhere')), 'involvedObject.namespace FieldValueInvalid');
    await expectRefusal('events', named('e'), 'involvedObject.namespace FieldValueInvalid');
    await expectRefusal('events', named('e', { ...about(api.namespace), firstTimestamp: 'x' }));
  });
});
