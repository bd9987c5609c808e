import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { entrance } from '../../../src/sessions/manifest/entrance.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../../support/cluster-under-test.ts';
import { kubectl, render, succeeded } from '../../support/helm.ts';
import { operatedSessions } from '../../support/operated-sessions.ts';
import { examples } from '../../support/sessions/manifests.ts';

/** The operator creates the HTTPRoute of a session with the Role that the chart renders for a Gateway. */

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create, server } = operatedSessions(() => cluster);

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  const crds = readFileSync(join(import.meta.dirname, 'stand-in-crds.yaml'), 'utf8');
  succeeded(kubectl(['apply', '-f', '-'], cluster.kubeconfig, crds));
  succeeded(kubectl(['wait', '--for=condition=Established', '-f', '-'], cluster.kubeconfig, crds));
});
afterAll(async () => {
  await stopOperators();
  await cluster?.close();
});

it('the operator creates an HTTPRoute in place of the Ingress', async () => {
  const values = readFileSync(join(import.meta.dirname, 'values', 'gateway-api.yaml'), 'utf8');
  const roles = render(values, { namespace: cluster.namespace }).filter(
    ({ kind, metadata }) => kind === 'Role' && metadata.name?.endsWith('-operator'),
  );
  expect(roles).toHaveLength(1);
  // In place of the Role without a Gateway.
  const [role] = roles.map((each) => ({ ...each, metadata: { ...each.metadata, name: 'with-gateway' } }));
  succeeded(kubectl(['apply', '-f', '-'], cluster.kubeconfig, JSON.stringify(role)));
  const binding = ['create', 'rolebinding', 'with-gateway', '--role=with-gateway'];
  const account = [`--serviceaccount=${cluster.namespace}:operator`, '--namespace', cluster.namespace];
  succeeded(kubectl([...binding, ...account], cluster.kubeconfig));

  await startOperator();
  const example = Object.values(examples)[0];
  if (!example) throw new Error('there is no example');
  const { sessions } = example.config;
  const gateway = { name: 'public', namespace: 'gateways', section: 'https' };
  const ingress = { ...sessions.ingress, host: 'sessions.example.org', gateway };
  const patches = entrance(
    { ...example.input, name: 'routed' },
    { ...example.config, sessions: { ...sessions, ingress } },
  );
  await create(jupyterServer('routed', { patches }));
  await server('routed', ({ status }) => status?.create_fn !== undefined);
  const { client, namespace } = cluster;
  const route = await client.get(resource.httpRoutes, namespace, 'routed', testDeadline());
  expect(route).toMatchObject({
    spec: { hostnames: ['sessions.example.org'], parentRefs: [{ name: 'public', sectionName: 'https' }] },
  });
  expect(await client.get(resource.ingresses, namespace, 'routed', testDeadline())).toBeUndefined();
  expect(route?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'JupyterServer', name: 'routed' });
});
