import { annotation } from '../jupyter-server/labels.ts';
import { fromJupyterServer } from '../jupyter-server/session.ts';
import { observedState } from '../jupyter-server/state.ts';
import type { JupyterServer, JupyterServerStatus, SessionState } from '../jupyter-server/types.ts';
import { isObject, type JsonObject } from '../lib/json.ts';
import { mergePatchBetween } from '../lib/merge-patch.ts';
import { podCause, type SessionEvent, statefulSetCause } from './causes.ts';
import type { Child } from './child.ts';
import type { Failure } from './failure.ts';
import type { MainPod } from './pod.ts';
import { schedulingLeftMs } from './scheduling.ts';
import type { OperatorSettings } from './settings.ts';
import { stoppedPod } from './stopped-pod.ts';

export interface Observed {
  server: JupyterServer;
  /** Existing children, including those of kinds without a cache. */
  children: readonly Child[];
  pod: MainPod | undefined;
  podEvents: readonly SessionEvent[];
  /** The pod in the status of the server, if it no longer exists and the cache has known it, and its events. */
  formerPod: MainPod | undefined;
  formerPodEvents: readonly SessionEvent[];
  statefulSetEvents: readonly SessionEvent[];
  failure: Failure | undefined;
  /** Set when all children have been created. */
  created: { createdResources: Record<string, string>; fullServerURL: string } | undefined;
  now: Date;
}

/** Returns the desired values of the status fields that the operator owns. Pure. */
export function desiredStatus(observed: Observed, settings: OperatorSettings): JupyterServerStatus {
  const { server, children, pod, created, now } = observed;
  const current = server.status ?? {};
  const events = eventsOf(observed);
  const statefulSet = children.find(({ key }) => key === 'statefulset')?.statefulSet;
  const { state, containerStates } = observedState({
    session: fromJupyterServer(server),
    pod,
    statefulSet,
    statefulSetMessage: events['statefulset']?.message,
    isInvalid: observed.failure?.permanent === true,
    now: now.getTime(),
    isScheduling: schedulingLeftMs(pod, observed.podEvents, settings.unschedulableGraceMs, now) > 0,
    restartLimits: settings.restartLimits,
  });
  if (state === 'running') clearMessage(events, 'pod', now);
  const createFn = created ?? current.create_fn;
  const { formerPod: former, formerPodEvents: formerEvents } = observed;
  const stopped = stoppedPod({ server, pod, former, formerEvents, statefulSet, now });
  return {
    state,
    containerStates,
    ...since('startingSince', 'starting', state, current, seconds(now)),
    ...since('failedSince', 'failed', state, current, now.toISOString().replace('Z', '000+00:00')),
    ...(createFn ? { create_fn: createFn } : {}),
    children: childrenOf(children, current),
    mainPod: mainPodOf(pod, current),
    events,
    ...(stopped ? { stoppedPod: stopped } : {}),
  };
}

/** Returns whether the pod has failed. During the save before its end, the state of a session is `stopping` in any case. Pure. */
export function hasFailed(observed: Observed, settings: OperatorSettings): boolean {
  const { server } = observed;
  const { [annotation.stopRequest]: _, ...annotations } = server.metadata.annotations ?? {};
  const running = { ...server, metadata: { ...server.metadata, annotations } };
  return desiredStatus({ ...observed, server: running }, settings).state === 'failed';
}

/** Returns an object with the time at which the state became `wanted` in `field`; an empty object for any other state. */
function since(
  field: 'startingSince' | 'failedSince',
  wanted: SessionState,
  state: SessionState,
  current: JupyterServerStatus,
  now: string,
): Pick<JupyterServerStatus, typeof field> {
  if (state !== wanted) return {};
  return { [field]: (current.state === wanted && current[field]) || now };
}

type Events = Record<string, { message?: string; timestamp?: string }>;

/**
 * Returns `status.events`: an entry for each component, with the time at which its message appeared or was cleared. Entries
 * that other programs wrote do not change.
 */
function eventsOf({ server, pod, podEvents, statefulSetEvents, failure, now }: Observed): Events {
  const known = server.status?.events ?? {};
  const hibernated = server.spec?.jupyterServer?.hibernated === true;
  const messages = {
    operator: failure?.message,
    pod: hibernated ? undefined : podCause(pod, podEvents, now),
    statefulset: hibernated ? undefined : statefulSetCause(statefulSetEvents, pod, known['statefulset']),
  };
  const events: Events = { ...known };
  for (const [component, message] of Object.entries(messages)) {
    if (message === undefined) clearMessage(events, component, now);
    else if (known[component]?.message !== message) events[component] = { message, timestamp: seconds(now) };
  }
  return events;
}

function clearMessage(events: Events, component: string, now: Date): void {
  if (events[component]?.message !== undefined) events[component] = { timestamp: seconds(now) };
}

function childrenOf(
  children: readonly Child[],
  current: JupyterServerStatus,
): NonNullable<JupyterServerStatus['children']> {
  const entries = children.map(({ key, uid, name, kind, apiVersion, status }) => {
    const known = current.children?.[key];
    const shown = status ?? (known?.uid === uid ? known.status : undefined);
    return [key, { uid, name, kind, apiVersion, ...(shown === undefined ? {} : { status: shown }) }] as const;
  });
  return Object.fromEntries(entries);
}

function mainPodOf(
  pod: MainPod | undefined,
  current: JupyterServerStatus,
): NonNullable<JupyterServerStatus['mainPod']> {
  if (!pod) return {};
  const { resourceUsage, uid } = current.mainPod ?? {};
  return {
    uid: pod.uid,
    name: pod.name,
    kind: 'Pod',
    apiVersion: 'v1',
    status: pod.status,
    ...(resourceUsage && uid === pod.uid ? { resourceUsage } : {}),
  };
}

function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '+00:00');
}

const ownedFields = [
  'state',
  'containerStates',
  'startingSince',
  'failedSince',
  'create_fn',
  'children',
  'mainPod',
  'events',
  'conditions',
  'lastActivity',
  'stoppedPod',
  'save',
] as const;

/** Returns the merge patch that changes the owned fields of `current` to those of `desired`; undefined if they are equal. */
export function statusPatch(
  current: JupyterServerStatus | undefined,
  desired: JupyterServerStatus,
): JsonObject | undefined {
  const owned = (status: JupyterServerStatus) => Object.fromEntries(ownedFields.map((field) => [field, status[field]]));
  const patch = mergePatchBetween(owned(current ?? {}), owned(desired));
  return isObject(patch) ? patch : undefined;
}
