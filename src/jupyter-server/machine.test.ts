import { expect, it } from 'vitest';
import { nodeLostSince, sinceText } from './machine.ts';
import { fromJupyterServer } from './session.ts';

const session = (ready: object) =>
  fromJupyterServer({
    apiVersion: 'amalthea.dev/v1alpha1',
    kind: 'JupyterServer',
    metadata: { name: 'a', namespace: 'n' },
    spec: {},
    status: {
      mainPod: {
        uid: 'p',
        status: {
          conditions: [
            { type: 'ContainersReady', status: 'True' },
            { type: 'Ready', ...ready },
          ],
        },
      },
    },
  });

it.each([
  [{ status: 'True' }, undefined],
  [{ status: 'False', lastTransitionTime: '2026-01-01T00:10:00Z' }, 'since 2026-01-01T00:10:00Z'],
  [{ status: 'False' }, 'for some time'],
])('says since when the node of a pod with the condition Ready %o does not respond', (ready, expected) => {
  const since = nodeLostSince(session(ready));
  expect(since === undefined ? undefined : sinceText(since)).toBe(expected);
});
