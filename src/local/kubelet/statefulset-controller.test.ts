import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { patience } from '../../../tests/support/wait-for.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { openCluster } from '../api-server/open-cluster.ts';
import type { Store } from '../api-server/store.ts';
import { createEventRecorder } from './events.ts';
import { decide, revisionOf, startStatefulSetController } from './statefulset-controller.ts';
import type { Pod, StatefulSet } from './types.ts';

const log = pino({ level: 'silent' });
const namespace = 'default';

function set(name: string, image = 'a', replicas = 1): StatefulSet {
  return {
    metadata: { name, namespace },
    spec: {
      replicas,
      serviceName: name,
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'jupyter-server', image }] } },
      ...{ selector: { matchLabels: { app: name } } },
    },
  };
}

describe('decide', () => {
  const owned = (of: StatefulSet, extra: object = {}): Pod => ({
    metadata: {
      labels: { 'controller-revision-hash': revisionOf(of) },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'x', uid: 'set', controller: true }],
      ...extra,
    },
  });
  const live: StatefulSet = { ...set('x'), metadata: { name: 'x', namespace, uid: 'set' } };

  it('does not change a pod that is being deleted, or that the set does not own', () => {
    const scaled = { ...live, spec: { ...live.spec, replicas: 0 } };
    expect(decide(scaled, owned(live, { deletionTimestamp: 'now' })).do).toBe('nothing');
    expect(decide(scaled, { metadata: {} }).do).toBe('nothing');
    expect(decide(scaled, owned(live)).do).toBe('delete');
  });

  it('creates no pod for a set that is being deleted', () => {
    expect(decide({ ...live, metadata: { ...live.metadata, deletionTimestamp: 'now' } }, undefined).do).toBe('nothing');
  });

  it('ignores the order of keys in a template', () => {
    const other = structuredClone(live);
    if (other.spec)
      other.spec.template = {
        spec: { containers: [{ image: 'a', name: 'jupyter-server' }] },
        metadata: { labels: { app: 'x' } },
      };
    expect(revisionOf(other)).toBe(revisionOf(live));
  });
});

describe('the controller on the store', () => {
  let cluster: Store;
  let end: () => void;
  const pod = () => cluster.get<Pod>(resource.pods, namespace, 'x-0');
  const get = () => cluster.get<StatefulSet>(resource.statefulSets, namespace, 'x');
  /** Deletes the pod as a kubelet does after the pod has ended. */
  const finish = () => cluster.delete(resource.pods, namespace, 'x-0', { gracePeriodSeconds: 0 });

  beforeEach(() => {
    cluster = openCluster({ path: ':memory:', log });
    end = startStatefulSetController(cluster, createEventRecorder(cluster, 'statefulset-controller', log), log);
  });
  afterEach(() => {
    end();
    cluster.close();
  });

  it('creates the pod with its labels and owner, and creates it again after it was deleted', async () => {
    cluster.create(resource.statefulSets, namespace, set('x'));
    await vi.waitFor(() => expect(pod()).toBeDefined(), patience);
    const first = pod();
    expect(first?.metadata.labels).toMatchObject({ app: 'x', 'statefulset.kubernetes.io/pod-name': 'x-0' });
    expect(first?.metadata.labels?.['controller-revision-hash']).toMatch(/^x-[0-9a-f]{10}$/);
    expect(first?.metadata.ownerReferences).toMatchObject([{ kind: 'StatefulSet', name: 'x', controller: true }]);
    finish();
    await vi.waitFor(() => expect([undefined, first?.metadata.uid]).not.toContain(pod()?.metadata.uid), patience);
    await vi.waitFor(
      () => expect(get()?.status).toMatchObject({ replicas: 1, readyReplicas: 0, observedGeneration: 1 }),
      patience,
    );
    const events = cluster.list<KubernetesObject & { reason: string; count: number }>(resource.events);
    expect(events.map(({ reason, count }) => [reason, count])).toEqual([['SuccessfulCreate', 2]]);
  });

  it('deletes the pod when the set is scaled to 0, and creates it when the set is scaled to 1', async () => {
    cluster.create(resource.statefulSets, namespace, set('x'));
    await vi.waitFor(() => expect(pod()).toBeDefined(), patience);
    cluster.mergePatch(resource.statefulSets, namespace, 'x', { spec: { replicas: 0 } });
    await vi.waitFor(() => expect(pod()?.metadata.deletionTimestamp).toBeDefined(), patience);
    finish();
    await vi.waitFor(() => expect(get()?.status).toMatchObject({ replicas: 0, observedGeneration: 2 }), patience);
    expect(pod()).toBeUndefined();
    cluster.mergePatch(resource.statefulSets, namespace, 'x', { spec: { replicas: 1 } });
    await vi.waitFor(() => expect(pod()).toBeDefined(), patience);
  });

  it('replaces the pod when the template changes, and counts readiness', async () => {
    cluster.create(resource.statefulSets, namespace, set('x'));
    await vi.waitFor(() => expect(pod()).toBeDefined(), patience);
    cluster.patchStatus(resource.pods, namespace, 'x-0', { conditions: [{ type: 'Ready', status: 'True' }] });
    await vi.waitFor(() => expect(get()?.status).toMatchObject({ readyReplicas: 1 }), patience);
    cluster.mergePatch(resource.statefulSets, namespace, 'x', set('x', 'b'));
    await vi.waitFor(() => expect(pod()?.metadata.deletionTimestamp).toBeDefined(), patience);
    finish();
    await vi.waitFor(() => expect(pod()?.spec?.containers?.[0]?.image).toBe('b'), patience);
  });

  it('records an event if the API server rejects the pod, for example because its name is too long', async () => {
    const name = 'x'.repeat(60);
    cluster.create(resource.statefulSets, namespace, set(name));
    await vi.waitFor(() => {
      const events = cluster.list<KubernetesObject & { reason: string }>(resource.events);
      expect(events.map(({ reason }) => reason)).toContain('FailedCreate');
    }, patience);
  });
});
