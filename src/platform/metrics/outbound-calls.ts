import { DeadlineExceeded } from '../../lib/deadline.ts';
import type { Metrics } from './types.ts';

/** The servers that a program calls. The names of their hosts are never labels: a caller can name any registry. */
export const outboundTargets = [
  'kubernetes',
  'gitlab',
  'registry',
  'resource-classes',
  'identity-provider',
  'session-agent',
] as const;
export type OutboundTarget = (typeof outboundTargets)[number];

/**
 * `client_error` is a 4xx response, `server_error` a 5xx response, `no_response` a failed connection or an invalid response,
 * `timeout` a call that its deadline ended, `aborted` one that its owner ended.
 */
const outcomes = ['success', 'client_error', 'server_error', 'no_response', 'timeout', 'aborted'] as const;
export type CallOutcome = (typeof outcomes)[number];

/** From 5 ms (a read from a cache of the API server) to the time limit of a request. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface OutboundCalls {
  /** Counts a call. The returned function must be called once, when the call has ended. */
  begin(target: OutboundTarget): (outcome: CallOutcome) => void;
}

/** @param targets the servers that this program calls */
export function createOutboundCalls(metrics: Metrics, targets: readonly OutboundTarget[]): OutboundCalls {
  const calls = metrics.counter({
    name: 'outbound_calls_total',
    help: 'Calls to other servers, by their outcome. A call that is retried counts each time.',
    labels: { target: targets, outcome: outcomes },
  });
  const durations = metrics.histogram({
    name: 'outbound_call_duration_seconds',
    help: 'Duration of calls to other servers; for a watch or a followed log, the time until the response begins.',
    labels: { target: targets },
    buckets,
  });
  return {
    begin(target) {
      const startedAt = performance.now();
      return (outcome) => {
        calls.increment({ target, outcome });
        durations.observe({ target }, (performance.now() - startedAt) / 1000);
      };
    },
  };
}

export function outcomeOfStatus(status: number): CallOutcome {
  if (status >= 500) return 'server_error';
  return status >= 400 ? 'client_error' : 'success';
}

/** Returns the outcome of a call without a response. */
export function outcomeOfError(error: unknown, signal: AbortSignal): CallOutcome {
  const reason: unknown = signal.aborted ? signal.reason : error;
  if (reason instanceof DeadlineExceeded || (reason instanceof Error && reason.name === 'TimeoutError'))
    return 'timeout';
  return signal.aborted ? 'aborted' : 'no_response';
}
