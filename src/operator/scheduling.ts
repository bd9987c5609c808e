import { type SessionEvent, scaleUp, scaleUpMs } from './causes.ts';
import type { MainPod } from './pod.ts';

/**
 * Returns the milliseconds during which a pod without a node may still be scheduled; 0 if a pod that is unschedulable remains so.
 * For `graceMs` after its creation, a volume claim may not be bound yet, or an autoscaler may not have seen the pod. While an
 * autoscaler adds a node (`scaleUp`), the node may take 15 minutes. Pure.
 */
export function schedulingLeftMs(
  pod: MainPod | undefined,
  events: readonly SessionEvent[],
  graceMs: number,
  now: Date,
): number {
  const scheduled = pod?.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (!scheduled || scheduled.status === 'True') return 0;
  const added = scaleUp(events, now);
  const ends = [Date.parse(scheduled.lastTransitionTime ?? '') + graceMs, ...(added ? [added.at + scaleUpMs] : [])];
  return Math.max(0, ...ends.flatMap((end) => (Number.isNaN(end) ? [] : [end - now.getTime()])));
}
