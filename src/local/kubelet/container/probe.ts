import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { listensOn } from '../pod/addresses.ts';
import type { Container } from '../types.ts';

/** Until the first answer, so that the start is not held up by the looking. */
const firstEveryMs = 50;
/** An answer of Jupyter's costs it about a millisecond. */
const laterEveryMs = 5_000;
const afterFailureMs = 1_000;
const maxAnswerBytes = 64 * 1024;

export interface JupyterProbe {
  pid: number;
  address: string;
  port: number;
  /** `/sessions/<name>/api/status` */
  path: string;
  token: string;
  limits: ProbeLimits;
  /** Of a server that was taken up from an earlier kubelet: it has answered before, and was ready. */
  answered: boolean;
  ready: boolean;
  onReady: (ready: boolean) => void;
  /** Something to tell of the server while it goes on: a sentence. */
  onUnhealthy: (message: string) => void;
}

export interface ProbeLimits {
  timeoutMs: number;
  /** May stay without an answer for this long after its start. */
  startupMs: number;
  /** Without an answer for this long it counts as not ready, */
  readinessMs: number;
  /** and for this long as hung. */
  livenessMs: number;
}

/** From the container's probes, or else the operator's numbers: 300 s to start, 20 s to unready, 60 s to a restart. */
export function probeLimits({ startupProbe, readinessProbe, livenessProbe }: Container): ProbeLimits {
  const total = (probe: Container['readinessProbe'], period: number, failures: number): number =>
    (probe?.periodSeconds ?? period) * (probe?.failureThreshold ?? failures) * 1_000;
  return {
    timeoutMs: Math.max(readinessProbe?.timeoutSeconds ?? 1, 1) * 1_000,
    startupMs: total(startupProbe, 2, 150),
    readinessMs: total(readinessProbe, 2, 10),
    livenessMs: total(livenessProbe, 2, 30),
  };
}

/**
 * Watches a Jupyter server by its /api/status. Resolves with a sentence when it has to be ended: it does not come up,
 * hangs, or answers to anybody. Rejects only when `signal` (the process has ended) aborts.
 */
export async function watchJupyter(probe: JupyterProbe, signal: AbortSignal): Promise<string> {
  const { limits } = probe;
  let failingSince = performance.now();
  let { answered, ready } = probe;
  for (;;) {
    signal.throwIfAborted();
    // Each time: a server that has just ended leaves its port to any user, and the token is sent along.
    const isThere = listensOn(probe.pid, probe.address, probe.port);
    const failure = isThere
      ? await look(probe, signal)
      : `the server does not listen on ${probe.address}:${probe.port}`;
    const now = performance.now();
    if (failure === undefined) {
      if (!answered && (await isOpenToAnybody(probe, signal))) {
        return 'Jupyter answers without its token, so it was stopped';
      }
      failingSince = now;
      answered = true;
      if (!ready) probe.onReady(true);
      ready = true;
    } else {
      const failingMs = now - failingSince;
      if (!answered && failingMs > limits.startupMs) return `Startup probe failed: ${failure}`;
      if (answered && failingMs > limits.livenessMs) return `Liveness probe failed: ${failure}`;
      if (ready && failingMs > limits.readinessMs) {
        ready = false;
        probe.onReady(false);
        probe.onUnhealthy(`Readiness probe failed: ${failure}`);
      }
    }
    await wait(answered ? (failure === undefined ? laterEveryMs : afterFailureMs) : firstEveryMs, undefined, {
      signal,
    });
  }
}

/** undefined when the server answers well, else what is wrong. */
async function look(probe: JupyterProbe, signal: AbortSignal): Promise<string | undefined> {
  const status = await getStatus(probe, { Authorization: `token ${probe.token}` }, signal);
  if (typeof status === 'string') return status;
  return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`;
}

async function isOpenToAnybody(probe: JupyterProbe, signal: AbortSignal): Promise<boolean> {
  const status = await getStatus(probe, {}, signal);
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** The HTTP status, or why there is none. */
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
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxAnswerBytes) return 'the answer is too long';
    }
    return response.statusCode ?? 0;
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return `no answer within ${limits.timeoutMs} ms`;
    if (error instanceof Error) return error.message;
    throw error;
  }
}
