import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import { buildJupyterServer } from '../../src/sessions/manifest/build.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../support/cluster-under-test.ts';
import { operatedSessions } from '../support/operated-sessions.ts';
import { examples } from '../support/sessions/manifests.ts';

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create } = operatedSessions(() => cluster);

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
});
afterAll(async () => {
  await stopOperators();
  await cluster?.close();
});

it('a namespace that enforces the restricted Pod Security Standard gets the pods of all kinds of sessions', async () => {
  const { client, namespace, when } = cluster;
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await client.mergePatch(resource.namespaces, '', namespace, { metadata: { labels } }, testDeadline());
  const privileged = { name: 'root', image: 'i', securityContext: { runAsUser: 0 } };
  const rejected = client.create(
    resource.pods,
    namespace,
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'root' }, spec: { containers: [privileged] } },
    testDeadline(),
  );
  await expect(rejected).rejects.toThrow(/violates PodSecurity/);

  await startOperator();
  // The cluster has no Datasets of Datashim, which buckets need, and no priority classes.
  const kinds = Object.entries(examples).filter(([, { input }]) => input.cloudStorage.length === 0);
  for (const [index, [, { input, config }]] of kinds.entries()) {
    const name = `s-${index}`;
    const made = buildJupyterServer({ ...input, name }, config);
    const priority = (patch: object) => JSON.stringify(patch).includes('priorityClassName');
    const patches = (made.spec?.patches ?? []).filter((patch) => !priority(patch));
    await create({ ...made, spec: { ...made.spec, patches } });
  }
  for (const index of kinds.keys()) await when(resource.pods, `s-${index}-0`, (pod) => pod !== undefined);
  expect(kinds.length).toBeGreaterThan(5);
});
