import type { ContainerStatus, PodStatus } from '../platform/kubernetes/objects.ts';
import type { Session } from './session.ts';
import type { ContainerStep } from './types.ts';

/** The fields of a session's pod that determine the steps of its containers. */
export interface ObservedContainers {
  /** Names of the containers in the pod's spec. */
  readonly containers: { readonly init: readonly string[]; readonly regular: readonly string[] };
  readonly status: PodStatus;
}

/** Maximum number of restarts. A container with more restarts that is not ready counts as failed. */
export interface RestartLimits {
  readonly init: number;
  readonly regular: number;
}

/** `status.containerStates` of a JupyterServer. */
export interface ContainerStates {
  init: Record<string, ContainerStep>;
  regular: Record<string, ContainerStep>;
}

/** Returns the step of every container in the pod; all are `waiting` while the session is hibernated. Pure. */
export function containerStates(
  session: Pick<Session, 'isHibernated' | 'containers'>,
  pod: ObservedContainers | undefined,
  restartLimits: RestartLimits,
): ContainerStates {
  if (session.isHibernated) {
    // If the pod does not exist, the container names come from the status that the operator wrote last.
    const before = (kind: 'init' | 'main') =>
      session.containers.filter((each) => each.kind === kind && each.step !== undefined).map(({ name }) => name);
    return {
      init: allWaiting(pod?.containers.init ?? before('init')),
      regular: allWaiting(pod?.containers.regular ?? before('main')),
    };
  }
  if (!pod) return { init: {}, regular: {} };
  const { containers, status } = pod;
  return {
    init: stepsOf(containers.init, status.initContainerStatuses, restartLimits.init),
    regular: stepsOf(containers.regular, status.containerStatuses, restartLimits.regular),
  };
}

const allWaiting = (names: readonly string[]): Record<string, ContainerStep> =>
  Object.fromEntries(names.map((name) => [name, 'waiting']));

function stepsOf(
  names: readonly string[],
  statuses: readonly ContainerStatus[] | undefined,
  restartLimit: number,
): Record<string, ContainerStep> {
  const reported = new Map((statuses ?? []).map((status) => [status.name, status]));
  const all = new Set([...names, ...reported.keys()]);
  return Object.fromEntries([...all].map((name) => [name, stepOf(reported.get(name), restartLimit)]));
}

/** Returns the step of a container. A ready container is never `failed`, whatever its number of restarts. */
function stepOf(status: ContainerStatus | undefined, restartLimit: number): ContainerStep {
  if (!status) return 'waiting';
  const { state, ready, restartCount = 0 } = status;
  if (ready && (state?.running || state?.terminated?.exitCode === 0)) return 'ready';
  if (restartCount > restartLimit) return 'failed';
  return state?.running ? 'executing' : 'waiting';
}
