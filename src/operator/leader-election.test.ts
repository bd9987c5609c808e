import pino from 'pino';
import { expect, test } from 'vitest';
import { kubeconfigFor, startFaultServer } from '../../tests/support/kubernetes/fault-server.ts';
import { createKubernetesClient } from '../platform/kubernetes/client.ts';
import { parseKubeConfig } from '../platform/kubernetes/kubeconfig.ts';
import { electLeader } from './leader-election.ts';

const log = pino({ level: 'silent' });

test('a leader stops leading at its renew deadline if the API server does not respond, even if its retry delay is longer', async () => {
  const server = await startFaultServer();
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfigFor(server.url)), log });
  const stop = new AbortController();
  const timing = { leaseDurationMs: 900_000, renewDeadlineMs: 500, retryMs: 600_000 };
  const common = { client, namespace: 'here', name: 'lease', identity: 'a', log };
  const { elected, lost, ended } = electLeader({ ...common, ...timing }, stop.signal);
  try {
    await elected;
    server.fault = () => 'silence';
    let isLost = false;
    void lost.then(() => {
      isLost = true;
    });
    await expect.poll(() => isLost).toBe(true);
  } finally {
    stop.abort();
    await ended;
    await client.close();
    await server.down();
  }
});
