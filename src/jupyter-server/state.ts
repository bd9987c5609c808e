import {
  type ContainerStates,
  containerStates,
  type ObservedContainers,
  type RestartLimits,
} from './container-steps.ts';
import type { Session } from './session.ts';
import { isPending } from './stop-request.ts';
import type { SessionState } from './types.ts';

/**
 * This module has the two steps that determine the state of a session. The operator observes the cluster and writes the
 * result of `observedState`. The service shows the result of `sessionState`, which is usually the state that the operator
 * wrote. That state may be old or missing.
 */

/** The message for an exceeded quota. A session whose StatefulSet has this message is `failed`. Clients check for this text. */
export const quotaExceeded = 'The resource quota has been exceeded.';

/** Begins `status.events.pod.message` while the cluster adds a node for the pod. */
export const scaleUpPrefix = 'The cluster adds a node: ';

/** Age of a session after which missing Secrets mean that its launch was interrupted. */
const secretsGraceSeconds = 60;

type EndOfSession = Pick<Session, 'isBeingDeleted' | 'isHibernated' | 'stopRequest'>;

/** Returns the state if the object alone determines the state; undefined if the state depends on the pod. */
function decidedState(session: EndOfSession): SessionState | undefined {
  if (session.isBeingDeleted || isPending(session.stopRequest)) return 'stopping';
  return session.isHibernated ? 'hibernated' : undefined;
}

/**
 * Returns the state that the API shows. `now` is in milliseconds since the epoch. After a recent restart, the caller first
 * removes the reports about the replaced pod with `withoutReplacedPod` (restart.ts).
 */
export function sessionState(session: Session, now: number): SessionState {
  const decided = decidedState(session);
  if (decided) return decided;
  if (isMissingSecrets(session)) return wasInterrupted(session, now) ? 'failed' : 'starting';
  // Until the operator has seen that a hibernated session is resumed, its report is old.
  return session.reportedState === 'hibernated' ? 'starting' : (session.reportedState ?? 'starting');
}

/** Returns whether the launch created the object but not its Secrets, and no later launch has created the Secrets. */
export const wasInterrupted = (session: Session, now: number): boolean =>
  isMissingSecrets(session) && ageSeconds(session, now) > secretsGraceSeconds;

/** Returns whether the cluster reports that the pod waits for a Secret that the launch creates. */
export const isMissingSecrets = (session: Session): boolean => missingSecrets(session).length > 0;

