import { isObject, type JsonObject } from '../../../lib/json.ts';
import { at, objectsIn, type StoredObject } from '../json.ts';
import { age } from './duration.ts';

/** The columns of `kubectl get pods`, with the same rules as in a Kubernetes API server. */
interface PodSummary {
  ready: string;
  status: string;
  restarts: string;
}

export function summarizePod(pod: StoredObject, now: number): PodSummary {
  const init = statuses(pod, 'initContainerStatuses');
  const regular = statuses(pod, 'containerStatuses');
  const total = objectsIn(at(pod, 'spec', 'containers')).length;
  const ready = regular.filter((status) => status['ready'] === true && at(status, 'state', 'running')).length;
  const phase = String(at(pod, 'status', 'reason') ?? at(pod, 'status', 'phase') ?? 'Unknown');
  const initReason = initStatus(init, objectsIn(at(pod, 'spec', 'initContainers')).length);
  const counted = initReason === undefined ? regular : init;
  return {
    ready: `${ready}/${total}`,
    status: statusOf(pod, initReason ?? regularStatus(regular) ?? phase),
    restarts: restarts(counted, now),
  };
}

function statusOf(pod: StoredObject, otherwise: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return otherwise;
  return at(pod, 'status', 'reason') === 'NodeLost' ? 'Unknown' : 'Terminating';
}

/** Returns the status of the first init container that has not succeeded; undefined if all have. */
function initStatus(init: JsonObject[], total: number): string | undefined {
  for (const [index, status] of init.entries()) {
    const terminated = at(status, 'state', 'terminated');
    if (isObject(terminated)) {
      if (terminated['exitCode'] === 0) continue;
      return `Init:${endedReason(terminated)}`;
    }
    const waiting = at(status, 'state', 'waiting', 'reason');
    if (typeof waiting === 'string' && waiting !== '' && waiting !== 'PodInitializing') return `Init:${waiting}`;
    return `Init:${index}/${total}`;
  }
  return undefined;
}

/** Returns the reason of the first container that is waiting or has ended; undefined if there is none. */
function regularStatus(regular: JsonObject[]): string | undefined {
  let reason: string | undefined;
  let running = false;
  for (const status of regular.toReversed()) {
    const waiting = at(status, 'state', 'waiting', 'reason');
    const terminated = at(status, 'state', 'terminated');
    if (typeof waiting === 'string' && waiting !== '') reason = waiting;
    else if (isObject(terminated)) reason = endedReason(terminated);
    else if (status['ready'] === true && at(status, 'state', 'running')) running = true;
  }
  // If one container has completed and another one is running, the pod has not completed.
  if (reason === 'Completed' && running) return regular.every((s) => s['ready'] === true) ? 'Running' : 'NotReady';
  return reason;
}

function endedReason(terminated: JsonObject): string {
  const { reason, signal, exitCode } = terminated;
  if (typeof reason === 'string' && reason !== '') return reason;
  return signal ? `Signal:${String(signal)}` : `ExitCode:${String(exitCode)}`;
}

function restarts(counted: JsonObject[], now: number): string {
  let count = 0;
  let last = '';
  for (const status of counted) {
    count += Number(status['restartCount'] ?? 0);
    const finishedAt = at(status, 'lastState', 'terminated', 'finishedAt');
    if (typeof finishedAt === 'string' && finishedAt > last) last = finishedAt;
  }
  return count === 0 || last === '' ? String(count) : `${count} (${age(last, now)} ago)`;
}

function statuses(pod: StoredObject, field: string): JsonObject[] {
  return objectsIn(at(pod, 'status', field));
}
