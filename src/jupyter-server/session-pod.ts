import { readQuantity } from './quantities.ts';
import type { ContainerStep } from './types.ts';
import { at, type Fields, fields, finite, list, text } from './untrusted.ts';

/** A container of the session's pod, as the operator and the kubelet report it. */
export interface ReportedContainer {
  readonly name: string;
  readonly kind: 'init' | 'main';
  /** The step that the operator wrote; undefined if only the pod's status has the container. */
  readonly step: ContainerStep | undefined;
  /** `unknown`: the kubelet has not reported the state of the container. */
  readonly activity: 'unknown' | 'waiting' | 'running' | 'ended';
  readonly restartCount: number;
  /** Start of the current run, RFC 3339; undefined if the container does not run. */
  readonly runningSince: string | undefined;
  /** The kubelet's reason and message while the container waits. */
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  /** The end of the current run. */
  readonly ended: Termination | undefined;
  /** The end of the previous run, before the last restart. */
  readonly previousEnded: Termination | undefined;
}

export interface Termination {
  readonly exitCode: number | undefined;
  /** The kubelet's reason, for example `OOMKilled`; empty if the kubelet gave no reason. */
  readonly reason: string;
  /** The last line of the container's log, or of the error that prevented its start; empty if unknown. */
  readonly lastLine: string;
}

/** The session's pod, as the operator reports it. */
export interface SessionPod {
  readonly uid: string | undefined;
  readonly name: string | undefined;
  /** IP address. */
  readonly address: string | undefined;
  readonly phase: string | undefined;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly startedAt: string | undefined;
  readonly conditions: readonly ReportedCondition[];
  readonly usage: ResourceUsage;
}

/** A condition of the pod. Missing fields are empty strings. */
export interface ReportedCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly changedAt: string;
}

export interface ResourceUsage {
  readonly cpuMillicores: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly diskBytes: number | undefined;
}

const steps: readonly ContainerStep[] = ['ready', 'waiting', 'executing', 'failed'];

/** Returns the pod in `status.mainPod`; undefined if the operator has not written a pod. */
export function readPod(pod: Fields): SessionPod | undefined {
  if (Object.keys(pod).length === 0) return undefined;
  const status = fields(pod['status']);
  return {
    uid: text(pod['uid']),
    name: text(pod['name']),
    address: text(status['podIP']),
    phase: text(status['phase']),
    reason: text(status['reason']) ?? '',
    message: text(status['message']) ?? '',
    startedAt: text(status['startTime']),
    conditions: list(status['conditions']).map(condition),
    usage: {
      cpuMillicores: readQuantity(finite(at(pod, 'resourceUsage', 'cpuMillicores'))),
      memoryBytes: readQuantity(finite(at(pod, 'resourceUsage', 'memoryBytes'))),
      diskBytes: readQuantity(finite(at(pod, 'resourceUsage', 'disk', 'usedBytes'))),
    },
  };
}

function condition(value: unknown): ReportedCondition {
  const { type, status, reason, message, lastTransitionTime } = fields(value);
  return {
    type: text(type) ?? '',
    status: text(status) ?? '',
    reason: text(reason) ?? '',
    message: text(message) ?? '',
    changedAt: text(lastTransitionTime) ?? '',
  };
}

/**
 * Returns the containers in `status`, init containers first. Within a kind, the containers that the operator lists precede
 * the containers that only the pod's status has.
 */
export const readContainers = (status: Fields): ReportedContainer[] => [
  ...ofKind('init', at(status, 'containerStates', 'init'), at(status, 'mainPod', 'status', 'initContainerStatuses')),
  ...ofKind('main', at(status, 'containerStates', 'regular'), at(status, 'mainPod', 'status', 'containerStatuses')),
];

function ofKind(kind: ReportedContainer['kind'], states: unknown, statuses: unknown): ReportedContainer[] {
  const written = new Map(
    Object.entries(fields(states)).flatMap(([name, state]) => {
      const step = steps.find((each) => each === state);
      return step ? [[name, step] as const] : [];
    }),
  );
  const reported = new Map(list(statuses).map((each) => [text(at(each, 'name')) ?? '', fields(each)] as const));
  return [...new Set([...written.keys(), ...reported.keys()])]
    .filter((name) => name !== '')
    .map((name) => container(name, kind, written.get(name), reported.get(name) ?? {}));
}

function container(
  name: string,
  kind: ReportedContainer['kind'],
  step: ContainerStep | undefined,
  { restartCount, state, lastState }: Fields,
): ReportedContainer {
  const { waiting, running, terminated } = fields(state);
  return {
    name,
    kind,
    step,
    activity: terminated ? 'ended' : waiting ? 'waiting' : running ? 'running' : 'unknown',
    restartCount: finite(restartCount) ?? 0,
    runningSince: text(at(running, 'startedAt')),
    waiting: waiting
      ? { reason: text(at(waiting, 'reason')) ?? '', message: text(at(waiting, 'message')) ?? '' }
      : undefined,
    ended: termination(terminated),
    previousEnded: termination(at(lastState, 'terminated')),
  };
}

const termination = (value: unknown): Termination | undefined =>
  value
    ? {
        exitCode: finite(at(value, 'exitCode')),
        reason: text(at(value, 'reason')) ?? '',
        lastLine: lastLine(text(at(value, 'message')) ?? ''),
      }
    : undefined;

const maxLineLength = 400;

/** Returns the last line that is not empty, without control characters; the end of the line if it is too long. */
function lastLine(message: string): string {
  const lines = message.split(/[\r\n]+/).map((line) => line.replace(/\p{Cc}+/gu, ' ').trim());
  const last = lines.findLast((line) => line !== '') ?? '';
  return last.length > maxLineLength ? `…${last.slice(1 - maxLineLength)}` : last;
}
