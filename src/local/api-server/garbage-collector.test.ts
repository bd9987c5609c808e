import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configMap, js, ownedBy, pod, statefulSet } from '../../../tests/support/local/api-server/objects.ts';
import { log } from '../../../tests/support/local/api-server/test-server.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import type { KubernetesObject } from '../../platform/kubernetes/objects.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import type { ResourceType } from '../../platform/kubernetes/types.ts';
import { openCluster } from './open-cluster.ts';
import type { Store } from './store.ts';

const { statefulSets, pods, configMaps, namespaces } = resource;

let cluster: Store;
beforeEach(() => {
  cluster = openCluster({ path: ':memory:', log });
});
afterEach(() => cluster.close());

const has = (type: ResourceType, name = 'a') => cluster.get(type, 'default', name) !== undefined;
const finalizers = (type: ResourceType) => cluster.get(type, 'default', 'a')?.metadata.finalizers;
/** Waits long enough for the garbage collector to handle a change and its consequences. */
const quiet = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** A session as the operator creates it: JupyterServer <- StatefulSet <- pod, and a ConfigMap. */
function makeSession(): KubernetesObject {
  const owner = cluster.create(jupyterServers, 'default', js('a'));
  const set = cluster.create(statefulSets, 'default', statefulSet('a', ownedBy(owner)));
  cluster.create(pods, 'default', pod('a', ownedBy(set)));
  cluster.create(configMaps, 'default', configMap('a', ownedBy(owner)));
  return owner;
}

describe('foreground deletion', () => {
  it('waits for the last dependent: the owner is removed after its StatefulSet, and the StatefulSet after its pod', async () => {
    makeSession();
    await quiet();
    cluster.delete(jupyterServers, 'default', 'a', { propagationPolicy: 'Foreground' });
    await quiet();
    expect(has(configMaps)).toBe(false);
    expect(finalizers(jupyterServers)).toEqual(['foregroundDeletion']);
    expect(finalizers(statefulSets)).toEqual(['foregroundDeletion']);
    await expect.poll(() => cluster.get(pods, 'default', 'a')?.metadata.deletionTimestamp).toBeDefined();
    // The kubelet does this when the containers have stopped.
    cluster.delete(pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await expect.poll(() => [has(statefulSets), has(jupyterServers)]).toEqual([false, false]);
  });

  it('does not wait for dependents that do not block', async () => {
    const owner = cluster.create(jupyterServers, 'default', js('a'));
    cluster.create(pods, 'default', pod('a', ownedBy(owner, false)));
    await quiet();
    cluster.delete(jupyterServers, 'default', 'a', { propagationPolicy: 'Foreground' });
    await expect.poll(() => has(jupyterServers)).toBe(false);
    await expect.poll(() => cluster.get(pods, 'default', 'a')?.metadata.deletionTimestamp).toBeDefined();
  });

  it('waits for other finalizers, too', async () => {
    makeSession();
    cluster.mergePatch(jupyterServers, 'default', 'a', { metadata: { finalizers: ['operator.dev/x'] } });
    cluster.delete(jupyterServers, 'default', 'a', { propagationPolicy: 'Foreground' });
    await quiet();
    cluster.delete(pods, 'default', 'a', { gracePeriodSeconds: 0 });
    await expect.poll(() => has(statefulSets)).toBe(false);
    expect(finalizers(jupyterServers)).toEqual(['operator.dev/x']);
    cluster.mergePatch(jupyterServers, 'default', 'a', { metadata: { finalizers: null } });
    expect(has(jupyterServers)).toBe(false);
  });
});

describe('background deletion', () => {
  it('removes the owner immediately, then its dependents', async () => {
    makeSession();
    cluster.delete(jupyterServers, 'default', 'a');
    expect(has(jupyterServers)).toBe(false);
    expect(has(statefulSets)).toBe(true);
    await expect.poll(() => [has(statefulSets), has(configMaps)]).toEqual([false, false]);
    await expect.poll(() => cluster.get(pods, 'default', 'a')?.metadata.deletionTimestamp).toBeDefined();
  });

  it('removes a new object whose owner was removed, even if an object with the name of the owner exists', async () => {
    const owner = cluster.create(jupyterServers, 'default', js('a'));
    cluster.delete(jupyterServers, 'default', 'a');
    cluster.create(jupyterServers, 'default', js('a'));
    cluster.create(configMaps, 'default', configMap('a', ownedBy(owner)));
    await expect.poll(() => has(configMaps)).toBe(false);
    expect(has(jupyterServers)).toBe(true);
  });

  it('keeps an object with a remaining owner, without the reference to the removed owner', async () => {
    const first = cluster.create(jupyterServers, 'default', js('a'));
    const second = cluster.create(jupyterServers, 'default', js('b'));
    const [one] = ownedBy(first).ownerReferences;
    const [two] = ownedBy(second).ownerReferences;
    const ownerReferences = [{ ...one, controller: false }, two];
    cluster.create(configMaps, 'default', configMap('a', { ownerReferences }));
    cluster.delete(jupyterServers, 'default', 'a');
    await expect.poll(() => cluster.get(configMaps, 'default', 'a')?.metadata.ownerReferences).toEqual([two]);
  });

  it('keeps an object with an owner of an unknown kind', async () => {
    const foreign = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'job', uid: 'u' } };
    cluster.create(configMaps, 'default', configMap('a', ownedBy(foreign)));
    await quiet();
    expect(has(configMaps)).toBe(true);
  });

  it('removes an object with an owner in another namespace', async () => {
    cluster.create(namespaces, '', { metadata: { name: 'other' } });
    const owner = cluster.create(jupyterServers, 'other', js('a'));
    cluster.create(configMaps, 'default', configMap('a', ownedBy(owner)));
    await expect.poll(() => has(configMaps)).toBe(false);
  });
});

it('keeps the dependents of an owner that is deleted with the policy Orphan', async () => {
  makeSession();
  await quiet();
  cluster.delete(jupyterServers, 'default', 'a', { propagationPolicy: 'Orphan' });
  await expect.poll(() => has(jupyterServers)).toBe(false);
  await quiet();
  expect(cluster.get(statefulSets, 'default', 'a')?.metadata.ownerReferences).toBeUndefined();
  expect([has(statefulSets), has(configMaps), has(pods)]).toEqual([true, true, true]);
});

it('removes the content of a namespace before the namespace', async () => {
  cluster.create(namespaces, '', { metadata: { name: 'other' } });
  cluster.create(pods, 'other', pod('p'));
  cluster.create(configMaps, 'other', configMap('c'));
  cluster.delete(namespaces, '', 'other');
  await expect.poll(() => cluster.get(configMaps, 'other', 'c')).toBeUndefined();
  expect(cluster.get(namespaces, '', 'other')).toMatchObject({ status: { phase: 'Terminating' } });
  cluster.delete(pods, 'other', 'p', { gracePeriodSeconds: 0 });
  await expect.poll(() => cluster.get(namespaces, '', 'other')).toBeUndefined();
});

it('completes the deletions of a killed process after a restart', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gc-'));
  try {
    cluster.close();
    const path = join(directory, 'cluster.sqlite');
    cluster = openCluster({ path, log });
    makeSession();
    cluster.delete(jupyterServers, 'default', 'a');
    // Closed before the collector runs.
    cluster.close();
    cluster = openCluster({ path, log });
    expect(has(statefulSets)).toBe(true);
    await expect.poll(() => [has(statefulSets), has(configMaps)]).toEqual([false, false]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
