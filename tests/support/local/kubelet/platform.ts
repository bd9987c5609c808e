/**
 * A platform with sessions, as a program that a test can kill. Prints the sessions' endpoints when they are ready, and
 * continues. ENVIRONMENT is the Python environment (JSON) of the image `registry/jupyter:1`.
 */

import type { Pod } from '../../../../src/local/kubelet/types.ts';
import type { PythonEnvironment } from '../../../../src/local/python/types.ts';
import { resource } from '../../../../src/platform/kubernetes/resources.ts';
import {
  createSession,
  createTestKubelet,
  namespace,
  openTestCluster,
  type SessionOptions,
  serverImages,
} from './templates.ts';

const { stateDir, marker, sessions } = JSON.parse(process.argv[2] ?? '') as {
  stateDir: string;
  marker: string;
  sessions: SessionOptions[];
};
const given = process.env['ENVIRONMENT'];
const images = given ? new Map([['registry/jupyter:1', JSON.parse(given) as PythonEnvironment]]) : serverImages;
const cluster = openTestCluster(stateDir);
const kubelet = createTestKubelet(cluster, stateDir, marker, images);
await kubelet.start();
const ready = new Set<string>();
cluster.watch<Pod>(resource.pods, ({ object: { metadata, status } }) => {
  if (status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')) {
    ready.add(metadata.name ?? '');
  }
  if (ready.size < sessions.length) return;
  process.stdout.write(
    `${JSON.stringify(sessions.map(({ name }) => kubelet.endpoint(namespace, `${name}-0`) ?? null))}\n`,
  );
});
for (const session of sessions) createSession(cluster, session);
