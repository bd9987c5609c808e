import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';

/** What the replica knows of the API server. Times are in milliseconds since the epoch. */
export interface Contact {
  /** The last time at which the caches, or the lease of a replica that is not the leader, were known to be current. */
  readonly lastCurrentAt: number | undefined;
  /** The last response to a leader, error responses included. */
  readonly lastContactAt: number | undefined;
  /** Why a leader changes no session; undefined if it does. */
  readonly pauseReason: string | undefined;
}

export interface ProbeResponse {
  readonly status: number;
  /** For people who call the probe. */
  readonly text: string;
}

/** Watches are renewed every 30 s, and one lost connection must not make a replica unready. */
const readyLimitMs = 60_000;
/**
 * Time without a response after which the kubelet restarts a leader. While the API server is away, a restart does not help: it
 * only loses what the operator knows. So this is longer than a restart of the control plane takes.
 */
const liveLimitMs = 900_000;

/**
 * Returns the response to a probe: `/readyz` is 200 if the replica has read the API recently, and never before it has reached
 * the API or while it may not act. `/healthz` is 200 unless the API server has not responded to the leader for a long time. Pure.
 * @param now milliseconds since the epoch
 */
export function probeResponse(
  path: string | undefined,
  { lastCurrentAt, lastContactAt, pauseReason }: Contact,
  now: number,
): ProbeResponse {
  switch (path) {
    case '/readyz':
      if (lastCurrentAt === undefined || now - lastCurrentAt >= readyLimitMs)
        return { status: 503, text: 'This operator has had no current data from the Kubernetes API for a minute.' };
      return pauseReason === undefined ? { status: 200, text: 'ready' } : { status: 503, text: pauseReason };
    case '/healthz':
      return now - (lastContactAt ?? now) < liveLimitMs
        ? { status: 200, text: 'alive' }
        : { status: 503, text: 'The Kubernetes API has not responded for 15 minutes.' };
    default:
      return { status: 404, text: 'This address does not exist. There are /readyz and /healthz.' };
  }
}

/** Serves `GET /readyz` and `GET /healthz`, the probes of the kubelet, on all interfaces. */
export function serveHealth(contact: () => Contact, port: number, log: Logger): Server {
  const server = createServer((req, res) => {
    const { status, text } =
      req.method === 'GET'
        ? probeResponse(req.url, contact(), Date.now())
        : { status: 405, text: 'Only GET is allowed.' };
    res.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
  });
  server.on('error', (err) => log.error({ err }, 'the health port could not be opened'));
  return server.listen(port);
}
