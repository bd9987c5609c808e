import { describe, expect, it } from 'vitest';
import { pod, settings } from '../../tests/support/operator/examples.ts';
import type { SessionEvent } from './causes.ts';
import { schedulingLeftMs } from './scheduling.ts';

const now = new Date('2026-01-01T00:10:00Z');
const graceMs = settings.unschedulableGraceMs;

const unscheduled = (lastTransitionTime: string | undefined) =>
  pod({
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }),
      },
    ],
  });

const announced = (reason: string, time: string): SessionEvent => ({
  namespace: 'n',
  objectUid: 'u',
  objectKind: 'Pod',
  objectName: 'p-0',
  reason,
  message: '',
  at: Date.parse(time),
});

const left = (since: string | undefined, events: SessionEvent[] = []) =>
  schedulingLeftMs(unscheduled(since), events, graceMs, now);

describe('a pod without a node', () => {
  it('may be scheduled for a short time after its creation', () => {
    expect(left('2026-01-01T00:09:50Z')).toBe(10_000);
    expect(left('2026-01-01T00:09:40Z')).toBe(0);
    expect(left(undefined)).toBe(0);
  });

  it.each(['TriggeredScaleUp', 'Nominated'])('may be scheduled for 15 minutes after the event %s', (reason) => {
    expect(left('2026-01-01T00:00:00Z', [announced(reason, '2026-01-01T00:05:00Z')])).toBe(600_000);
    expect(left('2026-01-01T00:00:00Z', [announced(reason, '2025-12-31T23:55:00Z')])).toBe(0);
  });

  it('remains unschedulable if the autoscaler says later that it adds no node', () => {
    const added = announced('TriggeredScaleUp', '2026-01-01T00:05:00Z');
    expect(left('2026-01-01T00:00:00Z', [added, announced('NotTriggerScaleUp', '2026-01-01T00:06:00Z')])).toBe(0);
    expect(left('2026-01-01T00:00:00Z', [added, announced('NotTriggerScaleUp', '2026-01-01T00:04:00Z')])).toBe(600_000);
  });

  it('remains unschedulable without such an event', () => {
    expect(left('2026-01-01T00:00:00Z', [announced('FailedScheduling', '2026-01-01T00:09:59Z')])).toBe(0);
  });
});
