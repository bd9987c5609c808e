import { quotaExceeded } from '../jupyter-server/state.ts';
import { oneLine } from '../platform/kubernetes/failures.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import type { MainPod } from './pod.ts';

/** A Kubernetes Event that may explain why a session does not start. */
export interface Happening {
  readonly namespace: string;
  readonly objectUid: string;
  readonly objectKind: 'Pod' | 'StatefulSet';
  readonly objectName: string;
  readonly reason: string;
  readonly message: string;
  /** Milliseconds since the epoch of its last occurrence. */
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

/** A pod's events that say why it does not come up. Unhealthy and BackOff only repeat what its status shows. */
const podReasons = new Set([
  'Failed',
  'FailedMount',
  'FailedAttachVolume',
  'FailedMapVolume',
  'FailedCreatePodSandBox',
  'FailedScheduling',
  'Evicted',
]);

/** undefined for the many events that explain nothing. */
export function projectEvent(raw: KubernetesObject): Happening | undefined {
  const { metadata, involvedObject, type, reason = '', message = '', lastTimestamp, eventTime, series } = raw as Event;
  const { kind, name, uid } = involvedObject ?? {};
  if (!name || !uid || (kind !== 'Pod' && kind !== 'StatefulSet')) return undefined;
  const relevant =
    kind === 'StatefulSet'
      ? reason === 'FailedCreate' || reason === 'SuccessfulCreate'
      : type === 'Warning' && podReasons.has(reason);
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

function newest(events: readonly Happening[]): Happening | undefined {
  return events.reduce<Happening | undefined>((a, b) => (a && a.at > b.at ? a : b), undefined);
}

/**
 * Why the StatefulSet cannot make its pod; undefined when it can. Events expire after an hour while their cause may go
 * on, so the message `known` so far stays until a pod shows that it is over.
 */
export function statefulSetCause(
  events: readonly Happening[],
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

/** Why the pod does not come up, in the cluster's words; undefined when nothing is known to be wrong. */
export function podCause(pod: MainPod | undefined, events: readonly Happening[]): string | undefined {
  if (!pod || pod.terminating) return undefined;
  const { conditions = [], initContainerStatuses = [], containerStatuses = [], reason, message } = pod.status;
  const unscheduled = conditions.find((each) => each.type === 'PodScheduled' && each.status === 'False');
  if (unscheduled?.message) return oneLine(unscheduled.message, messageLimit);

  for (const { name, state } of [...initContainerStatuses, ...containerStatuses]) {
    const { waiting } = state ?? {};
    if (waiting?.reason && !normalWaiting.has(waiting.reason)) {
      // ImagePullBackOff says only that it waits; the last attempt's event says why it failed.
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
  return last && last.reason !== 'FailedScheduling' ? `${last.reason}: ${last.message}` : undefined;
}
