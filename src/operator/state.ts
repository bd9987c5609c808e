import type { ContainerStep, JupyterServerStatus, SessionState } from '../jupyter-server/types.ts';
import type { ContainerStatus } from '../platform/kubernetes/objects.ts';
import type { StatefulSetState } from './child.ts';
import type { MainPod } from './pod.ts';
import type { OperatorSettings } from './settings.ts';

/** The one event message that alone makes a session `failed`; clients compare with it. */
export const quotaExceeded = 'The resource quota has been exceeded.';

export interface StateInput {
  deleting: boolean;
  hibernated: boolean;
  pod: MainPod | undefined;
  statefulSet: StatefulSetState | undefined;
  /** What `status.events.statefulset.message` will be. */
  statefulSetMessage: string | undefined;
  /** The children cannot be made, and waiting will not help. */
  invalid: boolean;
  /** What `status.containerStates` is now: a hibernated session keeps its names. */
  known: JupyterServerStatus['containerStates'];
  restartLimits: OperatorSettings['restartLimits'];
}

export interface Evaluation {
  state: SessionState;
  containerStates: { init: Record<string, ContainerStep>; regular: Record<string, ContainerStep> };
}

/**
 * The state of a session and of each of its containers, by Amalthea's rules (first match wins), but for these:
 * - `stopping` comes first: a hibernated session that is being deleted is stopping;
 * - a container that is ready has not failed, however often it was restarted;
 * - `running` is judged by the pod alone. The kubelet's probes have asked Jupyter and the proxy in the pod; asking the
 *   public name as well would need the operator to resolve, reach and trust it, and where it cannot, nothing ever runs;
 * - a pod that is on its way out, or is older than the StatefulSet's template, does not make a session `running`.
 */
export function evaluateState(input: StateInput): Evaluation {
  const containerStates = evaluateContainers(input);
  return { state: evaluate(input, containerStates), containerStates };
}

function evaluate(input: StateInput, { init, regular }: Evaluation['containerStates']): SessionState {
  if (input.deleting) return 'stopping';
  if (input.hibernated) return 'hibernated';
  if (input.invalid || input.statefulSetMessage === quotaExceeded) return 'failed';
  const { pod, statefulSet } = input;
  if (pod === undefined || pod.terminating || isOutdated(pod, statefulSet)) return 'starting';
  if (isUnschedulable(pod)) return 'failed';
  const steps = [...Object.values(init), ...Object.values(regular)];
  const { phase, conditions = [] } = pod.status;
  if (
    phase === 'Running' &&
    steps.length > 0 &&
    steps.every((step) => step === 'ready') &&
    conditions.every(({ status }) => status === 'True')
  ) {
    return 'running';
  }
  if (phase === 'Failed' || steps.includes('failed')) return 'failed';
  return 'starting';
}

/** A claim that is being bound also shows as Unschedulable, and passes. */
function isUnschedulable({ status: { phase, conditions = [] } }: MainPod): boolean {
  return (
    phase === 'Pending' &&
    conditions.some(
      ({ status, reason, message }) =>
        status !== 'True' &&
        reason === 'Unschedulable' &&
        message !== undefined &&
        !message.includes('persistentvolumeclaim'),
    )
  );
}

function isOutdated(pod: MainPod, statefulSet: StatefulSetState | undefined): boolean {
  if (statefulSet === undefined) return false;
  const { generation, observedGeneration, updateRevision } = statefulSet;
  if (generation !== undefined && observedGeneration !== undefined && observedGeneration < generation) return true;
  return !!pod.revision && !!updateRevision && pod.revision !== updateRevision;
}

function evaluateContainers({ hibernated, pod, known, restartLimits }: StateInput): Evaluation['containerStates'] {
  if (hibernated) {
    return {
      init: allWaiting(pod?.containers.init, known?.init),
      regular: allWaiting(pod?.containers.regular, known?.regular),
    };
  }
  if (!pod) return { init: {}, regular: {} };
  const { containers, status } = pod;
  return {
    init: stepsOf(containers.init, status.initContainerStatuses, restartLimits.init),
    regular: stepsOf(containers.regular, status.containerStatuses, restartLimits.regular),
  };
}

function allWaiting(names: readonly string[] | undefined, known: object | undefined): Record<string, ContainerStep> {
  return Object.fromEntries((names ?? Object.keys(known ?? {})).map((name) => [name, 'waiting']));
}

function stepsOf(
  names: readonly string[],
  statuses: readonly ContainerStatus[] | undefined,
  restartLimit: number,
): Record<string, ContainerStep> {
  const reported = new Map((statuses ?? []).map((status) => [status.name, status]));
  const all = new Set([...names, ...reported.keys()]);
  return Object.fromEntries([...all].map((name) => [name, stepOf(reported.get(name), restartLimit)]));
}

function stepOf(status: ContainerStatus | undefined, restartLimit: number): ContainerStep {
  if (!status) return 'waiting';
  const { state, ready, restartCount = 0 } = status;
  if (ready && (state?.running || state?.terminated?.exitCode === 0)) return 'ready';
  if (restartCount > restartLimit) return 'failed';
  return state?.running ? 'executing' : 'waiting';
}
