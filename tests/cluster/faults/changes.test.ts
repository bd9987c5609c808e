import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { hibernation } from '../../../src/jupyter-server/hibernation.ts';
import { jupyterServers } from '../../../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../../../src/jupyter-server/types.ts';
import type { KubernetesObject } from '../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../src/platform/kubernetes/resources.ts';
import { secretReferences } from '../../../src/sessions/manifest/secret-references.ts';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../support/cluster-under-test.ts';
import { killAtWrite, killTimes } from '../../support/kill-at-write.ts';
import { type ProgramsOnCluster, programsOnCluster } from '../../support/programs-on-cluster.ts';

/** Resumes and changes of the resource class by processes of the service on a real API server, which are killed. */

let cluster: ClusterUnderTest;
let programs: ProgramsOnCluster;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  programs = await programsOnCluster(cluster);
});
afterAll(async () => {
  await programs?.close();
  await cluster?.close();
});

type Secret = KubernetesObject & { data?: Record<string, string> };
const read = (name: string) =>
  cluster.client.get<JupyterServer>(jupyterServers, cluster.namespace, name, testDeadline());
const secretsOf = async (uid: string | undefined) =>
  (await cluster.client.list<Secret>(resource.secrets, cluster.namespace, {}, testDeadline())).filter(
    ({ metadata }) => metadata.ownerReferences?.[0]?.uid === uid,
  );

/** Makes the session what it was after its launch, but hibernated. */
async function hibernateAgain({ metadata: { name = '', annotations }, spec }: JupyterServer): Promise<void> {
  const hibernated = hibernation(new Date());
  const patch = {
    metadata: { annotations: { ...annotations, ...hibernated.metadata.annotations } },
    spec: { ...spec, jupyterServer: { ...spec?.jupyterServer, ...hibernated.spec.jupyterServer } },
  };
  await cluster.client.mergePatch(jupyterServers, cluster.namespace, name, patch, testDeadline());
}

/** A change of a hibernated session, the fewest writes that it needs, and the check of the changed session. */
const changes = {
  'a resume': [{ state: 'running' }, 2, { hibernated: false, resources: { requests: { cpu: 0.5 } } }],
  'a change of the resource class': [
    { resource_class_id: 3 },
    1,
    { hibernated: true, resources: { requests: { cpu: 2 } } },
  ],
  'a resume with another resource class': [
    { resource_class_id: 3, state: 'running' },
    3,
    { hibernated: false, resources: { requests: { cpu: 2 } } },
  ],
} as const;

describe.each(Object.keys(changes) as (keyof typeof changes)[])('a service that is killed during %s', (of) => {
  const [change, fewest, wanted] = changes[of];

  it.each(killTimes)(
    '(%s any of its writes) leaves what the next request completes at another replica',
    async (when) => {
      const other = await programs.startService(await programs.proxy());
      const commit = `${fewest}${when === 'before' ? 'b' : 'a'}`.padStart(40, 'd');
      programs.gitlab.refs.set(commit, commit);
      const launched = await other.launch({ namespace: 'my-group', project: 'my-project', commit_sha: commit });
      expect(launched.status, launched.text).toBe(201);
      const name = String(launched.json()['name']);
      const before = await read(name);
      if (!before) throw new Error('the session does not exist');
      const secrets = await secretsOf(before.metadata.uid);
      const proxy = await programs.proxy();
      for (let at = 1; ; at += 1) {
        await hibernateAgain(before);
        const service = await programs.startService(proxy);
        const wasKilled = killAtWrite(at, when, proxy, service.child);
        const response = await service.call('PATCH', `/servers/${name}`, change).catch(() => undefined);
        proxy.recover();
        proxy.onResponse = () => undefined;
        service.child.kill('SIGKILL');
        await service.exit;
        if (!wasKilled()) {
          expect(response?.status).toBe(200);
          expect(at).toBeGreaterThan(fewest);
          break;
        }
        const next = await other.call('PATCH', `/servers/${name}`, change);
        expect(next.status, next.text).toBe(200);
        const server = await read(name);
        expect(server?.metadata.uid).toBe(before.metadata.uid);
        expect(server?.spec?.jupyterServer).toMatchObject(wanted);
        const now = await secretsOf(server?.metadata.uid);
        expect(now.map(({ metadata }) => metadata.uid).sort()).toEqual(
          secrets.map(({ metadata }) => metadata.uid).sort(),
        );
        for (const { name: secret, key } of secretReferences(server?.spec))
          expect(now.find(({ metadata }) => metadata.name === secret)?.data, `${secret} ${key}`).toHaveProperty([key]);
      }
      other.child.kill('SIGKILL');
    },
  );
});
