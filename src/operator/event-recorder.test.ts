import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClusterUnderTest, openClusterUnderTest, testDeadline } from '../../tests/support/cluster-under-test.ts';
import { jupyterServer } from '../../tests/support/operator/examples.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { createEventRecorder } from './event-recorder.ts';

let cluster: ClusterUnderTest;

beforeAll(async () => {
  cluster = await openClusterUnderTest();
});
afterAll(() => cluster.close());

interface Recorded extends KubernetesObject {
  reason?: string;
  message?: string;
  count?: number;
  involvedObject?: { kind?: string; name?: string };
}

it('writes equal events once with their count, and a limited number of different events of a session', async () => {
  const recorder = createEventRecorder({
    client: cluster.client,
    now: () => new Date(),
    log: pino({ level: 'silent' }),
  });
  const server = jupyterServer({}, { metadata: { namespace: cluster.namespace } });
  const events = async () =>
    (await cluster.client.list<Recorded>(resource.events, cluster.namespace, {}, testDeadline())).map(
      ({ reason, message, count, involvedObject }) => ({ reason, message, count, about: involvedObject?.kind }),
    );
  for (let i = 0; i < 3; i += 1) recorder.record(server, { type: 'Normal', reason: 'Same', message: 'again' });
  await expect.poll(events).toEqual([{ reason: 'Same', message: 'again', count: 3, about: 'JupyterServer' }]);

  for (let i = 0; i < 100; i += 1) recorder.record(server, { type: 'Warning', reason: 'Other', message: `${i}` });
  await expect.poll(async () => (await events()).length).toBe(23);
  await recorder.stop();
});
