import { quotaExceeded, scaleUpPrefix } from '../jupyter-server/state.ts';
import { oneLine } from '../platform/kubernetes/failures.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { MainPod } from './pod.ts';

/** A Kubernetes Event that may explain why a session does not start. */
export interface SessionEvent {
  readonly namespace: string;
  readonly objectUid: string;
  readonly objectKind: 'Pod' | 'StatefulSet';
  readonly objectName: string;
  readonly reason: string;
  readonly message: string;
  /** Time of the last occurrence, in milliseconds since the epoch. */
  readonly at: number;
}

interface Event extends KubernetesObject {
  involvedObject?: { kind?: string; name?: string; uid?: string };
  type?: string;
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  series?: { lastObservedTime?: string } | null;
}

const messageLimit = 1000;

/**
 * Reasons of events with which an autoscaler says that it adds a node for the pod (cluster-autoscaler and Karpenter), or that it
 * does not.
 */
const autoscalerReasons = new Set(['TriggeredScaleUp', 'Nominated', 'NotTriggerScaleUp']);

/** Reasons of pod events that explain why the pod does not start. Unhealthy and BackOff only repeat the pod's status. */
const podReasons = new Set([
  'Failed',
  'FailedMount',
  'FailedAttachVolume',
  'FailedMapVolume',
  'FailedCreatePodSandBox',
  'FailedScheduling',
  'Evicted',
  'Preempted',
  'TaintManagerEviction',
  ...autoscalerReasons,
]);

/** Of these, the reasons of events of the type Normal. */
const normalReasons = new Set(['Preempted', 'TaintManagerEviction', ...autoscalerReasons]);

/** Of these, the reasons that explain why the containers of a scheduled pod do not start. */
const startReasons = new Set([...podReasons].filter((each) => /^Failed/.test(each) && each !== 'FailedScheduling'));

/** Returns the fields of an Event that the operator reads; undefined if the Event explains no failure of a start. */
export function projectEvent(raw: Event): SessionEvent | undefined {
  const { metadata, involvedObject, type, reason = '', message = '', lastTimestamp, eventTime, series } = raw;
  const { kind, name, uid } = involvedObject ?? {};
  if (!name || !uid || (kind !== 'Pod' && kind !== 'StatefulSet')) return undefined;
  const relevant =
    kind === 'StatefulSet'
      ? reason === 'FailedCreate' || reason === 'SuccessfulCreate'
      : podReasons.has(reason) && (type === 'Warning' || normalReasons.has(reason));
  if (!relevant) return undefined;
  const time = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
  return {
    namespace: metadata.namespace ?? '',
    objectUid: uid,
    objectKind: kind,
    objectName: name,
    reason,
    message: oneLine(message, messageLimit),
    at: Date.parse(time) || 0,
  };
}

function newest(events: readonly SessionEvent[]): SessionEvent | undefined {
  return events.reduce<SessionEvent | undefined>((a, b) => (a && a.at > b.at ? a : b), undefined);
}

/**
 * Returns why the StatefulSet cannot create its pod; undefined if there is no error. Events expire after an hour, but the
 * error may last longer, so the message in the status (`known`) stays until the pod exists or a newer event arrives.
 */
export function statefulSetCause(
  events: readonly SessionEvent[],
  pod: MainPod | undefined,
  known: { message?: string; timestamp?: string } | undefined,
): string | undefined {
  if (pod) return undefined;
  const last = newest(events);
  if (!last || last.at < (Date.parse(known?.timestamp ?? '') || 0)) return known?.message;
  if (last.reason !== 'FailedCreate') return undefined;
  return /exceeded quota/i.test(last.message) ? quotaExceeded : last.message;
}

/** Waiting reasons that are steps of a normal start. */
const normalWaiting = new Set(['ContainerCreating', 'PodInitializing', 'CrashLoopBackOff']);

/** Milliseconds that cluster-autoscaler gives a new node to become ready. */
export const scaleUpMs = 900_000;

/** Returns the newest event of an autoscaler about the pod, if it says that a node is being added. */
export function scaleUp(events: readonly SessionEvent[], now: Date): SessionEvent | undefined {
  const last = newest(events.filter(({ reason }) => autoscalerReasons.has(reason)));
  const isRecent = last !== undefined && now.getTime() - last.at < scaleUpMs;
  return isRecent && last.reason !== 'NotTriggerScaleUp' ? last : undefined;
}

/** Returns the cluster's message about why the pod does not start; undefined if the cause is unknown. */
export function podCause(pod: MainPod | undefined, events: readonly SessionEvent[], now: Date): string | undefined {
  if (!pod || pod.terminating) return undefined;
  const { conditions = [], initContainerStatuses = [], containerStatuses = [], reason, message } = pod.status;
  const unscheduled = conditions.find((each) => each.type === 'PodScheduled' && each.status === 'False');
  if (unscheduled?.message) {
    const added = scaleUp(events, now);
    return added ? `${scaleUpPrefix}${added.message}` : oneLine(unscheduled.message, messageLimit);
  }

  for (const { name, state } of [...initContainerStatuses, ...containerStatuses]) {
    const { waiting } = state ?? {};
    if (waiting?.reason && !normalWaiting.has(waiting.reason)) {
      // The message of ImagePullBackOff only says that the kubelet waits. The event of the last attempt has the reason.
      const failed = newest(events.filter((each) => each.reason === 'Failed' && !each.message.startsWith('Error: ')));
      const why = waiting.reason === 'ImagePullBackOff' ? (failed?.message ?? waiting.message) : waiting.message;
      return oneLine(`${name}: ${waiting.reason}${why ? `: ${why}` : ''}`, messageLimit);
    }
  }
  if (pod.status.phase === 'Failed' && (reason || message))
    return oneLine([reason, message].filter(Boolean).join(': '), messageLimit);

  const nothingRan = [...initContainerStatuses, ...containerStatuses].every(
    ({ state }) => !state?.running && !state?.terminated,
  );
  const last = nothingRan && pod.status.phase === 'Pending' ? newest(events) : undefined;
  return last && startReasons.has(last.reason) ? `${last.reason}: ${last.message}` : undefined;
}
