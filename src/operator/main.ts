import { randomUUID } from 'node:crypto';
import { createKubernetesClient } from '../platform/kubernetes/client.ts';
import { loadKubeConfig } from '../platform/kubernetes/kubeconfig.ts';
import { createLogger } from '../platform/logging/logger.ts';
import { createOutboundCalls } from '../platform/metrics/outbound-calls.ts';
import { startMetrics } from '../platform/metrics/server.ts';
import { serveHealth } from './health.ts';
import { electLeader, leaseName } from './leader-election.ts';
import { createOperator } from './operator.ts';
import { readSettings } from './settings.ts';

/** Runs the operator. Returns the exit code: 0 after SIGTERM or SIGINT, 1 if another replica may be the leader now. */
async function main(): Promise<number> {
  const settings = readSettings(process.env);
  const log = createLogger({ name: 'operator', level: settings.logLevel });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.abort());
  const stopped = new Promise<void>((resolve) =>
    stop.signal.addEventListener('abort', () => resolve(), { once: true }),
  );

  const { metricsPort } = settings;
  const metricsServer = await startMetrics(metricsPort !== undefined, {
    port: metricsPort ?? 0,
    setting: 'METRICS_PORT',
    log,
  });
  const { metrics } = metricsServer;
  const calls = createOutboundCalls(metrics, ['kubernetes', 'session-agent']);
  const client = createKubernetesClient({ kubeconfig: await loadKubeConfig(), log, calls });
  const operator = createOperator({ client, settings, log, metrics, calls });
  const { leaderElection: election } = settings;
  const resign = new AbortController();
  const leadership = election
    ? electLeader(
        {
          client,
          namespace: election.namespace,
          name: leaseName,
          identity: `${election.identity}_${randomUUID()}`,
          log,
        },
        resign.signal,
      )
    : undefined;
  let isWorking = false;
  // A replica that is not the leader calls the API server only for the lease.
  const lastCurrentAt = () => (isWorking ? operator.lastCurrentAt : leadership?.lastContactAt);
  const { healthPort } = settings;
  const health =
    healthPort === undefined
      ? undefined
      : serveHealth(
          () => ({
            lastCurrentAt: lastCurrentAt(),
            lastContactAt: operator.lastContactAt,
            pauseReason: isWorking ? operator.pauseReason : undefined,
          }),
          healthPort,
          log,
        );

  const lost = leadership?.lost ?? stopped;
  await Promise.race([leadership?.elected, lost, stopped]);
  if (!stop.signal.aborted) {
    isWorking = true;
    const working = operator
      .start()
      .then(() => log.info({ namespaces: settings.namespaces }, 'the operator has started'));
    await Promise.race([working.then(() => stopped), lost, stopped]);
  }
  if (stop.signal.aborted) log.info('the operator is stopping');
  else log.error('the operator is stopping: another replica may be the leader now');
  await operator.stop();
  // The lease is released only now, when no write of this replica is in flight.
  resign.abort();
  await leadership?.ended;
  health?.close();
  metricsServer.close();
  await client.close();
  return stop.signal.aborted ? 0 : 1;
}

if (import.meta.main) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`The operator cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    },
  );
}
