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
  // A busy machine may need more than the renew deadline for the first attempt. Then the lease is taken after the retry delay.
  const timing = { leaseDurationMs: 900_000, renewDeadlineMs: 500, retryMs: 15_000 };
  const common = { client, namespace: 'here', name: 'lease', identity: 'a', log };
  const { elected, lost, ended } = electLeader({ ...common, ...timing }, stop.signal);
  try {
    await elected;
    server.fault = () => 'silence';
    const electedAt = performance.now();
    await lost;
    expect(performance.now() - electedAt).toBeLessThan(timing.retryMs);
  } finally {
    stop.abort();
    await ended;
    await client.close();
    await server.down();
  }
});
