import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from '../../../platform/kubernetes/objects.ts';

/** The state of one container. */
export interface ContainerRecord {
  readonly name: string;
  readonly image: string;
  readonly init: boolean;
  state: ContainerState;
  lastState: ContainerState;
  ready: boolean;
  started: boolean;
  restartCount: number;
  /** A condition of the pod that this container's work sets. */
  condition?: Pick<PodCondition, 'type' | 'status' | 'reason' | 'message'> | undefined;
}

export interface PodFacts {
  records: readonly ContainerRecord[];
  /** The scheduler's message if the pod cannot be scheduled. */
  unschedulable: string | undefined;
  /** The pod's own loopback address. */
  address: string;
  startTime: string;
  previous: Pick<PodStatus, 'conditions'> | undefined;
  now: string;
}

export function newRecord(name: string, image: string, init: boolean, waiting: string): ContainerRecord {
  const state = { waiting: { reason: waiting } };
  return { name, image, init, state, lastState: {}, ready: false, started: false, restartCount: 0 };
}

const hasCompleted = ({ state }: ContainerRecord): boolean => state.terminated?.exitCode === 0;

/** Returns the pod's status as Kubernetes would report it, for a merge patch: null removes a field. Pure. */
export function podStatus(facts: PodFacts): Record<string, unknown> & { conditions: PodCondition[] } {
  const { records, unschedulable, address, startTime, previous, now } = facts;
  const init = records.filter((record) => record.init);
  const regular = records.filter((record) => !record.init);
  const incomplete = init.filter((record) => !hasCompleted(record));
  const unready = regular.filter(({ ready }) => !ready);
  const initialized = incomplete.length === 0;
  // The phase stays Running while a container restarts.
  const hasRun = regular.some(({ state, lastState }) => state.running ?? state.terminated ?? lastState.terminated);
  const ready =
    initialized && unready.length === 0
      ? undefined
      : { reason: 'ContainersNotReady', message: `containers with unready status: [${names(unready)}]` };
  const notInitialized = initialized
    ? undefined
    : { reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${names(incomplete)}]` };
  const notScheduled = unschedulable === undefined ? undefined : { reason: 'Unschedulable', message: unschedulable };

  const condition = (type: string, failure: { reason: string; message: string } | undefined): PodCondition =>
    dated({ type, status: failure ? 'False' : 'True', ...failure });
  const dated = ({ type, status, ...rest }: Omit<PodCondition, 'lastTransitionTime'>): PodCondition => {
    const before = previous?.conditions?.find((other) => other.type === type);
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return { type, status, lastTransitionTime: since ?? now, ...rest };
  };
  return {
    phase: initialized && hasRun ? 'Running' : 'Pending',
    conditions: [
      condition('PodScheduled', notScheduled),
      ...(notScheduled
        ? []
        : [
            condition('Initialized', notInitialized),
            condition('Ready', ready),
            condition('ContainersReady', ready),
            ...records.flatMap((record) => (record.condition ? [dated(record.condition)] : [])),
          ]),
    ],
    initContainerStatuses: notScheduled ? [] : init.map(containerStatus),
    containerStatuses: notScheduled ? [] : regular.map(containerStatus),
    hostIP: '127.0.0.1',
    podIP: address,
    podIPs: [{ ip: address }],
    startTime,
    reason: null,
    message: null,
  };
}

function containerStatus(record: ContainerRecord): ContainerStatus & { imageID: string } {
  const { name, image, state, lastState, ready, started, restartCount } = record;
  return { name, image, imageID: '', state, lastState, ready, started, restartCount };
}

const names = (records: readonly ContainerRecord[]): string => records.map(({ name }) => name).join(' ');

/** Returns the time in Kubernetes' format, with whole seconds. */
export function timestamp(date = new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

export interface End {
  exitCode: number;
  signal?: number;
  /** True if the kernel killed the process because of a lack of memory. */
  outOfMemory?: boolean;
  message?: string;
  startedAt: string;
  finishedAt: string;
}

export function terminated({ exitCode, signal, outOfMemory, message, startedAt, finishedAt }: End): ContainerState {
  return {
    terminated: {
      exitCode,
      ...(signal ? { signal } : {}),
      reason: outOfMemory ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error',
      ...(message ? { message } : {}),
      startedAt: timestamp(new Date(startedAt)),
      finishedAt: timestamp(new Date(finishedAt)),
    },
  };
}
