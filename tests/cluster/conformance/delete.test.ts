import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Api, eventually, type Json, jupyterServer, openApi, patches, pathsOf } from './api.ts';

let api: Api;
let paths: ReturnType<typeof pathsOf>;
beforeAll(async () => {
  api = await openApi({ endsPods: false });
  paths = pathsOf(api.namespace);
});
afterAll(() => api.close());

const at = (name: string) => `${paths.jupyterServers}/${name}`;
const make = (name: string, metadata: object = {}): Promise<Json> =>
  api.ok('POST', paths.jupyterServers, { body: jupyterServer(name, {}, metadata) });
const remove = (path: string, body?: unknown, query = {}) => api.call('DELETE', path, { body, query });
const removed = (path: string) =>
  eventually(
    `the removal of ${path}`,
    () => api.call('GET', path),
    ({ status }) => status === 404,
  );
const held = { finalizers: ['example.org/held'] };
const release = (path: string) =>
  api.ok('PATCH', path, { body: { metadata: { finalizers: null } }, headers: patches.merge });

describe('DELETE', () => {
  it('removes the object and returns its name and uid', async () => {
    const { metadata } = await make('plain');
    const { status, json } = await remove(at('plain'));
    expect([status, json]).toEqual([
      200,
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Success',
        details: { name: 'plain', group: 'amalthea.dev', kind: 'jupyterservers', uid: metadata.uid },
      },
    ]);
    const again = await remove(at('plain'));
    expect([again.status, again.json.reason, again.json.details.name]).toEqual([404, 'NotFound', 'plain']);
    expect((await make('plain')).metadata.uid).not.toBe(metadata.uid);
  });

  it.each<[number, string, unknown]>([
    [409, 'Conflict', { preconditions: { uid: 'another' } }],
    [409, 'Conflict', { preconditions: { resourceVersion: '1' } }],
    [422, 'Invalid', { propagationPolicy: 'Sideways' }],
    [422, 'Invalid', { dryRun: ['Some'] }],
    [400, 'BadRequest', { gracePeriodSeconds: 'x' }],
    [400, 'BadRequest', '{'],
    [400, 'BadRequest', { kind: 'Pod' }],
  ])('is a %i %s for %j, and the object stays', async (code, reason, options) => {
    await api.call('POST', paths.jupyterServers, { body: jupyterServer('stays') });
    const { status, json } = await remove(at('stays'), options);
    expect([status, json.reason]).toEqual([code, reason]);
    expect((await api.ok('GET', at('stays'))).metadata.deletionTimestamp).toBeUndefined();
  });

  it.each<[unknown, object]>([
    [{ apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, propagationPolicy: 'Background' }, {}],
    [{ apiVersion: 'meta.k8s.io/v1', kind: 'DeleteOptions' }, {}],
    [{ gracePeriodSeconds: 5 }, {}],
    [{ gracePeriodSeconds: -1 }, {}],
    ['', {}],
    [undefined, { propagationPolicy: 'Background', gracePeriodSeconds: 3 }],
  ])('accepts the options %j in the body and %j in the query', async (options, query) => {
    await make('optional');
    expect((await remove(at('optional'), options, query)).status).toBe(200);
    expect((await api.call('GET', at('optional'))).status).toBe(404);
  });

  it('may name the current uid and version', async () => {
    const { metadata } = await make('exact');
    const { uid, resourceVersion } = metadata;
    expect((await remove(at('exact'), { preconditions: { uid, resourceVersion } })).status).toBe(200);
  });
});

describe('finalizers', () => {
  it('delay a deletion; the object can change meanwhile and is removed with its last finalizer', async () => {
    await make('held', held);
    const deleted = await remove(at('held'));
    expect([deleted.status, deleted.json.kind]).toEqual([200, 'JupyterServer']);
    expect(deleted.json.metadata).toMatchObject({ ...held, deletionGracePeriodSeconds: 0, generation: 2 });
    const { deletionTimestamp, resourceVersion } = deleted.json.metadata;
    expect(deletionTimestamp).toMatch(/Z$/);
    const again = await remove(at('held'));
    expect(again.json.metadata).toMatchObject({ deletionTimestamp, resourceVersion });
    const conflict = await api.call('POST', paths.jupyterServers, { body: jupyterServer('held') });
    expect([conflict.status, conflict.json.reason]).toEqual([409, 'AlreadyExists']);
    const changed = await api.ok('PATCH', at('held'), {
      body: { status: { state: 'stopping' } },
      headers: patches.merge,
    });
    expect([changed.status.state, changed.metadata.deletionTimestamp]).toEqual(['stopping', deletionTimestamp]);
    const more = { metadata: { finalizers: [...held.finalizers, 'example.org/more'] } };
    const rejected = await api.call('PATCH', at('held'), { body: more, headers: patches.merge });
    expect([rejected.status, rejected.json.details.causes[0].field]).toEqual([422, 'metadata.finalizers']);
    expect((await release(at('held'))).metadata.deletionTimestamp).toBe(deletionTimestamp);
    expect((await api.call('GET', at('held'))).status).toBe(404);
  });

  it('follow the propagation policy of the last request', async () => {
    await make('policy', held);
    const seen = [];
    for (const propagationPolicy of ['Foreground', 'Background', 'Orphan'])
      seen.push((await remove(at('policy'), { propagationPolicy })).json.metadata.finalizers);
    expect(seen).toEqual([[...held.finalizers, 'foregroundDeletion'], held.finalizers, [...held.finalizers, 'orphan']]);
    await release(at('policy'));
    await removed(at('policy'));
  });

  it('of built-in kinds need a domain', async () => {
    const body = { metadata: { name: 'f', finalizers: ['held'] } };
    const { status, json } = await api.call('POST', paths.configMaps, { body });
    expect([status, json.details.causes[0].field]).toEqual([422, 'metadata.finalizers[0]']);
  });
});

