import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromJupyterServer } from '../../../src/jupyter-server/session.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import { renderChildren } from '../../../src/operator/children/render.ts';
import { readSettings } from '../../../src/operator/settings.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { buildJupyterServer } from '../../../src/sessions/manifest/build.ts';
import { credentialsSecret } from '../../../src/sessions/manifest/credentials.ts';
import { pullSecret } from '../../../src/sessions/manifest/pull-secret.ts';
import { examples } from '../../support/sessions/manifests.ts';
import { john } from '../../support/sessions/service.ts';
import { type Api, openApi } from './api.ts';

/** The objects that the service and the operator create for a launch, sent to an API server that rejects unknown fields. */
let api: Api;

beforeAll(async () => {
  api = await openApi();
});

afterAll(() => api.close());

const strict = { fieldValidation: 'Strict' };

const collections: Readonly<Record<string, string>> = {
  Secret: '/api/v1/namespaces/{}/secrets',
  ConfigMap: '/api/v1/namespaces/{}/configmaps',
  Service: '/api/v1/namespaces/{}/services',
  PersistentVolumeClaim: '/api/v1/namespaces/{}/persistentvolumeclaims',
  StatefulSet: '/apis/apps/v1/namespaces/{}/statefulsets',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/{}/ingresses',
};

async function make(object: KubernetesObject): Promise<void> {
  const path = (collections[object.kind ?? ''] ?? '').replace('{}', api.namespace);
  const response = await api.call('POST', path, { body: object, query: strict });
  expect(response.status, `${object.kind}: ${response.text}`).toBe(201);
}

describe('a session', () => {
  it.each(Object.entries(examples))('%s is stored unchanged, and its children are accepted', async (name, example) => {
    const { input, config } = example;
    const named = { ...input, name };
    const body = buildJupyterServer(named, config);
    const path = `/apis/amalthea.dev/v1alpha1/namespaces/${api.namespace}/jupyterservers`;
    const made = (await api.ok('POST', path, { body, query: strict })) as JupyterServer;
    expect(made.spec).toMatchObject(body.spec ?? {});
    expect(made.spec?.patches).toEqual(body.spec?.patches);

    const children = Object.values(renderChildren(made, readSettings({ NAMESPACES: api.namespace }), randomBytes));
    // Only clusters with Datashim have the kind Dataset.
    for (const child of children.filter(({ kind }) => kind !== 'Dataset')) await make(child);
    const identity = john(input.user.gitUrl);
    const session = fromJupyterServer(made);
    await make(credentialsSecret(session, identity, input.environment, config));
    if (input.image.private) await make(pullSecret(session, 'the-gitlab-token', config));
  });
});