/** Returns the names of the Secrets of the launch for which the pod waits, as the cluster reports them. */
export function missingSecrets({ secrets, containers, pod, messages }: Session): string[] {
  const names = [secrets.credentials, secrets.variables].filter((name) => name !== undefined);
  if (names.length === 0) return [];
  const conditions = pod?.conditions ?? [];
  // An event may be old, so the message of an event counts only until the pod's volumes are mounted.
  const hasVolumes = conditions.some(({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True');
  const reported = [
    ...containers.flatMap(({ waiting }) => (waiting?.reason === 'CreateContainerConfigError' ? [waiting.message] : [])),
    ...conditions.map(({ message }) => message),
    ...(hasVolumes ? [] : [messages['pod']]),
  ];
  return names.filter((name) => reported.some((message) => message?.includes(`"${name}" not found`)));
}

/** Returns whether the session has a volume and a pod. A restart requires both, to keep the session's files. */
export const isRestartable = ({ hasVolume, pod }: Session): boolean => hasVolume && pod?.uid !== undefined;

/** Returns the seconds since the creation of the object; 0 if its creation time is unknown. */
export function ageSeconds({ createdAt }: Session, now: number): number {
  const created = Date.parse(createdAt ?? '');
  return Number.isNaN(created) ? 0 : (now - created) / 1000;
}

/** The fields of a session's pod that the operator observes. */
export interface ObservedPod extends ObservedContainers {
  readonly terminating: boolean;
  /** `controller-revision-hash`: the version of the StatefulSet's template from which the pod was created. */
  readonly revision: string | undefined;
}

/** The fields of a session's StatefulSet that the operator observes. */
export interface ObservedStatefulSet {
  readonly generation: number | undefined;
  readonly observedGeneration: number | undefined;
  readonly updateRevision: string | undefined;
}

export interface Observation {
  readonly session: EndOfSession & Pick<Session, 'containers'>;
  readonly pod: ObservedPod | undefined;
  readonly statefulSet: ObservedStatefulSet | undefined;
  /** The new value of `status.events.statefulset.message`. */
  readonly statefulSetMessage: string | undefined;
  /** The children cannot be created, and a retry would also fail. */
  readonly isInvalid: boolean;
  /** Whether a pod that is unschedulable now may still get a node. */
  readonly isScheduling: boolean;
  readonly restartLimits: RestartLimits;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface ObservedState {
  readonly state: SessionState;
  readonly containerStates: ContainerStates;
}

/**
 * Returns the state of a session and the step of each of its containers by Amalthea's rules (the first match wins), with
 * these differences:
 * - `stopping` comes first: a hibernated session that is being deleted is stopping;
 * - a container that is ready has not failed, however often it was restarted;
 * - only the pod determines `running`, because the kubelet's probes check Jupyter and the proxy in the pod. The operator
 *   sends no request to the session's URL: it may not be able to resolve or reach the host, or trust its certificate;
 * - a pod that is being deleted, or is older than the StatefulSet's template, does not make a session `running`.
 */
export function observedState(observation: Observation): ObservedState {
  const { session, pod, restartLimits } = observation;
  const states = containerStates(session, pod, restartLimits);
  return { state: decidedState(session) ?? stateOfPod(observation, states), containerStates: states };
}

function stateOfPod(observation: Observation, { init, regular }: ContainerStates): SessionState {
  const { pod, statefulSet, statefulSetMessage, isInvalid, isScheduling, now } = observation;
  if (isInvalid || statefulSetMessage === quotaExceeded) return 'failed';
  if (pod === undefined || pod.terminating || isOutdated(pod, statefulSet) || isEvicted(pod)) return 'starting';
  if (isUnschedulable(pod) && !isScheduling) return 'failed';
  if (cannotPull(pod, now)) return 'failed';
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
  return phase === 'Failed' || steps.includes('failed') ? 'failed' : 'starting';
}

/** While a claim is being bound, the pod is Unschedulable, too, with a message about the claim. */
function isUnschedulable({ status: { phase, conditions = [] } }: ObservedPod): boolean {
  return (
    phase === 'Pending' &&
    conditions.some(
      ({ status, reason, message }) =>
        status !== 'True' &&
        reason === 'Unschedulable' &&
        message !== undefined &&
        !message.toLowerCase().includes('persistentvolumeclaim'),
    )
  );
}

/** Seconds after which an image that cannot be pulled is a failure. The kubelet tries again for ever, at least every 5 minutes. */
const pullSeconds = 300;
const pullFailures: readonly string[] = ['ErrImagePull', 'ImagePullBackOff', 'ErrImageNeverPull'];

/** Returns whether an image of the pod can never be pulled, or could not be pulled for a long time. */
function cannotPull({ status }: ObservedPod, now: number): boolean {
  const isLate = now - Date.parse(status.startTime ?? '') > pullSeconds * 1000;
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].some(({ state }) => {
    const { reason = '', message = '' } = state?.waiting ?? {};
    return reason === 'InvalidImageName' || (pullFailures.includes(reason) && (isLate || isOtherPlatform(message)));
  });
}

/** Returns whether the image is not available for the architecture of the node, from the message of containerd or CRI-O. */
export const isOtherPlatform = (message: string): boolean =>
  /no match for platform|no image found in manifest list for architecture/.test(message);

/**
 * Returns whether the cluster has ended the pod. The StatefulSet deletes and replaces such a pod within a second, so the session
 * has not failed.
 */
const isEvicted = ({ status: { phase, reason, conditions = [] } }: ObservedPod): boolean =>
  phase === 'Failed' &&
  (reason === 'Evicted' || conditions.some(({ type, status }) => type === 'DisruptionTarget' && status === 'True'));

function isOutdated(pod: ObservedPod, statefulSet: ObservedStatefulSet | undefined): boolean {
  if (statefulSet === undefined) return false;
  const { generation, observedGeneration, updateRevision } = statefulSet;
  if (generation !== undefined && observedGeneration !== undefined && observedGeneration < generation) return true;
  return !!pod.revision && !!updateRevision && pod.revision !== updateRevision;
}
