import { createServer } from 'node:http';
import type { Logger } from 'pino';
import { type Metrics, noMetrics, type ReadableMetrics } from './types.ts';

/** Prometheus and its replicas need one connection each. The limit keeps other clients from exhausting the process. */
const maxConnections = 32;

export interface MetricsServer {
  close(): void;
}

export interface MetricsServerOptions {
  /** All interfaces by default. */
  host?: string;
  /** 0: any free port. */
  port: number;
  /** The name of the setting with the port, for the log. */
  setting: string;
  log: Logger;
}

/** Returns the metrics of a program, and serves them. Without `enabled`, the library of the metrics is not even loaded. */
export async function startMetrics(
  enabled: boolean,
  options: MetricsServerOptions,
): Promise<MetricsServer & { readonly metrics: Metrics }> {
  if (!enabled) return { metrics: noMetrics, close: () => undefined };
  const { createMetrics } = await import('./prometheus.ts');
  const metrics = createMetrics();
  return { metrics, ...serveMetrics(metrics, options) };
}

/**
 * Serves `GET /metrics` on a port of its own, so that the network policy of the metrics differs from that of the API. No
 * identity is required: the values name no user, session or project. A port that cannot be used is logged and does not stop
 * the program.
 */
export function serveMetrics(
  metrics: ReadableMetrics,
  { host, port, setting, log }: MetricsServerOptions,
): MetricsServer {
  const server = createServer(
    { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 10_000, insecureHTTPParser: false },
    (req, res) => {
      const plain = { 'content-type': 'text/plain' };
      if (req.url?.split('?')[0] !== '/metrics') return void res.writeHead(404, plain).end('See /metrics.\n');
      if (req.method !== 'GET' && req.method !== 'HEAD')
        return void res.writeHead(405, { ...plain, allow: 'GET, HEAD' }).end('The method must be GET.\n');
      metrics.text().then(
        (text) => res.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        (err: unknown) => {
          log.error({ err }, 'the metrics could not be read');
          res.writeHead(500, plain).end('The log has the error.\n');
        },
      );
    },
  );
  server.maxConnections = maxConnections;
  // The metrics never keep a program running.
  server.unref();
  server.on('error', (err) =>
    log.error({ err, port }, `the metrics are not served, because the port cannot be used; change ${setting}`),
  );
  server.listen(port, host, () => log.info({ metrics: server.address() }, 'the metrics are served at /metrics'));
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
