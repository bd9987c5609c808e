import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';

/** What the replica knows of the API server. Times are in milliseconds since the epoch. */
export interface Contact {
  /** The last time at which the caches, or the lease of a replica that is not the leader, were known to be current. */
  readonly lastCurrentAt: number | undefined;
  /** The last response to a leader, error responses included. */
  readonly lastContactAt: number | undefined;
}

/** Watches are renewed every 30 s, and one lost connection must not make a replica unready. */
const readyLimitMs = 60_000;
/**
 * Time without a response after which the kubelet restarts a leader. While the API server is away, a restart does not help: it
 * only loses what the operator knows. So this is longer than a restart of the control plane takes.
 */
const liveLimitMs = 900_000;

/**
 * Returns the status code of a probe: `/readyz` is 200 if the replica has read the API recently, and never before it has reached
 * the API. `/healthz` is 200 unless the API server has not responded to the leader for a long time. Pure.
 * @param now milliseconds since the epoch
 */
export function probeStatus(path: string | undefined, { lastCurrentAt, lastContactAt }: Contact, now: number): number {
  switch (path) {
    case '/readyz':
      return lastCurrentAt !== undefined && now - lastCurrentAt < readyLimitMs ? 200 : 503;
    case '/healthz':
      return now - (lastContactAt ?? now) < liveLimitMs ? 200 : 503;
    default:
      return 404;
  }
}

/** Serves `GET /readyz` and `GET /healthz`, the probes of the kubelet, on all interfaces. */
export function serveHealth(contact: () => Contact, port: number, log: Logger): Server {
  const server = createServer((req, res) => {
    const status = req.method === 'GET' ? probeStatus(req.url, contact(), Date.now()) : 405;
    res.writeHead(status, { 'content-type': 'text/plain' }).end();
  });
  server.on('error', (err) => log.error({ err }, 'the health port could not be opened'));
  return server.listen(port);
}
