import { describe, expect, it } from 'vitest';
import { healthyStatus, pod } from '../../tests/support/operator/examples.ts';
import type { ContainerStatus, PodCondition } from '../platform/kubernetes/objects.ts';
import { fromJupyterServer } from './session.ts';
import { type Observation, type ObservedStatefulSet, observedState, quotaExceeded } from './state.ts';

const statefulSet: ObservedStatefulSet = {
  generation: 1,
  observedGeneration: 1,
  updateRevision: 'rev-1',
};

const session = fromJupyterServer({ metadata: {} });
const deleting = { ...session, isBeingDeleted: true };
const hibernated = { ...session, isHibernated: true };

const observed = (more: Partial<Observation>) =>
  observedState({
    session,
    pod: pod(healthyStatus),
    statefulSet,
    statefulSetMessage: undefined,
    isInvalid: false,
    now: Date.parse('2026-01-01T00:01:00Z'),
    isScheduling: false,
    restartLimits: { init: 1, regular: 3 },
    ...more,
  });

const withJupyter = (jupyter: Partial<ContainerStatus>) =>
  pod({
    ...healthyStatus,
    containerStatuses: [
      { name: 'jupyter-server', ready: false, restartCount: 0, ...jupyter },
      ...(healthyStatus.containerStatuses ?? []).slice(1),
    ],
  });
const withCondition = (condition: PodCondition) =>
  pod({ ...healthyStatus, conditions: [...(healthyStatus.conditions ?? []), condition] });
const unschedulable = (message: string) =>
  pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] });

const pulling = (waiting: { reason: string; message?: string }, seconds = 1) =>
  pod({
    phase: 'Pending',
    startTime: new Date(Date.parse('2026-01-01T00:01:00Z') - seconds * 1000).toISOString(),
    containerStatuses: [{ name: 'jupyter-server', state: { waiting } }],
  });

