import { type SessionEvent, scaleUpMs, scaleUpReasons } from './causes.ts';
import type { MainPod } from './pod.ts';

/**
 * Returns the milliseconds during which a pod without a node may still be scheduled; 0 if a pod that is unschedulable remains so.
 * For `graceMs` after its creation, a volume claim may not be bound yet, or an autoscaler may not have seen the pod. After an
 * autoscaler has announced a node, the node may take 15 minutes. Pure.
 */
export function schedulingLeftMs(
  pod: MainPod | undefined,
  events: readonly SessionEvent[],
  graceMs: number,
  now: Date,
): number {
  const scheduled = pod?.status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (!scheduled || scheduled.status === 'True') return 0;
  const ends = [
    Date.parse(scheduled.lastTransitionTime ?? '') + graceMs,
    ...events.filter(({ reason }) => scaleUpReasons.includes(reason)).map(({ at }) => at + scaleUpMs),
  ];
  return Math.max(0, ...ends.flatMap((end) => (Number.isNaN(end) ? [] : [end - now.getTime()])));
}
