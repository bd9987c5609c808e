import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { SessionEndpoint } from '../../cluster.ts';
import { listensOn } from '../pod/addresses.ts';
import type { Container } from '../types.ts';

/** Milliseconds between probes before the first success. Short, so that the start of a session is detected immediately. */
const startupEveryMs = 50;
/** Milliseconds between probes of a server that responds: each costs Jupyter about a millisecond. */
const everyMs = 5_000;
const afterFailureMs = 1_000;
const maxResponseBytes = 64 * 1024;

export interface JupyterProbe extends SessionEndpoint {
  /** The process that must listen at the address. */
  pid: number;
  /** `/sessions/<name>/api/status` */
  path: string;
  limits: ProbeLimits;
  /** True if the server has responded before and was ready: an adopted server. */
  started: boolean;
  ready: boolean;
  onReady: (ready: boolean) => void;
  /** Called with a message when a server becomes unready but is not stopped yet. */
  onUnready: (message: string) => void;
}

export interface ProbeLimits {
  /** Time limit of one request. */
  timeoutMs: number;
  /** A starting server that does not respond for this long has failed. */
  startupMs: number;
  /** A server that does not respond for this long is unready. */
  readinessMs: number;
  /** A server that does not respond for this long is restarted. */
  livenessMs: number;
}

/** Returns the limits of the container's probes; by default the operator's: 300 s, 20 s and 60 s. */
export function probeLimits({ startupProbe, readinessProbe, livenessProbe }: Container): ProbeLimits {
  const total = (probe: Container['readinessProbe'], failures: number): number =>
    (probe?.periodSeconds ?? 2) * (probe?.failureThreshold ?? failures) * 1_000;
  return {
    timeoutMs: Math.max(readinessProbe?.timeoutSeconds ?? 1, 1) * 1_000,
    startupMs: total(startupProbe, 150),
    readinessMs: total(readinessProbe, 10),
    livenessMs: total(livenessProbe, 30),
  };
}

/**
 * Probes a Jupyter server at /api/status. Resolves with the reason for which the server must be stopped: it does not start,
 * it hangs, or it responds without its token. Rejects when `signal` aborts: the process has ended.
 */
export async function watchJupyter(probe: JupyterProbe, signal: AbortSignal): Promise<string> {
  const { limits } = probe;
  let failingSince = performance.now();
  let { started, ready } = probe;
  for (;;) {
    signal.throwIfAborted();
    const failure = await failureOf(probe, signal);
    const now = performance.now();
    if (failure === undefined) {
      if (!started && (await respondsWithoutToken(probe, signal))) {
        return 'Jupyter responds without its token, so it was stopped';
      }
      failingSince = now;
      started = true;
      if (!ready) probe.onReady(true);
      ready = true;
    } else {
      const failingMs = now - failingSince;
      if (!started && failingMs > limits.startupMs) return `Startup probe failed: ${failure}`;
      if (started && failingMs > limits.livenessMs) return `Liveness probe failed: ${failure}`;
      if (ready && failingMs > limits.readinessMs) {
        ready = false;
        probe.onReady(false);
        probe.onUnready(`Readiness probe failed: ${failure}`);
      }
    }
    const pauseMs = !started ? startupEveryMs : failure === undefined ? everyMs : afterFailureMs;
    await wait(pauseMs, undefined, { signal });
  }
}

/** Returns undefined if the server responds with success. */
async function failureOf(probe: JupyterProbe, signal: AbortSignal): Promise<string | undefined> {
  const { pid, address, port, token } = probe;
  // Before each request, because it carries the token: any user can listen on the port of a server that has just ended.
  if (!listensOn(pid, address, port)) return `the server does not listen on ${address}:${port}`;
  const status = await getStatus(probe, { Authorization: `token ${token}` }, signal);
  if (typeof status === 'string') return status;
  return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

async function respondsWithoutToken(probe: JupyterProbe, signal: AbortSignal): Promise<boolean> {
  const status = await getStatus(probe, {}, signal);
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** Returns the HTTP status, or the reason why there is none. */
async function getStatus(
  { address, port, path, limits }: JupyterProbe,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<number | string> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  try {
    const call = request({
      host: address,
      port,
      path,
      headers: { ...headers, Connection: 'close' },
      agent: false,
      signal: AbortSignal.any([timeout, signal]),
    });
    call.end();
    const response: IncomingMessage = (await once(call, 'response'))[0];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += Buffer.byteLength(chunk);
      if (bytes > maxResponseBytes) return 'the response is too long';
    }
    return response.statusCode ?? 0;
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return `no response within ${limits.timeoutMs} ms`;
    if (error instanceof Error) return error.message;
    throw error;
  }
}
