import { annotation } from '../jupyter-server/labels.ts';
import type { JupyterServer, StoppedPod } from '../jupyter-server/types.ts';
import type { PodStatus } from '../platform/kubernetes/objects.ts';
import { sessionContainer } from '../session-contract/containers.ts';
import type { SessionEvent } from './causes.ts';
import type { StatefulSetState } from './child.ts';
import type { MainPod } from './pod.ts';

export interface ReplacedPod {
  readonly server: JupyterServer;
  /** The pod that the session has now. */
  readonly pod: MainPod | undefined;
  /** The pod in the status of the session as the cache knew it last; undefined if this operator has not seen the pod. */
  readonly former: MainPod | undefined;
  readonly formerEvents: readonly SessionEvent[];
  readonly statefulSet: StatefulSetState | undefined;
  readonly now: Date;
}

/**
 * Returns the pod of the session that the cluster stopped last, for `status.stoppedPod`: StatefulSets replace a pod at once, so
 * without it the owner could not know that the session is a new one. A pod that a restart, a hibernation or a change of the
 * resources replaces does not count, and neither does a pod in which Jupyter never ran. Pure.
 */
export function stoppedPod(replaced: ReplacedPod): StoppedPod | undefined {
  const { server, pod, former, formerEvents, now } = replaced;
  const { mainPod, stoppedPod: known } = server.status ?? {};
  const uid = mainPod?.uid;
  const status = former?.status ?? mainPod?.status;
  if (uid === undefined || uid === pod?.uid || isIntended(replaced, uid) || !hasRun(status)) return known;
  const event = formerEvents.find(({ reason }) => reasonsOfEvents.has(reason));
  const disruption = status?.conditions?.find((each) => each.type === 'DisruptionTarget' && each.status === 'True');
  // The kubelet writes its reason into the status of the pod, and repeats it less clearly in the condition.
  const condition = disruption?.reason === 'TerminationByKubelet' && status?.reason ? undefined : disruption;
  const cause = condition ?? (status?.reason ? status : event);
  return {
    uid,
    at: condition?.lastTransitionTime ?? finishedAt(status) ?? now.toISOString(),
    reason: cause?.reason ?? (former?.terminating ? 'Deleted' : 'Unknown'),
    ...(cause?.message ? { message: cause.message.trim() } : {}),
  };
}

/** Events of a pod that explain its end. */
const reasonsOfEvents = new Set(['Evicted', 'Preempted', 'TaintManagerEviction']);

function isIntended({ server, pod, former, statefulSet }: ReplacedPod, uid: string): boolean {
  if (server.spec?.jupyterServer?.hibernated || server.metadata.annotations?.[annotation.restartedPod] === uid)
    return true;
  const revision = pod?.revision ?? statefulSet?.updateRevision;
  return former?.revision !== undefined && revision !== undefined && former.revision !== revision;
}

const jupyterOf = (status: PodStatus | undefined) =>
  status?.containerStatuses?.find(({ name }) => name === sessionContainer.jupyter.name);

function hasRun(status: PodStatus | undefined): boolean {
  const { state, restartCount = 0 } = jupyterOf(status) ?? {};
  return state?.running !== undefined || state?.terminated !== undefined || restartCount > 0;
}

const finishedAt = (status: PodStatus | undefined): string | undefined =>
  jupyterOf(status)?.state?.terminated?.finishedAt;
