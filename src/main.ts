import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Must run before the large imports, so that later starts are faster. The default folder of Node.js is in /tmp, where another
// user of the machine could put code into the cache.
enableCompileCache(
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'notebook-sessions', 'compile-cache'),
);

const { createLogger } = await import('./platform/logging/logger.ts');
const log = createLogger({ name: 'service', level: process.env['LOG_LEVEL'] });

/** Logs and prints why the service cannot start, one line per error, and exits. */
function exitWithError(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  log.fatal({ err: error }, `cannot start: ${message}`);
  process.stderr.write(`The service cannot start: ${message}\n`);
  process.exit(1);
}

const host = process.env['HOST'] || '0.0.0.0';

function addressOf(env: NodeJS.ProcessEnv) {
  if (env['SOCKET']) return { socket: env['SOCKET'] };
  const port = Number(env['PORT'] || 8000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('PORT must be a whole number from 0 to 65535');
  return { host, port };
}

try {
  const [{ loadConfig }, { describeConfig }] = await Promise.all([
    import('./config/load.ts'),
    import('./config/describe.ts'),
  ]);
  const { config, warnings } = loadConfig(process.env);
  for (const warning of warnings) log.warn(warning);
  log.debug({ config: describeConfig(config) }, 'configuration');
  const address = addressOf(process.env);

  const [
    { createService },
    { createKubernetesClient },
    { loadKubeConfig },
    { createOutboundCalls, outboundTargets },
    { startMetrics },
  ] = await Promise.all([
    import('./service.ts'),
    import('./platform/kubernetes/client.ts'),
    import('./platform/kubernetes/kubeconfig.ts'),
    import('./platform/metrics/outbound-calls.ts'),
    import('./platform/metrics/server.ts'),
  ]);
  const kubeconfig = await loadKubeConfig();
  const { enabled, port } = config.metrics;
  const metricsServer = await startMetrics(enabled, { host, port, setting: 'metrics.port (NB_METRICS__PORT)', log });
  const { metrics } = metricsServer;
  const calls = createOutboundCalls(metrics, outboundTargets);
  const client = createKubernetesClient({ kubeconfig, log, calls });
  const service = createService({ config, log, client, metrics, calls });
  await service.start(address);
  log.info(
    {
      address: service.server.address(),
      prefix: config.service_prefix,
      version: config.version,
      kubernetes: kubeconfig.cluster?.server,
      namespaces: config.k8s,
    },
    'listening',
  );

  const stop = async (signal: string) => {
    log.info({ signal }, 'stopping');
    await service.stop();
    metricsServer.close();
    log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).catch((err: unknown) => {
        log.error({ err }, 'cannot stop cleanly');
        process.exit(1);
      });
    });
  }
  process.on('uncaughtExceptionMonitor', (err) => log.fatal({ err }, 'an unhandled error ends the service'));
} catch (error) {
  exitWithError(error);
}
