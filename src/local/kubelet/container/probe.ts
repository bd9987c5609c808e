import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { ProcessId } from '../../machine/processes.ts';
import { createListenerCheck } from '../pod/addresses.ts';
import type { Container } from '../types.ts';
import type { ContainerServer } from './server.ts';
import { supervisorFailure } from './supervisor.ts';

/** Milliseconds between probes before the first success. Short, so that the start of a session is detected immediately. */
const startupEveryMs = 50;
/** Milliseconds between probes of a server that responds: each costs the server about a millisecond. */
const everyMs = 5_000;
const afterFailureMs = 1_000;
const maxResponseBytes = 64 * 1024;

export interface ServerProbe extends ContainerServer {
  /** This process, or one of its descendants, must listen at the address. */
  main: ProcessId;
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
  /** A server that does not respond for this long is restarted, unless it has a supervisor that responds. */
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
 * Probes a server: Jupyter at /api/status, the agent at /health. Resolves with the reason for which the server must be stopped: it
 * does not start, it hangs, or it responds without its token. Rejects when `signal` aborts: the process has ended.
 */
export async function watchServer(probe: ServerProbe, signal: AbortSignal): Promise<string> {
  const { limits } = probe;
  let failingSince = performance.now();
  let { started, ready } = probe;
  const listens = createListenerCheck(probe.main, probe.address, probe.port);
  for (;;) {
    signal.throwIfAborted();
    const failure = await failureOf(probe, listens, signal);
    const now = performance.now();
    if (failure === undefined) {
      if (!started && probe.token !== undefined && (await respondsWithoutToken(probe, signal))) {
        return 'Jupyter responds without its token, so it was stopped';
      }
      failingSince = now;
      started = true;
      if (!ready) probe.onReady(true);
      ready = true;
    } else {
      const failingMs = now - failingSince;
      if (!started && failingMs > limits.startupMs) return `Startup probe failed: ${failure}`;
      if (started && failingMs > limits.livenessMs) {
        const hangs = await hangsOf(probe, failure, signal);
        if (hangs !== undefined) return `Liveness probe failed: ${hangs}`;
      }
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
async function failureOf(probe: ServerProbe, listens: () => boolean, signal: AbortSignal): Promise<string | undefined> {
  const { address, port, token } = probe;
  // Before each request, because it carries the token: any user can listen on the port of a server that has just ended.
  if (!listens()) return `the server does not listen on ${address}:${port}`;
  const credentials = token === undefined ? {} : { Authorization: `token ${token}` };
  const status = await getStatus(probe, credentials, signal);
  if (typeof status === 'string') return status;
  return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

/**
 * Returns why the container must be restarted; undefined if it need not be: the supervisor restarts the server, whose kernels continue.
 */
async function hangsOf(
  { supervisor, limits }: ServerProbe,
  failure: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (supervisor === undefined) return failure;
  const silent = await supervisorFailure(supervisor, limits.timeoutMs, signal);
  return silent === undefined ? undefined : `${failure}. ${silent}`;
}

async function respondsWithoutToken(probe: ServerProbe, signal: AbortSignal): Promise<boolean> {
  const status = await getStatus(probe, {}, signal);
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** Returns the HTTP status, or the reason why there is none. */
async function getStatus(
  { address, port, path, limits }: ServerProbe,
  headers: Readonly<Record<string, string>>,
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
