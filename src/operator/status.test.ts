import { describe, expect, it } from 'vitest';
import { healthyStatus, jupyterServer, pod, settings } from '../../tests/support/operator/examples.ts';
import type { JupyterServer, JupyterServerStatus } from '../jupyter-server/types.ts';
import { applyMergePatch } from '../lib/merge-patch.ts';
import type { Child } from './child.ts';
import { desiredStatus, type Observed, statusPatch } from './status.ts';

const service: Child = {
  key: 'service',
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'sessions',
  name: 'ada-flights-1a2b',
  uid: 'uid-of-service',
  parentName: 'ada-flights-1a2b',
  parentUid: 'uid-of-server',
  terminating: false,
  status: { loadBalancer: {} },
  statefulSet: undefined,
};

const now = new Date('2026-01-01T00:01:00.123Z');
const later = new Date('2026-01-01T00:02:00.456Z');

function observed(status: JupyterServerStatus | undefined, more: Partial<Observed> = {}): Observed {
  const server: JupyterServer = { ...jupyterServer(), ...(status ? { status } : {}) };
  return {
    server,
    children: [service],
    pod: pod(healthyStatus),
    podEvents: [],
    formerPod: undefined,
    formerPodEvents: [],
    statefulSetEvents: [],
    failure: undefined,
    created: { createdResources: { service: 'uid-of-service' }, fullServerURL: 'http://h/p' },
    now,
    ...more,
  };
}

const status = (current: JupyterServerStatus | undefined, more: Partial<Observed> = {}) =>
  desiredStatus(observed(current, more), settings);

describe('the status of a session', () => {
  it('has the fields that clients read', () => {
    expect(status(undefined)).toEqual({
      state: 'running',
      containerStates: {
        init: { 'git-clone': 'ready' },
        regular: { 'jupyter-server': 'ready', 'oauth2-proxy': 'ready' },
      },
      create_fn: { createdResources: { service: 'uid-of-service' }, fullServerURL: 'http://h/p' },
      children: {
        service: {
          uid: 'uid-of-service',
          name: 'ada-flights-1a2b',
          kind: 'Service',
          apiVersion: 'v1',
          status: { loadBalancer: {} },
        },
      },
      mainPod: { uid: 'uid-of-pod', name: 'ada-flights-1a2b-0', kind: 'Pod', apiVersion: 'v1', status: healthyStatus },
      events: {},
    });
  });

  it('has `startingSince` while the session starts, and not when it runs', () => {
    const starting = status(undefined, { pod: undefined });
    expect(starting.startingSince).toBe('2026-01-01T00:01:00+00:00');
    expect(status(starting, { pod: undefined, now: later }).startingSince).toBe('2026-01-01T00:01:00+00:00');
    const running = status(starting, { now: later });
    expect(running).not.toHaveProperty('startingSince');
    expect(statusPatch(starting, running)).toMatchObject({ startingSince: null });
    expect(status(running, { pod: undefined, now: later }).startingSince).toBe('2026-01-01T00:02:00+00:00');
  });

  it('has `failedSince`, which does not change while the session stays failed', () => {
    const failed = status(undefined, { pod: pod({ phase: 'Failed' }) });
    expect(failed.failedSince).toBe('2026-01-01T00:01:00.123000+00:00');
    expect(status(failed, { pod: pod({ ...healthyStatus, phase: 'Failed' }), now: later }).failedSince).toBe(
      failed.failedSince,
    );
    expect(statusPatch(failed, status(failed))).toMatchObject({ failedSince: null });
  });

  it('keeps the resource usage of the same pod, and removes the usage of another pod', () => {
    const resourceUsage = { cpuMillicores: 5 };
    const current = { mainPod: { uid: 'uid-of-pod', resourceUsage } };
    expect(status(current).mainPod?.resourceUsage).toEqual(resourceUsage);
    expect(status(current, { pod: pod(healthyStatus, { uid: 'another' }) }).mainPod).not.toHaveProperty(
      'resourceUsage',
    );
  });

  it('has the message of a failure until the failure ends', () => {
    const failure = { message: 'spec.routing.host is missing', permanent: true };
    const failed = status(undefined, { pod: undefined, failure, created: undefined });
    expect(failed.state).toBe('failed');
    expect(failed.events?.['operator']).toEqual({ message: failure.message, timestamp: '2026-01-01T00:01:00+00:00' });
    expect(status(failed, { pod: undefined, failure, now: later }).events).toEqual(failed.events);
    expect(status(failed, { now: later }).events?.['operator']).toEqual({ timestamp: '2026-01-01T00:02:00+00:00' });
    expect(status(undefined, { pod: undefined, failure: { message: 'busy', permanent: false } }).state).toBe(
      'starting',
    );
  });

  it('keeps fields that other programs wrote', () => {
    const current = { kopf: { progress: {} }, events: { other: { message: 'theirs' } }, idleSeconds: '5' };
    expect(status(current).events).toEqual({ other: { message: 'theirs' } });
    expect(statusPatch(current, status(current))).not.toHaveProperty('kopf');
    expect(statusPatch(current, status(current))).not.toHaveProperty('idleSeconds');
  });

  it('is not written without a change, even if the kubelet writes nulls and the API server stores them', () => {
    const condition = { type: 'Ready', status: 'True', lastProbeTime: null };
    const odd = pod({ ...healthyStatus, message: null, conditions: [condition] } as unknown as typeof healthyStatus);
    const empty = { children: {}, mainPod: {} };
    const stored = applyMergePatch(empty, statusPatch(empty, status(undefined, { pod: odd }))) as JupyterServerStatus;
    const withNulls = { ...stored, mainPod: { ...stored.mainPod, status: odd.status } };
    for (const kept of [stored, withNulls]) {
      expect(statusPatch(kept, status(kept, { pod: odd, now: later }))).toBeUndefined();
    }
  });
});