describe('the observed state of a session', () => {
  it.each<[string, Partial<Observation>, string]>([
    ['a healthy pod', {}, 'running'],
    ['no pod', { pod: undefined }, 'starting'],
    [
      'a deleted session, whatever its other fields',
      { session: { ...deleting, isHibernated: true }, isInvalid: true },
      'stopping',
    ],
    ['a hibernated session with a failure and a running pod', { session: hibernated, isInvalid: true }, 'hibernated'],
    ['children that cannot be created', { isInvalid: true, pod: undefined }, 'failed'],
    ['an exceeded quota', { pod: undefined, statefulSetMessage: quotaExceeded }, 'failed'],
    ['another message of the StatefulSet', { pod: undefined, statefulSetMessage: 'denied' }, 'starting'],
    ['a pod that fits on no node', { pod: unschedulable('0/1 nodes are available: 1 Insufficient cpu.') }, 'failed'],
    [
      'a claim that is being bound',
      {
        pod: unschedulable('0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found'),
      },
      'starting',
    ],
    [
      'a pod that the kubelet has evicted, which its StatefulSet replaces',
      { pod: pod({ ...healthyStatus, phase: 'Failed', reason: 'Evicted' }) },
      'starting',
    ],
    [
      'a pod that the cluster ends because of a disruption',
      { pod: pod({ phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] }) },
      'starting',
    ],
    ['an invalid name of an image', { pod: pulling({ reason: 'InvalidImageName' }) }, 'failed'],
    [
      'an image for another architecture',
      { pod: pulling({ reason: 'ImagePullBackOff', message: 'no match for platform in manifest: not found' }) },
      'failed',
    ],
    ['an image that cannot be pulled for four minutes', { pod: pulling({ reason: 'ErrImagePull' }, 240) }, 'starting'],
    ['an image that cannot be pulled for six minutes', { pod: pulling({ reason: 'ErrImagePull' }, 360) }, 'failed'],
    ['a pod without a status', { pod: pod({}) }, 'starting'],
    ['phase Failed', { pod: pod({ ...healthyStatus, phase: 'Failed' }) }, 'failed'],
    ['phase Unknown', { pod: pod({ ...healthyStatus, phase: 'Unknown' }) }, 'starting'],
    ['a condition that is False', { pod: withCondition({ type: 'New', status: 'False' }) }, 'starting'],
    ['an unknown condition that is True', { pod: withCondition({ type: 'New', status: 'True' }) }, 'running'],
    ['a pod that is being deleted', { pod: pod(healthyStatus, { terminating: true }) }, 'starting'],
    ['a pod from an older template', { pod: pod(healthyStatus, { revision: 'rev-0' }) }, 'starting'],
    ['a pod from the current template', { pod: pod(healthyStatus, { revision: 'rev-1' }) }, 'running'],
    [
      'a template that the controller has not processed',
      { statefulSet: { ...statefulSet, generation: 2 } },
      'starting',
    ],
    ['a running container that is not ready', { pod: withJupyter({ state: { running: {} } }) }, 'starting'],
    [
      'an image that cannot be pulled',
      { pod: withJupyter({ state: { waiting: { reason: 'ImagePullBackOff' } } }) },
      'starting',
    ],
    [
      '3 restarts',
      { pod: withJupyter({ restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } } }) },
      'starting',
    ],
    [
      '4 restarts',
      { pod: withJupyter({ restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } }) },
      'failed',
    ],
    [
      'a ready container after 4 restarts',
      { pod: withJupyter({ restartCount: 4, ready: true, state: { running: {} } }) },
      'running',
    ],
    [
      'a container that ended with exit code 0 and is not ready',
      { pod: withJupyter({ state: { terminated: { exitCode: 0 } } }) },
      'starting',
    ],
  ])('%s', (_name, input, state) => {
    expect(observed(input).state).toBe(state);
  });

  it('fails after the second restart of an init container', () => {
    const init = (restartCount: number) =>
      pod({ phase: 'Pending', initContainerStatuses: [{ name: 'git-clone', restartCount, state: { waiting: {} } }] });
    expect(observed({ pod: init(1) }).state).toBe('starting');
    expect(observed({ pod: init(2) })).toMatchObject({
      state: 'failed',
      containerStates: { init: { 'git-clone': 'failed' } },
    });
  });
});

describe('the observed steps of the containers', () => {
  it('are `waiting` for all containers of the pod’s spec until the kubelet reports a container', () => {
    expect(observed({ pod: pod({}) }).containerStates).toEqual({
      init: { 'git-clone': 'waiting' },
      regular: { 'jupyter-server': 'waiting', 'oauth2-proxy': 'waiting' },
    });
  });

  it('follow the kubelet’s reports', () => {
    const status = {
      phase: 'Running',
      initContainerStatuses: [{ name: 'git-clone', ready: true, state: { terminated: { exitCode: 0 } } }],
      containerStatuses: [
        { name: 'jupyter-server', ready: false, restartCount: 9, state: { running: {} } },
        { name: 'oauth2-proxy', ready: false, state: { running: {} } },
        { name: 'added-by-a-patch', ready: true, restartCount: 9, state: { running: {} } },
      ],
    };
    expect(observed({ pod: pod(status) }).containerStates).toEqual({
      init: { 'git-clone': 'ready' },
      regular: { 'jupyter-server': 'failed', 'oauth2-proxy': 'executing', 'added-by-a-patch': 'ready' },
    });
  });

  it('are all `waiting` while the session is hibernated, and absent without a pod', () => {
    const containerStates = { init: { 'git-clone': 'ready' }, regular: { 'jupyter-server': 'ready' } };
    const { containers } = fromJupyterServer({ metadata: {}, status: { containerStates } });
    expect(observed({ session: { ...hibernated, containers }, pod: undefined }).containerStates).toEqual({
      init: { 'git-clone': 'waiting' },
      regular: { 'jupyter-server': 'waiting' },
    });
    expect(observed({ session: { ...session, containers }, pod: undefined }).containerStates).toEqual({
      init: {},
      regular: {},
    });
  });
});
