import { readQuantity } from './quantities.ts';
import type { ContainerStep } from './types.ts';
import { at, type Fields, fields, finite, list, text } from './untrusted.ts';

/** A container of the session's pod, as the operator and the kubelet report it. */
export interface ReportedContainer {
  readonly name: string;
  readonly kind: 'init' | 'main';
  /** What the operator wrote; undefined for a container that only the pod's status has. */
  readonly step: ContainerStep | undefined;
  /** `unknown`: the kubelet has not reported it, or not what it does. */
  readonly activity: 'unknown' | 'waiting' | 'running' | 'ended';
  readonly restartCount: number;
  /** Why it waits. */
  readonly waiting: { readonly reason: string; readonly message: string } | undefined;
  /** How the current run ended. */
  readonly ended: Termination | undefined;
  /** How the run before the last restart ended. */
  readonly endedBefore: Termination | undefined;
}

export interface Termination {
  readonly exitCode: number | undefined;
  /** The kubelet's word, for example `OOMKilled`; empty if it gave none. */
  readonly reason: string;
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

/** A condition of the pod; texts that it lacks are empty. */
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

/** @param pod `status.mainPod`. Returns undefined if the operator has written none. */
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

/** Init containers first; within a kind those that the operator lists, then those that only the pod's status has. */
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
    waiting: waiting
      ? { reason: text(at(waiting, 'reason')) ?? '', message: text(at(waiting, 'message')) ?? '' }
      : undefined,
    ended: termination(terminated),
    endedBefore: termination(at(lastState, 'terminated')),
  };
}

const termination = (value: unknown): Termination | undefined =>
  value ? { exitCode: finite(at(value, 'exitCode')), reason: text(at(value, 'reason')) ?? '' } : undefined;
