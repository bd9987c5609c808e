import { type JupyterServer, type SessionState, sessionStates } from '../jupyter-server/types.ts';
import type { CacheEvent } from '../platform/kubernetes/list-watch-cache.ts';
import type { Metrics } from '../platform/metrics/types.ts';

/** The threshold because of which the operator hibernates or deletes a session. */
export const cullReasons = ['idle', 'age', 'starting', 'failed', 'hibernated'] as const;
export type CullReason = (typeof cullReasons)[number];

const saveOutcomes = ['saved', 'failed'] as const;

export interface OperatorMetrics {
  /** Returns the result of one reconcile, and counts its outcome and duration. */
  reconcile<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Counts the time to ready: from `startingSince`, or from the creation of the object, until the state `running`. */
  sessionChanged(event: CacheEvent<JupyterServer>, now: Date): void;
  culled(reason: CullReason): void;
  /** Counts a save before the end of a session. */
  saved(outcome: (typeof saveOutcomes)[number]): void;
  /** Adds the metrics that are read from the parts of the operator. */
  observe(parts: {
    queue: { readonly depth: number };
    view: { servers(): JupyterServer[] };
    detector: { readonly isRunning: boolean };
  }): void;
}

/** The state of a session without a state: the operator has not reconciled the session yet. */
const newState = 'new';
const reconcileBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
const readyBuckets = [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800];

export function createOperatorMetrics(metrics: Metrics): OperatorMetrics {
  const reconciles = metrics.histogram({
    name: 'operator_reconcile_duration_seconds',
    help: 'Duration of reconciles, by outcome; a failure is retried.',
    labels: { outcome: ['success', 'failure'] },
    buckets: reconcileBuckets,
  });
  const timesToReady = metrics.histogram({
    name: 'operator_time_to_ready_seconds',
    help: 'Time from the beginning of the start of a session until it runs.',
    labels: {},
    buckets: readyBuckets,
  });
  const culled = metrics.counter({
    name: 'operator_sessions_culled_total',
    help: 'Sessions that were hibernated or deleted because a threshold of culling had passed.',
    labels: { reason: cullReasons },
  });
  const saves = metrics.counter({
    name: 'operator_saves_total',
    help: 'Saves of work before the end of a session, by outcome.',
    labels: { outcome: saveOutcomes },
  });
  return {
    async reconcile(work) {
      const startedAt = performance.now();
      const end = (outcome: 'success' | 'failure') =>
        reconciles.observe({ outcome }, (performance.now() - startedAt) / 1000);
      try {
        const result = await work();
        end('success');
        return result;
      } catch (error) {
        end('failure');
        throw error;
      }
    },
    sessionChanged(event, now) {
      if (event.type !== 'modified') return;
      const { previous, value } = event;
      if (value.status?.state !== 'running' || previous.status?.state === 'running') return;
      const since = Date.parse(previous.status?.startingSince ?? value.metadata.creationTimestamp ?? '');
      if (!Number.isNaN(since)) timesToReady.observe({}, Math.max(0, (now.getTime() - since) / 1000));
    },
    culled: (reason) => culled.increment({ reason }),
    saved: (outcome) => saves.increment({ outcome }),
    observe({ queue, view, detector }) {
      metrics.gauge({
        name: 'operator_queue_depth',
        help: 'Sessions that wait for a reconcile.',
        labels: {},
        read: () => [[{}, queue.depth]],
      });
      metrics.gauge({
        name: 'operator_amalthea_running',
        help: '1 if Amalthea runs, too, so that this operator changes no session of its namespace; otherwise 0.',
        labels: {},
        read: () => [[{}, detector.isRunning ? 1 : 0]],
      });
      metrics.gauge({
        name: 'operator_sessions_unsaved',
        help: 'Hibernated sessions that are kept after their threshold, because their work is not saved.',
        labels: {},
        read: () => [[{}, view.servers().filter(({ status }) => hasUnsavedWork(status)).length]],
      });
      metrics.gauge({
        name: 'operator_sessions',
        help: 'Sessions by state.',
        labels: { state: [...sessionStates, newState] },
        read() {
          const counts = new Map<SessionState | typeof newState, number>();
          for (const { status } of view.servers()) {
            const state = status?.state ?? newState;
            counts.set(state, (counts.get(state) ?? 0) + 1);
          }
          return [...counts].map(([state, count]) => [{ state }, count] as const);
        },
      });
    },
  };
}

const hasUnsavedWork = (status: JupyterServer['status']): boolean =>
  status?.conditions?.some(({ type }) => type === 'UnsavedWork') === true;
