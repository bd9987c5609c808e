import { expect, it } from 'vitest';
import { healthyStatus, jupyterServer, pod, settings } from '../../../tests/support/operator/examples.ts';
import { writeCullingNotice } from '../../jupyter-server/culling-notice.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import type { Child } from '../child.ts';
import { cull } from './culler.ts';

const now = new Date('2026-01-02T00:00:00Z');
const hourAgo = now.getTime() - 3_600_000;

const claim = (key: string, terminating = false): Child => ({
  key,
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  namespace: 'sessions',
  name: key,
  uid: key,
  parentName: 'ada-flights-1a2b',
  parentUid: 'uid-of-server',
  terminating,
  status: undefined,
  statefulSet: undefined,
});

const notice = writeCullingNotice({ action: 'hibernate', reason: 'idle', at: now.toISOString() });

/** Returns the action for a session that has not been used for an hour, and whose owner has been told. */
function actionWith(child: Child, enabled = true) {
  const server = jupyterServer({ culling: { idleSecondsThreshold: 60 }, storage: { pvc: { enabled } } });
  return cull(
    {
      key: 'sessions/ada',
      server: { ...server, metadata: { ...server.metadata, annotations: { [annotation.culling]: notice } } },
      desired: { state: 'running' },
      children: [child],
      pod: pod(healthyStatus),
      firstSavedAt: undefined,
      now,
    },
    {
      request: () => undefined,
      get: (_session, podUid) => ({
        podUid,
        at: now.getTime(),
        activity: { lastAt: hourAgo, isActive: false },
        failure: undefined,
      }),
      forget: () => undefined,
      stop: () => Promise.resolve(),
    },
    settings,
  ).action;
}

it('a session is hibernated only if its own claim has its files, not a claim that a patch has added', () => {
  expect(actionWith(claim('pvc'))).toEqual({ is: 'hibernate', reason: 'idle' });
  expect(actionWith(claim('data'))).toBeUndefined();
  expect(actionWith(claim('pvc'), false)).toBeUndefined();
  expect(actionWith(claim('pvc', true))).toBeUndefined();
});
