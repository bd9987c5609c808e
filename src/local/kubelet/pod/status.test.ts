import { describe, expect, it } from 'vitest';
import type { PodCondition } from '../../../platform/kubernetes/objects.ts';
import { type ContainerRecord, newRecord, podStatus, terminated } from './status.ts';

const at = { startedAt: '2026-01-01T00:00:00.5Z', finishedAt: '2026-01-01T00:00:01.5Z' };
const running = { running: { startedAt: '2026-01-01T00:00:02Z' } };

function pod(clone: Partial<ContainerRecord>, server: Partial<ContainerRecord>) {
  return [
    { ...newRecord('git-clone', 'g', true, 'PodInitializing'), ...clone },
    { ...newRecord('jupyter-server', 'j', false, 'PodInitializing'), ...server },
  ];
}

function status(
  records: ContainerRecord[],
  extra: { unschedulable?: string; previous?: PodCondition[]; now?: string } = {},
) {
  return podStatus({
    records,
    unschedulable: extra.unschedulable,
    address: '127.1.2.3',
    startTime: '2026-01-01T00:00:00Z',
    previous: extra.previous && { conditions: extra.previous },
    now: extra.now ?? '2026-01-01T00:00:09Z',
  });
}

const cloned = { state: terminated({ exitCode: 0, ...at }), ready: true };
const conditions = (value: Record<string, unknown>) =>
  Object.fromEntries((value['conditions'] as PodCondition[]).map(({ type, status }) => [type, status]));

describe('podStatus', () => {
  it('is Pending while an init container runs', () => {
    const pending = status(pod({ state: running }, {}));
    expect(pending['phase']).toBe('Pending');
    expect(conditions(pending)).toEqual({
      PodScheduled: 'True',
      Initialized: 'False',
      Ready: 'False',
      ContainersReady: 'False',
    });
    expect(pending['conditions']).toContainEqual(
      expect.objectContaining({ type: 'Initialized', message: 'containers with incomplete status: [git-clone]' }),
    );
  });

  it('is Running from the first start of a main container on, also while it restarts', () => {
    expect(status(pod(cloned, { state: running }))['phase']).toBe('Running');
    const crashed = {
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: terminated({ exitCode: 1, ...at }),
    };
    const looping = status(pod(cloned, crashed));
    expect(looping['phase']).toBe('Running');
    expect(conditions(looping)).toMatchObject({ Initialized: 'True', Ready: 'False' });
  });

  it('is ready when all main containers are ready', () => {
    expect(conditions(status(pod(cloned, { state: running, ready: true })))).toEqual({
      PodScheduled: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
    });
  });

  it('keeps the time of a condition until its status changes', () => {
    const previous: PodCondition[] = [
      { type: 'Ready', status: 'True', lastTransitionTime: 'before' },
      { type: 'Initialized', status: 'False', lastTransitionTime: 'before' },
    ];
    const now = status(pod(cloned, { state: running, ready: true }), { previous, now: 'now' });
    const times = Object.fromEntries(
      (now['conditions'] as PodCondition[]).map(({ type, lastTransitionTime }) => [type, lastTransitionTime]),
    );
    expect(times).toMatchObject({ Ready: 'before', Initialized: 'now' });
  });

  it('shows why a pod cannot be scheduled, without container statuses', () => {
    const unschedulable = status(pod({}, {}), { unschedulable: 'persistentvolumeclaim "x" not found' });
    expect(unschedulable).toMatchObject({
      phase: 'Pending',
      containerStatuses: [],
      conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }],
    });
  });
});

describe('terminated', () => {
  it('distinguishes success, failure and a lack of memory', () => {
    expect(terminated({ exitCode: 0, ...at }).terminated).toEqual({
      exitCode: 0,
      reason: 'Completed',
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:01Z',
    });
    expect(terminated({ exitCode: 204, message: 'branch', ...at }).terminated).toMatchObject({
      reason: 'Error',
      message: 'branch',
    });
    expect(terminated({ exitCode: 137, signal: 9, outOfMemory: true, ...at }).terminated).toMatchObject({
      reason: 'OOMKilled',
      signal: 9,
    });
  });
});
