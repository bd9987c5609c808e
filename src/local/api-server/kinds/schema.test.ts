import { describe, expect, it } from 'vitest';
import type { StoredObject } from '../json.ts';
import { jupyterServerDefinition } from './jupyter-servers.ts';
import { parseSchema } from './schema.ts';

const { kind } = jupyterServerDefinition();

function admit(spec: unknown, rest: object = {}) {
  const object = { metadata: {}, ...(spec === undefined ? {} : { spec }), ...rest } as StoredObject;
  const unknownFields: string[] = [];
  const errors = kind.admit(object, undefined, unknownFields);
  return { object, unknownFields, errors, fields: errors.map(({ field }) => field) };
}

/** The spec that a kube-apiserver 1.36 with the schema of Amalthea 0.12.3 stores for `spec: {}`. */
const defaults = {
  auth: { oidc: { authorizedEmails: [], authorizedGroups: [], enabled: false } },
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
};

describe('defaults of a JupyterServer', () => {
  it('are added to missing nested objects', () => {
    expect(admit({}).object['spec']).toEqual(defaults);
  });

  it('replace null, and null without a default is removed', () => {
    const { object, errors } = admit({
      auth: { token: null, oidc: null },
      jupyterServer: { hibernated: null },
      patches: null,
      storage: { size: null },
    });
    expect(object['spec']).toEqual(defaults);
    expect(errors).toEqual([]);
  });

  it('are not added to a missing spec, and include a status only if the status is missing', () => {
    expect(admit(undefined).object['spec']).toBeUndefined();
    expect(admit(null).object['spec']).toBeUndefined();
    expect(admit({}).object['status']).toEqual({ children: {}, mainPod: {} });
    expect(admit({}, { status: { state: 'x' } }).object['status']).toEqual({ state: 'x' });
  });

  it('are not shared between objects', () => {
    const first = admit({}).object['spec'] as typeof defaults;
    first.auth.oidc.authorizedEmails.push('x' as never);
    expect(admit({}).object['spec']).toEqual(defaults);
  });
});

describe('unknown fields of a JupyterServer', () => {
  it('are removed and reported', () => {
    const { object, unknownFields } = admit({
      bogus: 1,
      jupyterServer: { env: 1 },
      patches: [{ type: 'application/json-patch+json', patch: 5, extra: 1 }],
    });
    expect(unknownFields).toEqual(['spec.bogus', 'spec.jupyterServer.env', 'spec.patches[0].extra']);
    expect(object['spec']).toEqual({ ...defaults, patches: [{ type: 'application/json-patch+json', patch: 5 }] });
  });

  it('are kept if the schema preserves them', () => {
    const free = { anything: { goes: [1, { deep: null }] }, constructor: 1 };
    const patches = [{ type: 'application/merge-patch+json', patch: free }];
    const { object, unknownFields } = admit(
      { jupyterServer: { resources: free }, routing: { ingressAnnotations: free }, patches },
      { status: { kopf: free } },
    );
    expect(unknownFields).toEqual([]);
    expect(object['spec']).toMatchObject({ jupyterServer: { resources: free }, routing: { ingressAnnotations: free } });
    expect(object['spec']).toMatchObject({ patches });
    expect(object['status']).toEqual({ kopf: free });
  });

  it('include the names of members of Object.prototype', () => {
    expect(admit({ toString: 1, jupyterServer: { constructor: 'x' } }).unknownFields).toEqual([
      'spec.toString',
      'spec.jupyterServer.constructor',
    ]);
  });
});

describe('validation of a JupyterServer', () => {
  it.each([
    [{ culling: { idleSecondsThreshold: -1 } }, ['spec.culling.idleSecondsThreshold']],
    [{ culling: { idleSecondsThreshold: 1.5 } }, ['spec.culling.idleSecondsThreshold']],
    [{ storage: { size: 1.5 } }, ['spec.storage.size']],
    [{ storage: { size: true } }, ['spec.storage.size']],
    [{ auth: { oidc: { authorizedEmails: [1, 'a'] } } }, ['spec.auth.oidc.authorizedEmails[0]']],
    [{ auth: { oidc: { clientSecret: {} } } }, ['spec.auth.oidc.clientSecret']],
    [{ auth: { oidc: { clientSecret: { value: 'x', secretKeyRef: {} } } } }, ['spec.auth.oidc.clientSecret']],
    [{ patches: [{ type: 'text/plain' }] }, ['spec.patches[0].type']],
    [{ patches: [{ type: null }, 5] }, ['spec.patches[1]']],
    [{ routing: [] }, ['spec.routing']],
    ['text', ['spec']],
  ])('rejects %j', (spec, fields) => {
    expect(admit(spec).fields).toEqual(fields);
  });

  it.each([
    [{ storage: { size: '1Gi' } }],
    [{ storage: { size: 5 } }],
    [{ storage: { size: '' } }],
    [{ auth: { oidc: { clientSecret: { value: 'x' } } } }],
    [{ auth: { token: '' } }],
    [{ patches: [{}] }],
  ])('accepts %j', (spec) => {
    expect(admit(spec).errors).toEqual([]);
  });

  it('has the wording of a Kubernetes API server', () => {
    expect(admit({ culling: { idleSecondsThreshold: 'x' }, patches: [{ type: 'x' }] }).errors).toEqual([
      {
        field: 'spec.culling.idleSecondsThreshold',
        reason: 'FieldValueTypeInvalid',
        message: 'Invalid value: "string": spec.culling.idleSecondsThreshold in body must be of type integer: "string"',
      },
      {
        field: 'spec.patches[0].type',
        reason: 'FieldValueNotSupported',
        message:
          'Unsupported value: "x": supported values: "application/json-patch+json", "application/merge-patch+json"',
      },
    ]);
  });
});

it('rejects a schema with an unsupported keyword', () => {
  expect(() => parseSchema({ type: 'object', properties: { a: { type: 'string', format: 'date' } } })).toThrow(
    'openAPIV3Schema.a: the keyword format is not supported',
  );
});
