import { describe, expect, it } from 'vitest';
import { healthyStatus, pod } from '../../tests/support/operator/examples.ts';
import { quotaExceeded } from '../jupyter-server/state.ts';
import type { KubernetesObject, PodStatus } from '../platform/kubernetes/objects.ts';
import { type Happening, podCause, projectEvent, statefulSetCause } from './causes.ts';

const event = (more: object): KubernetesObject =>
  ({
    metadata: { name: 'e', namespace: 'sessions', creationTimestamp: '2026-01-01T00:00:00Z' },
    involvedObject: { kind: 'StatefulSet', name: 's', uid: 'u' },
    type: 'Warning',
    reason: 'FailedCreate',
    message: 'm',
    ...more,
  }) as KubernetesObject;

const happening = (reason: string, message: string, second: number): Happening => ({
  namespace: 'sessions',
  objectUid: 'u',
  objectKind: 'Pod',
  objectName: 's-0',
  reason,
  message,
  at: Date.parse('2026-01-01T00:00:00Z') + second * 1000,
});

describe('events', () => {
  it('are kept only if they explain something', () => {
    expect(projectEvent(event({}))).toMatchObject({ reason: 'FailedCreate', objectUid: 'u' });
    expect(
      projectEvent(event({ involvedObject: { kind: 'Pod', name: 'p', uid: 'u' }, reason: 'Unhealthy' })),
    ).toBeUndefined();
    expect(projectEvent(event({ involvedObject: { kind: 'Node', name: 'n', uid: 'u' } }))).toBeUndefined();
    expect(projectEvent(event({ involvedObject: {} }))).toBeUndefined();
    expect(projectEvent(event({ involvedObject: undefined }))).toBeUndefined();
  });

  it('have the time of their last occurrence, whichever field holds it', () => {
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

  it('lose control characters and excess length', () => {
    const message = projectEvent(event({ message: `a\n\u001b[31mb${'x'.repeat(5000)}` }))?.message ?? '';
    expect(message).toMatch(/^a \[31mbx+…$/);
    expect(message).toHaveLength(1000);
  });
});

describe('why the StatefulSet makes no pod', () => {
  const failed = happening('FailedCreate', 'pods "s-0" is forbidden: Exceeded Quota: q', 10);

  it('a quota is named by its own sentence, anything else by the event’s', () => {
    expect(statefulSetCause([failed], undefined, undefined)).toBe(quotaExceeded);
    expect(statefulSetCause([happening('FailedCreate', 'denied by policy', 1)], undefined, undefined)).toBe(
      'denied by policy',
    );
  });

  it('ends with a success, and with a pod', () => {
    expect(statefulSetCause([failed, happening('SuccessfulCreate', '', 11)], undefined, undefined)).toBeUndefined();
    expect(statefulSetCause([failed], pod({}), undefined)).toBeUndefined();
  });

  it('stays known when its event has expired, and news replaces it', () => {
    const known = { message: quotaExceeded, timestamp: '2026-01-01T00:00:10+00:00' };
    expect(statefulSetCause([], undefined, known)).toBe(quotaExceeded);
    expect(statefulSetCause([happening('SuccessfulCreate', '', 5)], undefined, known)).toBe(quotaExceeded);
    expect(statefulSetCause([happening('SuccessfulCreate', '', 12)], undefined, known)).toBeUndefined();
  });
});

describe('why the pod does not come up', () => {
  const waiting = (reason: string, message?: string): PodStatus => ({
    phase: 'Pending',
    containerStatuses: [{ name: 'jupyter-server', state: { waiting: { reason, ...(message ? { message } : {}) } } }],
  });

  it('no node fits', () => {
    const status: PodStatus = {
      phase: 'Pending',
      conditions: [
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available.' },
      ],
    };
    expect(podCause(pod(status), [])).toBe('0/3 nodes are available.');
  });

  it('an image cannot be pulled: the reason comes from the container, or from the last attempt’s event', () => {
    expect(podCause(pod(waiting('ErrImagePull', 'not found')), [])).toBe('jupyter-server: ErrImagePull: not found');
    const events = [
      happening('Failed', 'Failed to pull image "x": not found', 1),
      happening('Failed', 'Error: ImagePullBackOff', 2),
    ];
    expect(podCause(pod(waiting('ImagePullBackOff', 'Back-off')), events)).toBe(
      'jupyter-server: ImagePullBackOff: Failed to pull image "x": not found',
    );
    expect(podCause(pod(waiting('ImagePullBackOff', 'Back-off')), [])).toBe(
      'jupyter-server: ImagePullBackOff: Back-off',
    );
  });

  it('a secret is missing', () => {
    expect(podCause(pod(waiting('CreateContainerConfigError', 'secret "x" not found')), [])).toContain(
      'secret "x" not found',
    );
  });

  it('it was evicted', () => {
    expect(podCause(pod({ phase: 'Failed', reason: 'Evicted', message: 'low on memory' }), [])).toBe(
      'Evicted: low on memory',
    );
  });

  it('its volume cannot be mounted, as long as nothing has run', () => {
    const events = [happening('FailedMount', 'no such claim', 1), happening('FailedScheduling', 'passed', 2)];
    expect(podCause(pod(waiting('ContainerCreating')), events.slice(0, 1))).toBe('FailedMount: no such claim');
    expect(podCause(pod(waiting('ContainerCreating')), events)).toBeUndefined();
    expect(podCause(pod(healthyStatus), events)).toBeUndefined();
  });

  it('nothing is wrong with a normal start, a healthy pod, no pod, or one that goes', () => {
    expect(podCause(pod(waiting('PodInitializing')), [])).toBeUndefined();
    expect(podCause(pod(healthyStatus), [])).toBeUndefined();
    expect(podCause(undefined, [])).toBeUndefined();
    expect(podCause(pod(waiting('ErrImagePull'), { terminating: true }), [])).toBeUndefined();
  });
});