describe('an owner', () => {
  async function family(name: string, { blockOwnerDeletion = true, finalizers = [] as string[] } = {}) {
    const { apiVersion, kind, metadata } = await make(name);
    const owner = { apiVersion, kind, name, uid: metadata.uid, controller: true, blockOwnerDeletion };
    const child = `${paths.configMaps}/${name}`;
    const body = { metadata: { name, finalizers, ownerReferences: [owner] } };
    await api.ok('POST', paths.configMaps, { body });
    return { owner: at(name), child };
  }

  it('is deleted before its dependents by default', async () => {
    const { owner, child } = await family('background');
    expect((await remove(owner, { propagationPolicy: 'Background' })).json.status).toBe('Success');
    await removed(child);
  });

  it('waits for blocking dependents in a foreground deletion', async () => {
    const { owner, child } = await family('foreground', { finalizers: ['example.org/held'] });
    const { json } = await remove(owner, { propagationPolicy: 'Foreground' });
    expect(json.metadata.finalizers).toEqual(['foregroundDeletion']);
    await eventually(
      'the deletion timestamp of the child',
      () => api.ok('GET', child),
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    expect((await api.call('GET', owner)).status).toBe(200);
    await release(child);
    await removed(child);
    await removed(owner);
  });

  it('does not wait for dependents that do not block', async () => {
    const { owner, child } = await family('free', { blockOwnerDeletion: false, finalizers: ['example.org/held'] });
    await remove(owner, { propagationPolicy: 'Foreground' });
    await removed(owner);
    expect((await api.call('GET', child)).status).toBe(200);
    await release(child);
    await removed(child);
  });

  it('leaves its dependents if they are orphaned', async () => {
    const { owner, child } = await family('orphan');
    await remove(owner, { propagationPolicy: 'Orphan' });
    await removed(owner);
    const { metadata } = await api.ok('GET', child);
    expect([metadata.ownerReferences, metadata.deletionTimestamp]).toEqual([undefined, undefined]);
  });

  it('that does not exist: the dependent is deleted', async () => {
    const owner = { apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', name: 'never', uid: 'never' };
    const child = `${paths.secrets}/never`;
    await api.ok('POST', paths.secrets, { body: { metadata: { name: 'never', ownerReferences: [owner] } } });
    await removed(child);
  });

  it('is identified by its uid: a new object of the same name is not the owner', async () => {
    const { owner, child } = await family('name');
    await remove(owner, { propagationPolicy: 'Background' });
    await make('name');
    await removed(child);
    expect((await api.call('GET', owner)).status).toBe(200);
  });
});

describe('a pod', () => {
  const spec = {
    containers: [{ name: 'c', image: 'i' }],
    automountServiceAccountToken: false,
    nodeName: 'nowhere',
    terminationGracePeriodSeconds: 20,
  };

  it('on a node has a grace period, which can become shorter but not longer', async () => {
    await api.ok('POST', paths.pods, { body: { metadata: { name: 'p' }, spec } });
    const path = `${paths.pods}/p`;
    const grace = async (options?: object) => {
      const { status, json } = await remove(path, options);
      expect([status, json.kind]).toEqual([200, 'Pod']);
      return json.metadata.deletionGracePeriodSeconds;
    };
    expect(await grace()).toBe(20);
    expect(await grace({ gracePeriodSeconds: 5 })).toBe(5);
    expect(await grace({ gracePeriodSeconds: 50 })).toBe(5);
    expect((await api.call('GET', path)).status).toBe(200);
    // The kubelet does this after the last container has stopped.
    expect((await remove(path, { gracePeriodSeconds: 0 })).json.kind).toBe('Pod');
    expect((await api.call('GET', path)).status).toBe(404);
  });

  it('has a grace period of one second if the request has a negative one', async () => {
    await api.ok('POST', paths.pods, { body: { metadata: { name: 'q' }, spec } });
    const { json } = await remove(`${paths.pods}/q`, { gracePeriodSeconds: -1 });
    expect(json.metadata.deletionGracePeriodSeconds).toBe(1);
    await remove(`${paths.pods}/q`, { gracePeriodSeconds: 0 });
  });
});
