import { createBackOff } from '../../../lib/back-off.ts';
import { CannotStart, type PodContext } from '../pod/context.ts';
import type { ContainerRecord } from '../pod/status.ts';
import type { Container } from '../types.ts';
import { errorMessage } from './error-message.ts';
import { type Launch, prepareLaunch } from './launch.ts';

/** Objects that another part is about to create (the operator's Secrets) are not reported as missing before this time. */
const quietMs = 2_000;

/**
 * Returns the container's launch as soon as all objects that the launch needs exist. Until then, the record and the pod's
 * events name the missing object. Rejects when `signal` aborts.
 */
export async function untilPrepared(
  container: Container,
  record: ContainerRecord,
  pod: PodContext,
  signal: AbortSignal,
): Promise<Launch> {
  const backOff = createBackOff({ firstMs: 1_000, maxMs: 30_000 });
  const since = performance.now();
  for (;;) {
    const changed = pod.changed();
    try {
      signal.throwIfAborted();
      return await prepareLaunch(container, record.init, pod, signal);
    } catch (error) {
      signal.throwIfAborted();
      reportStartError(error, record, pod, performance.now() - since > quietMs);
      const pause = new AbortController();
      await Promise.race([changed, backOff.pause(AbortSignal.any([signal, pause.signal]))]);
      pause.abort();
    }
  }
}

/** Shows in the record why the container cannot start, as Kubernetes would, and records an event. */
export function reportStartError(error: unknown, record: ContainerRecord, pod: PodContext, withEvent = true): void {
  const before = record.state.waiting?.reason;
  const reason = error instanceof CannotStart ? error.reason : 'CreateContainerError';
  const message = errorMessage(error);
  record.ready = false;
  if (reason !== 'ErrImagePull') {
    record.state = { waiting: { reason, message } };
    if (withEvent) pod.event('Warning', reason === 'CreateContainerConfigError' ? 'Failed' : 'FailedMount', message);
  } else if (before === 'ErrImagePull' || before === 'ImagePullBackOff') {
    record.state = { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image: ${message}` } };
    pod.event('Warning', 'BackOff', message);
  } else {
    record.state = { waiting: { reason, message } };
    pod.event('Warning', 'Failed', message);
  }
  pod.report();
}
