import type { Metrics } from '../../platform/metrics/types.ts';

/**
 * `find` looks for an existing session, `check` waits for the lookups of project, commit, image and resources, `create`
 * creates the object, `secrets` its Secrets.
 */
const phases = ['find', 'check', 'create', 'secrets'] as const;
export type LaunchPhase = (typeof phases)[number];

/** Returns the result of `work`, and counts its duration. */
export type TimePhase = <Result>(phase: LaunchPhase, work: Promise<Result>) => Promise<Result>;

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createPhaseTimer(metrics: Metrics): TimePhase {
  const durations = metrics.histogram({
    name: 'launch_phase_duration_seconds',
    help: 'Duration of the phases of a launch, by outcome.',
    labels: { phase: phases, outcome: ['success', 'failure'] },
    buckets,
  });
  return async (phase, work) => {
    const startedAt = performance.now();
    const end = (outcome: 'success' | 'failure') =>
      durations.observe({ phase, outcome }, (performance.now() - startedAt) / 1000);
    try {
      const result = await work;
      end('success');
      return result;
    } catch (error) {
      end('failure');
      throw error;
    }
  };
}
