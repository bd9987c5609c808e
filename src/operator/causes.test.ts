import { describe, expect, it } from 'vitest';
import { healthyStatus, pod } from '../../tests/support/operator/examples.ts';
import { quotaExceeded } from '../jupyter-server/state.ts';
import type { KubernetesObject, PodStatus } from '../platform/kubernetes/objects.ts';
import { podCause, projectEvent, type SessionEvent, statefulSetCause } from './causes.ts';

const now = new Date('2026-01-01T00:01:00Z');

const event = (more: object): KubernetesObject =>
  ({
    metadata: { name: 'e', namespace: 'sessions', creationTimestamp: '2026-01-01T00:00:00Z' },
    involvedObject: { kind: 'StatefulSet', name: 's', uid: 'u' },
    type: 'Warning',
    reason: 'FailedCreate',
    message: 'm',
    ...more,
  }) as KubernetesObject;

const sessionEvent = (reason: string, message: string, second: number): SessionEvent => ({
  namespace: 'sessions',
  objectUid: 'u',
  objectKind: 'Pod',
  objectName: 's-0',
  reason,
  message,
  at: Date.parse('2026-01-01T00:00:00Z') + second * 1000,
});

describe('events', () => {
  it('are kept only if they can explain why a session does not start', () => {
    expect(projectEvent(event({}))).toMatchObject({ reason: 'FailedCreate', objectUid: 'u' });
    expect(
      projectEvent(event({ involvedObject: { kind: 'Pod', name: 'p', uid: 'u' }, reason: 'Unhealthy' })),
    ).toBeUndefined();
    expect(projectEvent(event({ involvedObject: { kind: 'Node', name: 'n', uid: 'u' } }))).toBeUndefined();
    expect(projectEvent(event({ involvedObject: {} }))).toBeUndefined();
    expect(projectEvent(event({ involvedObject: undefined }))).toBeUndefined();
  });

  it('have the time of their last occurrence, from any of the fields for it', () => {
    const at = (more: object) => projectEvent(event(more))?.at;
    expect(at({ lastTimestamp: '2026-01-01T00:00:05Z' })).toBe(Date.parse('2026-01-01T00:00:05Z'));
    expect(at({ lastTimestamp: null, eventTime: '2026-01-01T00:00:06.000001Z' })).toBe(
      Date.parse('2026-01-01T00:00:06Z'),
    );
    expect(at({ eventTime: '2026-01-01T00:00:06Z', series: { lastObservedTime: '2026-01-01T00:00:09Z' } })).toBe(
      Date.parse('2026-01-01T00:00:09Z'),
    );
    expect(at({ lastTimestamp: 'nonsense' })).toBe(0);
  });

  it('are without control characters, and cut at the maximum length', () => {
    const message = projectEvent(event({ message: `a\n\u001b[31mb${'x'.repeat(5000)}` }))?.message ?? '';
    expect(message).toMatch(/^a \[31mbx+…$/);
    expect(message).toHaveLength(1000);
  });
});

describe('the reason why a StatefulSet creates no pod', () => {
  const failed = sessionEvent('FailedCreate', 'pods "s-0" is forbidden: Exceeded Quota: q', 10);

  it('is a fixed sentence for an exceeded quota, and otherwise the event’s message', () => {
    expect(statefulSetCause([failed], undefined, undefined)).toBe(quotaExceeded);
    expect(statefulSetCause([sessionEvent('FailedCreate', 'denied by policy', 1)], undefined, undefined)).toBe(
      'denied by policy',
    );
  });

  it('is removed after a later success, or if a pod exists', () => {
    expect(statefulSetCause([failed, sessionEvent('SuccessfulCreate', '', 11)], undefined, undefined)).toBeUndefined();
    expect(statefulSetCause([failed], pod({}), undefined)).toBeUndefined();
  });

  it('remains after its event has expired, until a newer event', () => {
    const known = { message: quotaExceeded, timestamp: '2026-01-01T00:00:10+00:00' };
    expect(statefulSetCause([], undefined, known)).toBe(quotaExceeded);
    expect(statefulSetCause([sessionEvent('SuccessfulCreate', '', 5)], undefined, known)).toBe(quotaExceeded);
    expect(statefulSetCause([sessionEvent('SuccessfulCreate', '', 12)], undefined, known)).toBeUndefined();
  });
});

describe('the reason why a pod does not start', () => {
  const waiting = (reason: string, message?: string): PodStatus => ({
    phase: 'Pending',
    containerStatuses: [{ name: 'jupyter-server', state: { waiting: { reason, ...(message ? { message } : {}) } } }],
  });

  it('is the scheduler’s message if the pod fits on no node', () => {
    const status: PodStatus = {
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available.' },
      ],
    };
    expect(podCause(pod(status), [], now)).toBe('0/3 nodes are available.');
  });

  it('is the container’s message or the event of the last attempt if an image cannot be pulled', () => {
    expect(podCause(pod(waiting('ErrImagePull', 'not found')), [], now)).toBe(
      'jupyter-server: ErrImagePull: not found',
    );
    const events = [
      sessionEvent('Failed', 'Failed to pull image "x": not found', 1),
      sessionEvent('Failed', 'Error: ImagePullBackOff', 2),
    ];
    expect(podCause(pod(waiting('ImagePullBackOff', 'Back-off')), events, now)).toBe(
      'jupyter-server: ImagePullBackOff: Failed to pull image "x": not found',
    );
    expect(podCause(pod(waiting('ImagePullBackOff', 'Back-off')), [], now)).toBe(
      'jupyter-server: ImagePullBackOff: Back-off',
    );
  });

  it('is the autoscaler’s message while a node is being added', () => {
    const status: PodStatus = {
      phase: 'Pending',
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }],
    };
    const added = sessionEvent('TriggeredScaleUp', 'pod triggered scale-up: [{pool 1->2 (max: 3)}]', 10);
    expect(podCause(pod(status), [added], now)).toBe(`The cluster adds a node: ${added.message}`);
    const rejected = sessionEvent('NotTriggerScaleUp', 'max node group size reached', 20);
    expect(podCause(pod(status), [added, rejected], now)).toBe('no room');
    expect(podCause(pod(status), [added], new Date('2026-01-01T00:20:00Z'))).toBe('no room');
    const raw = { involvedObject: { kind: 'Pod', name: 'p', uid: 'u' }, type: 'Normal', reason: 'TriggeredScaleUp' };
    expect(projectEvent(event(raw))).toMatchObject({ reason: 'TriggeredScaleUp' });
  });

  it('is a missing Secret', () => {
    expect(podCause(pod(waiting('CreateContainerConfigError', 'secret "x" not found')), [], now)).toContain(
      'secret "x" not found',
    );
  });

  it('is an eviction', () => {
    expect(podCause(pod({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }), [], now)).toBe(
      'Evicted: low on memory',
    );
  });

  it('is a volume that cannot be mounted, if no container has run', () => {
    const events = [sessionEvent('FailedMount', 'no such claim', 1), sessionEvent('FailedScheduling', 'passed', 2)];
    expect(podCause(pod(waiting('ContainerCreating')), events.slice(0, 1), now)).toBe('FailedMount: no such claim');
    expect(podCause(pod(waiting('ContainerCreating')), events, now)).toBeUndefined();
    expect(podCause(pod(healthyStatus), events, now)).toBeUndefined();
  });

  it('is undefined for a normal start, a healthy pod, no pod, and a terminating pod', () => {
    expect(podCause(pod(waiting('PodInitializing')), [], now)).toBeUndefined();
    expect(podCause(pod(healthyStatus), [], now)).toBeUndefined();
    expect(podCause(undefined, [], now)).toBeUndefined();
    expect(podCause(pod(waiting('ErrImagePull'), { terminating: true }), [], now)).toBeUndefined();
  });
});
