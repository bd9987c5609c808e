import { describe, expect, it } from 'vitest';
import { healthyStatus, pod } from '../../tests/support/operator/examples.ts';
import type { JupyterServerStatus } from '../jupyter-server/types.ts';
import { conditionsOf, mayHaveRun } from './conditions.ts';
import type { MainPod } from './pod.ts';
import { writeDelay } from './status-writer.ts';
import { statusStory } from './story.ts';

const now = new Date('2026-01-01T00:00:00.5Z');
const later = new Date('2026-01-01T01:00:00Z');
const statuses = (status: JupyterServerStatus) => status.conditions?.map((each) => `${each.type} ${each.status}`);

describe('the conditions of a session', () => {
  const starting: JupyterServerStatus = { state: 'starting' };
  const first = { ...starting, conditions: conditionsOf(starting, undefined, { pod: undefined }, now) };

  it('change their time only with their status', () => {
    expect(statuses(first)).toEqual(['Ready False', 'Progressing True', 'Degraded False', 'HasRun False']);
    expect(conditionsOf(starting, first, { pod: undefined }, later)).toEqual(first.conditions);
    const running = conditionsOf({ state: 'running' }, first, { pod: undefined }, later);
    expect(running.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      '2026-01-01T01:00:00Z',
      '2026-01-01T01:00:00Z',
      '2026-01-01T00:00:00Z',
      '2026-01-01T01:00:00Z',
    ]);
  });

  it('have the cause of a failure', () => {
    const failed: JupyterServerStatus = { state: 'failed', events: { pod: { message: 'no such image' } } };
    const degraded = conditionsOf(failed, first, { pod: undefined }, later).find(({ type }) => type === 'Degraded');
    expect(degraded).toMatchObject({ status: 'True', reason: 'Failed', message: 'no such image' });
  });

  it('tell a session that never ran from one that may have run', () => {
    expect(mayHaveRun(first)).toBe(false);
    const ran = { conditions: conditionsOf({ state: 'running' }, first, { pod: undefined }, later) };
    expect(mayHaveRun({ conditions: conditionsOf({ state: 'failed' }, ran, { pod: undefined }, later) })).toBe(true);
    // A session of Amalthea, and one whose pod became ready while no operator ran.
    const adopted: JupyterServerStatus = { state: 'starting', create_fn: { createdResources: { service: 'u' } } };
    expect(mayHaveRun({ conditions: conditionsOf({ state: 'failed' }, adopted, { pod: undefined }, now) })).toBe(true);
    expect(mayHaveRun({ conditions: conditionsOf(starting, first, { pod: pod(healthyStatus) }, now) })).toBe(true);
  });
});

describe('the condition HasRun', () => {
  const unready = pod({ phase: 'Pending' }, { uid: 'new' });
  const hasRun = (former: MainPod | undefined) => {
    const starting: JupyterServerStatus = { state: 'starting', mainPod: { uid: 'old' } };
    const known = { ...starting, conditions: conditionsOf(starting, undefined, { pod: undefined }, now) };
    return conditionsOf(starting, known, { pod: unready, former }, later).find(({ type }) => type === 'HasRun')?.status;
  };

  it('is unknown if a pod ended while no operator ran, because the session may have run in that pod', () => {
    expect(hasRun(undefined)).toBe('Unknown');
    expect(hasRun(pod({ phase: 'Pending' }, { uid: 'old' }))).toBe('False');
    expect(hasRun(pod(healthyStatus, { uid: 'old' }))).toBe('True');
  });

  it('is unknown if the operator ended before it saw the first pod, unless the pod is as old as the session', () => {
    const written: JupyterServerStatus = { state: 'starting', create_fn: { createdResources: { statefulset: 'u' } } };
    const known = { ...written, conditions: conditionsOf({ state: 'starting' }, undefined, { pod: undefined }, now) };
    const look = (createdAt: string | undefined, isFirstLook: boolean) =>
      conditionsOf(
        { state: 'starting' },
        known,
        {
          pod: createdAt === undefined ? undefined : pod({ phase: 'Pending' }, { uid: 'new', createdAt }),
          isFirstLook,
          createdAt: '2026-01-01T00:00:00Z',
        },
        later,
      ).find(({ type }) => type === 'HasRun')?.status;
    expect(look('2026-01-01T00:30:00Z', true)).toBe('Unknown');
    expect(look(undefined, true)).toBe('Unknown');
    expect(look('2026-01-01T00:00:02Z', true)).toBe('False');
    expect(look('2026-01-01T00:30:00Z', false)).toBe('False');
  });
});

describe('the events of a session', () => {
  it('tell what changes, and nothing without a change', () => {
    const before: JupyterServerStatus = {
      state: 'starting',
      containerStates: { regular: { a: 'waiting', b: 'waiting' } },
    };
    const after: JupyterServerStatus = {
      state: 'starting',
      containerStates: { regular: { a: 'ready', b: 'waiting' } },
    };
    expect(statusStory(before, before)).toEqual([]);
    expect(statusStory(before, after).map(({ message }) => message)).toEqual(['Ready: a. Not ready yet: b.']);
    expect(statusStory(after, { state: 'running' }).map(({ reason }) => reason)).toEqual(['Running']);
  });
});

describe('a write of the status', () => {
  it('is immediate for the state, and delayed for steps and details of the pod', () => {
    expect(writeDelay({ status: { state: 'running', mainPod: {} } }, 0)).toBe(0);
    expect(writeDelay({ metadata: { annotations: {} } }, 0)).toBe(0);
    expect(writeDelay({ status: { containerStates: {} } }, 500)).toBe(2_500);
    expect(writeDelay({ status: { events: {} } }, 500)).toBe(2_500);
    expect(writeDelay({ status: { mainPod: { uid: 'u' } } }, 500)).toBe(2_500);
    expect(writeDelay({ status: { mainPod: { status: {} } } }, 500)).toBe(9_500);
    expect(writeDelay({ status: { mainPod: { status: {} } } }, 20_000)).toBe(0);
    const canWait = true;
    expect(writeDelay({ status: { mainPod: { uid: 'u' } } }, 500, canWait)).toBe(9_500);
    expect(writeDelay({ status: { state: 'running', mainPod: {} } }, 0, canWait)).toBe(0);
  });
});
