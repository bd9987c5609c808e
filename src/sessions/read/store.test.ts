import pino from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { type FakeCluster, startFakeCluster } from '../../../tests/support/sessions/fake-cluster.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import { ownerKey } from '../../identity/owner.ts';
import { label } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { Deadline } from '../../lib/deadline.ts';
import { createKubernetesClient } from '../../platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../platform/kubernetes/kubeconfig.ts';
import type { KubernetesConnection } from '../../platform/kubernetes/types.ts';
import { createSessionStore, type SessionStore } from './store.ts';

const user = john('https://gitlab.example.org');
const deadline = () => Deadline.after(60_000);

let cluster: FakeCluster;
let client: KubernetesConnection;
let store: SessionStore;

beforeEach(async () => {
  cluster = await startFakeCluster();
  const log = pino({ level: 'silent' });
  client = createKubernetesClient({ kubeconfig: await parseKubeConfig(cluster.kubeconfig), log });
  // The cache is not started, so nothing but the calls of the test changes it.
  store = createSessionStore({ client, config: testConfig(), log });
});
afterEach(async () => {
  await client.close();
  await cluster.close();
});

const session = (name: string, labels: Record<string, string>): JupyterServer => ({
  apiVersion: 'amalthea.dev/v1alpha1',
  kind: 'JupyterServer',
  metadata: { name, labels },
  spec: { routing: { host: 'sessions.example.org' } },
});

it('the refresh of the caller’s sessions adds new ones to the cache, and removes deleted ones', async () => {
  const labels = { [label.owner]: ownerKey(user) };
  for (const name of ['kept', 'deleted']) await store.create(session(name, labels), deadline());
  expect(store.allCached(user).map(({ name }) => name)).toEqual(['deleted', 'kept']);
  cluster.finish('deleted');
  const kept = store.cached(user, 'kept');
  cluster.put({
    ...session('new', labels),
    metadata: { name: 'new', labels, namespace: kept?.namespace ?? '', uid: 'n' },
  });
  await store.refreshOwn(user, deadline());
  expect(store.allCached(user).map(({ name }) => name)).toEqual(['kept', 'new']);
});
