import { describe, expect, it } from 'vitest';
import { jupyterServer } from '../../tests/support/operator/examples.ts';
import { realObject } from '../../tests/support/real-pods/read.ts';
import { childLabels } from '../jupyter-server/labels.ts';
import type { JupyterServer, StoppedPod } from '../jupyter-server/types.ts';
import type { KubernetesObject, PodStatus } from '../platform/kubernetes/objects.ts';
import type { SessionEvent } from './causes.ts';
import { type MainPod, projectPod } from './pod.ts';
import { type ReplacedPod, stoppedPod } from './stopped-pod.ts';

const now = new Date('2026-11-30T12:06:00Z');

function realPod(name: string): MainPod {
  const pod = projectPod(realObject<KubernetesObject>(name), childLabels('amalthea.dev'));
  if (!pod) throw new Error(`${name} is not the pod of a session`);
  return pod;
}

const replacement = realPod('pod-replacement');

/** Returns what the operator observes after the pod was replaced. */
function replaced(former: MainPod, change: Partial<ReplacedPod> & { server?: JupyterServer } = {}): ReplacedPod {
  const status = { mainPod: { uid: former.uid, status: former.status } };
  return {
    server: { ...jupyterServer(), status },
    pod: { ...replacement, revision: former.revision },
    former,
    formerEvents: [],
    statefulSet: undefined,
    now,
    ...change,
  };
}

describe('a pod that the cluster has stopped', () => {
  it.each<[string, Partial<StoppedPod>]>([
    ['pod-evicted', { reason: 'Evicted', message: 'Usage of EmptyDir volume "workspace" exceeds the limit "1G".' }],
    ['pod-drained', { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }],
    ['pod-deleted', { reason: 'Deleted' }],
  ])('is recorded with its reason: %s', (name, expected) => {
    const former = realPod(name);
    const found = stoppedPod(replaced(former));
    expect(found).toMatchObject({ uid: former.uid, ...expected });
    expect(found?.at).toMatch(/^2026-11-30T12:0[45]/);
    // Before the StatefulSet has created the new pod, too.
    expect(stoppedPod(replaced(former, { pod: undefined }))).toEqual(found);
  });

  it('is recorded from its status and its events if the operator has not seen its end', () => {
    const former = realPod('pod-evicted');
    const running: PodStatus = {
      ...former.status,
      phase: 'Running',
      containerStatuses: [{ name: 'jupyter-server', ready: true, state: { running: {} } }],
    };
    delete running.reason;
    delete running.message;
    const server = { ...jupyterServer(), status: { mainPod: { uid: former.uid, status: running } } };
    const event: SessionEvent = {
      namespace: 'truth',
      objectUid: former.uid,
      objectKind: 'Pod',
      objectName: former.name,
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
      at: 0,
    };
    const unseen = { ...replaced(former), server, former: undefined };
    expect(stoppedPod({ ...unseen, formerEvents: [event] })).toEqual({
      uid: former.uid,
      at: now.toISOString(),
      reason: 'Evicted',
      message: event.message,
    });
    expect(stoppedPod(unseen)).toMatchObject({ reason: 'Unknown' });
  });

  it('remains recorded until the next one', () => {
    const former = realPod('pod-drained');
    const known = { uid: 'earlier', at: '2026-11-30T11:00:00Z', reason: 'Evicted' };
    const { server } = replaced(former);
    const withKnown = { ...server, status: { ...server.status, stoppedPod: known } };
    expect(stoppedPod(replaced(former, { server: withKnown, pod: former }))).toEqual(known);
    expect(stoppedPod(replaced(former, { server: { ...server, status: { stoppedPod: known } } }))).toEqual(known);
    expect(stoppedPod(replaced(former, { server: withKnown }))).toMatchObject({ uid: former.uid });
  });

  it('is not recorded if the owner or the operator has replaced it', () => {
    const former = realPod('pod-deleted');
    const { server } = replaced(former);
    const restarted = {
      ...server,
      metadata: { ...server.metadata, annotations: { 'notebook-sessions.io/restarted-pod': former.uid } },
    };
    expect(stoppedPod(replaced(former, { server: restarted }))).toBeUndefined();
    const hibernated = { ...server, spec: { ...server.spec, jupyterServer: { hibernated: true } } };
    expect(stoppedPod(replaced(former, { server: hibernated, pod: undefined }))).toBeUndefined();
    expect(stoppedPod(replaced(former, { pod: { ...replacement, revision: 'of-other-resources' } }))).toBeUndefined();
  });

  it('is not recorded if Jupyter never ran in it', () => {
    const former = realPod('pod-evicted');
    const status: PodStatus = { phase: 'Failed', reason: 'Evicted' };
    expect(stoppedPod(replaced({ ...former, status }))).toBeUndefined();
    const waiting = [{ name: 'jupyter-server', state: { waiting: { reason: 'PodInitializing' } } }];
    expect(stoppedPod(replaced({ ...former, status: { ...status, containerStatuses: waiting } }))).toBeUndefined();
  });
});
