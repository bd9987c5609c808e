import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configMap, js, pod, statefulSet } from '../../../tests/support/local/api-server/objects.ts';
import { log } from '../../../tests/support/local/api-server/test-server.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { ClusterEvent, StatusError } from '../cluster.ts';
import { EVENT_LIFETIME_MS, removeExpiredEvents } from './event-expiry.ts';
import type { StoredObject } from './json.ts';
import { openCluster } from './open-cluster.ts';
import type { Store } from './store.ts';

const { pods, secrets, namespaces, events, statefulSets, leases, configMaps } = resource;
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const failing = (code: number, reason: string) => expect.objectContaining({ code, reason });

let clock = Date.parse('2026-01-01T00:00:00Z');
let cluster: Store;
beforeEach(() => {
  cluster = openCluster({ path: ':memory:', log, now: () => clock });
});
afterEach(() => cluster.close());

const createJs = (name = 'a', metadata: object = {}) =>
  cluster.create(jupyterServers, 'default', js(name, {}, metadata));
const present = (name = 'a') => cluster.get(jupyterServers, 'default', name);

describe('create', () => {
  it('sets identity, times and defaults, and ignores those in the request', () => {
    const sent = {
      uid: 'mine',
      generation: 7,
      creationTimestamp: '2000-01-01T00:00:00Z',
      deletionTimestamp: '2000-01-01T00:00:00Z',
    };
    const object = createJs('a', { ...sent, labels: { a: 'b' } });
    expect(object).toMatchObject({ apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer' });
    expect(object.metadata).toEqual({
      name: 'a',
      namespace: 'default',
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      creationTimestamp: '2026-01-01T00:00:00Z',
      generation: 1,
      resourceVersion: expect.stringMatching(/^\d+$/),
      labels: { a: 'b' },
    });
    expect(present()).toBe(object);
  });

  it('rejects a second object with the same name in the same namespace', () => {
    createJs();
    expect(() => createJs()).toThrow(failing(409, 'AlreadyExists'));
    cluster.create(namespaces, '', { metadata: { name: 'other' } });
    expect(cluster.create(jupyterServers, 'other', js('a')).metadata.namespace).toBe('other');
    expect(cluster.list(jupyterServers)).toHaveLength(2);
    expect(cluster.list(jupyterServers, { namespace: 'other' })).toHaveLength(1);
  });

  it('requires a namespace that exists and is not being deleted', () => {
    expect(() => cluster.create(jupyterServers, 'nowhere', js('a'))).toThrow(failing(404, 'NotFound'));
    cluster.create(namespaces, '', { metadata: { name: 'deleted' } });
    cluster.create(pods, 'deleted', pod('holds-it-open'));
    cluster.delete(namespaces, '', 'deleted');
    expect(() => cluster.create(jupyterServers, 'deleted', js('a'))).toThrow(failing(403, 'Forbidden'));
  });

  it.each([
    ['Upper', {}],
    ['a_b', {}],
    ['-a', {}],
    ['a'.repeat(254), {}],
    ['a', { labels: { 'a b': 'x' } }],
    ['a', { labels: { a: 'not a value' } }],
    ['a', { labels: { a: 'x'.repeat(64) } }],
    ['a', { annotations: { a: 'x'.repeat(262_145) } }],
    ['a', { finalizers: ['not one'] }],
    ['a', { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: '', uid: '' }] }],
  ])('rejects the name %s with metadata %j', (name, metadata) => {
    expect(() => createJs(name, metadata)).toThrow(failing(422, 'Invalid'));
  });

  it('generates a name from generateName', () => {
    const object: StoredObject = cluster.create(configMaps, 'default', { metadata: { generateName: 'part-' } });
    expect(object.metadata.name).toMatch(/^part-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('converts stringData of a Secret to data', () => {
    const secret = { metadata: { name: 's' }, stringData: { a: 'ü' }, data: { b: 'Yg==' } };
    const stored: StoredObject = cluster.create(secrets, 'default', secret as StoredObject);
    expect(stored['data']).toEqual({ a: 'w7w=', b: 'Yg==' });
    expect(stored['stringData']).toBeUndefined();
  });

  it('does not repeat the content of a Secret in an error', () => {
    const secret: StoredObject = { metadata: { name: 's' }, data: { key: 'hunter2!' } };
    expect(() => cluster.create(secrets, 'default', secret)).toThrow(
      expect.objectContaining({ code: 400, message: expect.not.stringContaining('hunter2') }),
    );
  });

  it('returns frozen objects', () => {
    const object = createJs();
    expect(() => {
      object.metadata.name = 'b';
    }).toThrow(TypeError);
  });
});

describe('update', () => {
  it('merges, keeps the identity, and increments the generation for any change outside metadata', () => {
    const before = createJs();
    const spec = { jupyterServer: { hibernated: true, image: null } };
    const patch = {
      metadata: { uid: before.metadata.uid, creationTimestamp: null },
      spec,
      status: { state: 'running' },
    };
    const after = cluster.mergePatch<StoredObject>(jupyterServers, 'default', 'a', patch);
    expect(after['spec']).toMatchObject({
      jupyterServer: { hibernated: true, image: 'jupyter/minimal-notebook:latest', defaultUrl: '/lab' },
    });
    expect(after['status']).toEqual({ children: {}, mainPod: {}, state: 'running' });
    expect(after.metadata).toEqual({
      ...before.metadata,
      generation: 2,
      resourceVersion: String(Number(before.metadata.resourceVersion) + 1),
    });
    expect(
      cluster.mergePatch(jupyterServers, 'default', 'a', { metadata: { labels: { x: 'y' } } }).metadata.generation,
    ).toBe(2);
  });

  it('writes nothing if nothing changes', async () => {
    const before = createJs();
    const seen: string[] = [];
    cluster.watch(jupyterServers, (event) => seen.push(event.type));
    await settled();
    const after = cluster.mergePatch(jupyterServers, 'default', 'a', { spec: { routing: { path: '/' } } });
    await settled();
    expect(after).toBe(before);
    expect(seen).toEqual(['ADDED']);
  });

  it('rejects an old version, another uid and a missing version', () => {
    const { metadata } = createJs();
    const kind = cluster.kinds.jupyterServers.kind;
    cluster.mergePatch(jupyterServers, 'default', 'a', { metadata: { labels: { x: 'y' } } });
    const put = (change: object) => () =>
      cluster.replaceObject(kind, 'default', 'a', {
        apiVersion: 'amalthea.dev/v1alpha1',
        kind: 'JupyterServer',
        metadata: { ...metadata, ...change },
      });
    expect(put({})).toThrow(failing(409, 'Conflict'));
    expect(put({ resourceVersion: present()?.metadata.resourceVersion, uid: 'other' })).toThrow(
      failing(409, 'Conflict'),
    );
    expect(put({ resourceVersion: undefined })).toThrow(failing(422, 'Invalid'));
    expect(put({ name: 'b' })).toThrow(failing(400, 'BadRequest'));
    expect(put({ resourceVersion: present()?.metadata.resourceVersion })).not.toThrow();
  });

  it('changes the status only through the status subresource, if the kind has one', () => {
    cluster.create(pods, 'default', pod('p'));
    cluster.mergePatch(pods, 'default', 'p', { status: { phase: 'Failed' } });
    expect(cluster.get<StoredObject>(pods, 'default', 'p')?.['status']).toMatchObject({ phase: 'Pending' });
    const patched = cluster.patchStatus<StoredObject>(pods, 'default', 'p', { phase: 'Running' });
    expect(patched['status']).toMatchObject({ phase: 'Running' });
    expect(patched.metadata.generation).toBe(1);
    createJs();
    expect(() => cluster.patchStatus(jupyterServers, 'default', 'a', {})).toThrow(failing(404, 'NotFound'));
  });

  it('rejects changes of immutable fields of a StatefulSet', () => {
    cluster.create(statefulSets, 'default', statefulSet('s'));
    cluster.mergePatch(statefulSets, 'default', 's', { spec: { replicas: 0 } });
    const change = () => cluster.mergePatch(statefulSets, 'default', 's', { spec: { serviceName: 'x' } });
    expect(change).toThrow(failing(422, 'Invalid'));
  });

  it('lets only one of two holders acquire a lease', () => {
    const lease = { metadata: { name: 'l' }, spec: { holderIdentity: 'one', leaseDurationSeconds: 15 } };
    const { metadata } = cluster.create(leases, 'default', lease as StoredObject);
    const take = (holderIdentity: string) =>
      cluster.mergePatch<StoredObject>(leases, 'default', 'l', {
        metadata: { resourceVersion: metadata.resourceVersion },
        spec: { holderIdentity },
      });
    expect(take('two')['spec']).toMatchObject({ holderIdentity: 'two' });
    expect(() => take('three')).toThrow(failing(409, 'Conflict'));
  });
});

describe('delete', () => {
  it('removes an object without finalizers immediately', () => {
    createJs();
    cluster.delete(jupyterServers, 'default', 'a');
    expect(present()).toBeUndefined();
    expect(() => cluster.delete(jupyterServers, 'default', 'a')).toThrow(failing(404, 'NotFound'));
  });

  it('waits for finalizers, and rejects new finalizers during the deletion', () => {
    createJs('a', { finalizers: ['x.y/one', 'x.y/two'] });
    cluster.delete(jupyterServers, 'default', 'a');
    expect(present()?.metadata).toMatchObject({
      deletionTimestamp: '2026-01-01T00:00:00Z',
      deletionGracePeriodSeconds: 0,
    });
    expect(() => createJs()).toThrow(failing(409, 'AlreadyExists'));
    const finalizers = (list: string[] | null) =>
      cluster.mergePatch(jupyterServers, 'default', 'a', { metadata: { finalizers: list } });
    expect(() => finalizers(['x.y/one', 'x.y/two', 'x.y/three'])).toThrow(failing(422, 'Invalid'));
    finalizers(['x.y/two']);
    expect(present()).toBeDefined();
    finalizers(null);
    expect(present()).toBeUndefined();
  });

  it('marks a pod first, and removes it with a grace period of 0', () => {
    cluster.create(pods, 'default', pod('p', {}, { terminationGracePeriodSeconds: 10 }));
    cluster.delete(pods, 'default', 'p');
    const marked = cluster.get(pods, 'default', 'p')?.metadata;
    expect(marked).toMatchObject({ deletionTimestamp: '2026-01-01T00:00:10Z', deletionGracePeriodSeconds: 10 });
    cluster.delete(pods, 'default', 'p', { gracePeriodSeconds: 60 });
    expect(cluster.get(pods, 'default', 'p')?.metadata).toEqual(marked);
    cluster.delete(pods, 'default', 'p', { gracePeriodSeconds: 5 });
    expect(cluster.get(pods, 'default', 'p')?.metadata.deletionTimestamp).toBe('2026-01-01T00:00:05Z');
    cluster.delete(pods, 'default', 'p', { gracePeriodSeconds: 0 });
    expect(cluster.get(pods, 'default', 'p')).toBeUndefined();
  });

  it('checks preconditions', () => {
    const { metadata } = createJs();
    const kind = cluster.kinds.jupyterServers.kind;
    const remove = (preconditions: object) => cluster.deleteObject(kind, 'default', 'a', { preconditions });
    expect(() => remove({ uid: 'other' })).toThrow(failing(409, 'Conflict'));
    expect(() => remove({ resourceVersion: '1' })).toThrow(failing(409, 'Conflict'));
    expect(remove({ uid: metadata.uid, resourceVersion: metadata.resourceVersion }).outcome).toBe('removed');
  });

  it('rejects the deletion of the namespace default', () => {
    expect(() => cluster.delete(namespaces, '', 'default')).toThrow(failing(403, 'Forbidden'));
  });
});

describe('watch', () => {
  it('sends the existing objects and then every change, in order', async () => {
    createJs('a');
    const seen: string[] = [];
    const stop = cluster.watch(jupyterServers, ({ type, object }) => seen.push(`${type} ${object.metadata.name}`));
    createJs('b');
    cluster.create(configMaps, 'default', configMap('not-ours'));
    expect(seen).toEqual([]);
    await settled();
    cluster.mergePatch(jupyterServers, 'default', 'b', { status: { state: 'running' } });
    cluster.delete(jupyterServers, 'default', 'a');
    createJs('a');
    await settled();
    expect(seen).toEqual(['ADDED a', 'ADDED b', 'MODIFIED b', 'DELETED a', 'ADDED a']);
    stop();
    createJs('c');
    await settled();
    expect(seen).toHaveLength(5);
  });

  it('does not call a listener during a write of the listener, and continues after a listener throws', async () => {
    let inside = 0;
    const versions: string[] = [];
    cluster.watch(jupyterServers, ({ object }: ClusterEvent<StoredObject>) => {
      inside += 1;
      expect(inside).toBe(1);
      versions.push(object.metadata.resourceVersion ?? '');
      const count = Number((object['status'] as { count?: number }).count ?? 0);
      if (count < 5) cluster.mergePatch(jupyterServers, 'default', 'a', { status: { count: count + 1 } });
      inside -= 1;
      throw new Error('a listener failed');
    });
    createJs();
    await expect.poll(() => versions.length).toBe(6);
    expect(versions).toEqual(versions.toSorted());
  });

  it('sends every change, even if one step writes more changes than the history contains', async () => {
    cluster.close();
    cluster = openCluster({ path: ':memory:', log, history: { changes: 10, characters: 1_000_000 } });
    let added = 0;
    cluster.watch(configMaps, () => {
      added += 1;
    });
    await settled();
    for (let index = 0; index < 500; index += 1) cluster.create(configMaps, 'default', configMap(`c${index}`));
    await settled();
    expect(added).toBe(500);
  });

  it('ends when the store is closed', async () => {
    const other = openCluster({ path: ':memory:', log });
    const seen: unknown[] = [];
    other.watch(namespaces, (event) => seen.push(event));
    other.close();
    await settled();
    expect(seen).toEqual([]);
  });
});

it('removes Events one hour after their last change', () => {
  const event = {
    metadata: { name: 'e' },
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    message: 'm',
  } as StoredObject;
  cluster.create(events, 'default', event);
  cluster.create(events, 'default', { ...event, metadata: { name: 'renewed' } });
  clock += EVENT_LIFETIME_MS - 1000;
  cluster.mergePatch(events, 'default', 'renewed', { count: 2 });
  clock += 2000;
  removeExpiredEvents(cluster);
  expect(cluster.list(events).map(({ metadata }) => metadata.name)).toEqual(['renewed']);
});

it('names the resource and the object in its errors', () => {
  createJs();
  const error = ((): StatusError | undefined => {
    try {
      createJs();
    } catch (thrown) {
      return thrown as StatusError;
    }
    return undefined;
  })();
  expect(error?.message).toBe('jupyterservers.amalthea.dev "a" already exists');
  expect(error?.details).toEqual({ name: 'a', group: 'amalthea.dev', kind: 'jupyterservers' });
});
