import { expect, it } from 'vitest';
import { healthyStatus, jupyterServer, pod } from '../../tests/support/operator/examples.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import type { PodStatus } from '../platform/kubernetes/objects.ts';
import type { Child } from './child.ts';
import { forcedEndMs } from './forced-end.ts';

const endsAt = '2026-01-01T00:10:01Z';
const end = Date.parse(endsAt);
const stopping: JupyterServer = {
  ...jupyterServer(),
  metadata: { ...jupyterServer().metadata, deletionTimestamp: endsAt },
};
const set = { key: 'statefulset', kind: 'StatefulSet', terminating: true } as Child;
const onLostNode: PodStatus = {
  ...healthyStatus,
  conditions: [
    { type: 'ContainersReady', status: 'True' },
    { type: 'Ready', status: 'False' },
  ],
};
const ending = (graceSeconds: number, status: PodStatus = onLostNode) =>
  pod(status, { terminating: true, deletion: { endsAt, graceSeconds } });

it('removes a pod on a lost node soon after its deletion was forced, and a pod on another node later', () => {
  expect(forcedEndMs(stopping, ending(1), set, end - 1000)).toBe(3000);
  expect(forcedEndMs(stopping, ending(1), set, end + 2000)).toBe(0);
  expect(forcedEndMs(stopping, ending(0), undefined, end + 2000)).toBe(0);
  expect(forcedEndMs(stopping, ending(1, healthyStatus), set, end + 2000)).toBe(28_000);
  const gated = { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' };
  const waiting = { ...onLostNode, conditions: [{ type: 'ContainersReady', status: 'True' }, gated] };
  expect(forcedEndMs(stopping, ending(1, waiting), set, end + 2000)).toBe(28_000);
});

it('never removes a pod whose deletion is not forced, or that its StatefulSet would create again', () => {
  const late = end + 3_600_000;
  expect(forcedEndMs(stopping, ending(30), set, late)).toBeUndefined();
  expect(forcedEndMs(stopping, pod(onLostNode), set, late)).toBeUndefined();
  expect(forcedEndMs(stopping, undefined, set, late)).toBeUndefined();
  expect(forcedEndMs(stopping, ending(1), { ...set, terminating: false }, late)).toBeUndefined();
  expect(forcedEndMs(jupyterServer(), ending(1), set, late)).toBeUndefined();
});
