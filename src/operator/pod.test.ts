import { expect, it } from 'vitest';
import { childLabels } from '../jupyter-server/labels.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { KubernetesObject } from '../platform/kubernetes/objects.ts';
import { projectPod } from './pod.ts';

const childLabel = childLabels(jupyterServers.group);

const podWith = (message: string): KubernetesObject =>
  ({
    metadata: {
      name: 's-0',
      uid: 'u',
      labels: { [childLabel.parentName]: 's', [childLabel.parentUid]: 'p', [childLabel.mainPod]: 'true' },
      deletionTimestamp: '2026-01-01T00:00:31Z',
      deletionGracePeriodSeconds: 30,
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'jupyter-server', ready: true, lastState: { terminated: { exitCode: 1, message } } }],
    },
  }) as KubernetesObject;

const messageOf = (message: string): string | undefined =>
  projectPod(podWith(message), childLabel)?.status.containerStatuses?.[0]?.lastState?.terminated?.message;

it('keeps the end of the log of a container without tokens in addresses', () => {
  expect(messageOf('short')).toBe('short');
  expect(messageOf(`${'x'.repeat(3000)}\nthe reason`)).toHaveLength(500);
  expect(messageOf(`${'x'.repeat(3000)}\nthe reason`)).toMatch(/x\nthe reason$/);
  expect(messageOf('at http://h:8888/lab?token=0123abcd&x=1 "token=0123"')).toBe(
    'at http://h:8888/lab?token=...&x=1 "token=..."',
  );
  expect(messageOf("unable to access 'https://oauth2:secret@git.example.org/a.git'")).toBe(
    "unable to access 'https://...@git.example.org/a.git'",
  );
  // The token begins before the part that is kept.
  expect(messageOf(`?token=${'0123456789'.repeat(3)} ${'x'.repeat(480)}`)).not.toContain('0123456789');
});

it('has the end and the length of the grace period of a pod that is being deleted', () => {
  const pod = projectPod(podWith(''), childLabel);
  expect([pod?.terminating, pod?.deletion]).toEqual([true, { endsAt: '2026-01-01T00:00:31Z', graceSeconds: 30 }]);
});
