import { describe, expect, it } from 'vitest';
import type { StoredObject } from '../json.ts';
import { makeKinds } from '../kinds/kinds.ts';
import { humanDuration } from './duration.ts';
import { summarizePod } from './pod-row.ts';
import { Tables } from './table.ts';

const now = Date.parse('2026-01-01T01:00:00Z');

it.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [121, '2m1s'],
  [600, '10m'],
  [3600 * 3, '3h'],
  [3600 * 3 + 60 * 5, '3h5m'],
  [3600 * 9, '9h'],
  [3600 * 50, '2d2h'],
  [86_400 * 9, '9d'],
  [86_400 * 365 * 3, '3y'],
  [86_400 * 366 * 9, '9y'],
  [-5, '<invalid>'],
])('shows %i seconds as %s', (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text);
});

describe('the row of a pod', () => {
  const running = { running: { startedAt: 'x' } };
  const pod = (status: object, metadata: object = {}): StoredObject => ({
    metadata: { name: 'p', ...metadata },
    spec: { containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 'i' }, { name: 'j' }] },
    status,
  });
  const done = { name: 'i', state: { terminated: { exitCode: 0, reason: 'Completed' } }, restartCount: 0 };

  it.each<[string, string, object]>([
    ['Pending', '0/2', { phase: 'Pending' }],
    ['Init:0/2', '0/2', { phase: 'Pending', initContainerStatuses: [{ name: 'i', state: running }] }],
    ['Init:1/2', '0/2', { phase: 'Pending', initContainerStatuses: [done, { name: 'j', state: running }] }],
    [
      'Init:ErrImagePull',
      '0/2',
      { phase: 'Pending', initContainerStatuses: [done, { state: { waiting: { reason: 'ErrImagePull' } } }] },
    ],
    ['Init:Error', '0/2', { initContainerStatuses: [{ state: { terminated: { exitCode: 1, reason: 'Error' } } }] }],
    ['Init:ExitCode:200', '0/2', { initContainerStatuses: [{ state: { terminated: { exitCode: 200 } } }] }],
    [
      'Running',
      '2/2',
      {
        phase: 'Running',
        initContainerStatuses: [done, done],
        containerStatuses: [
          { ready: true, state: running },
          { ready: true, state: running },
        ],
      },
    ],
    [
      'CrashLoopBackOff',
      '1/2',
      {
        phase: 'Running',
        containerStatuses: [
          { ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } },
          { ready: true, state: running },
        ],
      },
    ],
    ['OOMKilled', '0/2', { phase: 'Failed', containerStatuses: [{ state: { terminated: { reason: 'OOMKilled' } } }] }],
    ['Evicted', '0/2', { phase: 'Failed', reason: 'Evicted' }],
    ['Unknown', '0/2', {}],
  ])('shows the status %s', (status, ready, podStatus) => {
    expect(summarizePod(pod(podStatus), now)).toMatchObject({ status, ready });
  });

  it('shows Terminating for a pod that is being deleted', () => {
    const deleted = pod({ phase: 'Running' }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(summarizePod(deleted, now).status).toBe('Terminating');
  });

  it('shows the number of restarts and the time since the last', () => {
    const lastState = { terminated: { finishedAt: '2026-01-01T00:55:00Z' } };
    const containerStatuses = [{ restartCount: 2, lastState, state: running }, { restartCount: 1 }];
    expect(summarizePod(pod({ phase: 'Running', containerStatuses }), now).restarts).toBe('3 (5m ago)');
  });
});

describe('tables', () => {
  const kinds = makeKinds('local');
  const tables = new Tables(kinds, () => now);
  const row = (plural: string, object: StoredObject) => {
    const kind = kinds.all.find((candidate) => candidate.resource.plural === plural);
    if (kind === undefined) throw new Error(`no kind ${plural}`);
    const { columns, cells } = tables.of(kind);
    return Object.fromEntries(columns.map(({ name }, index) => [name, cells(object)[index]]));
  };
  const metadata = { name: 'x', creationTimestamp: '2026-01-01T00:00:00Z' };

  it('have the columns of the CRD for JupyterServers', () => {
    const object = {
      metadata,
      spec: { jupyterServer: { image: 'img' } },
      status: { create_fn: { fullServerURL: 'http://h/x' }, mainPod: { status: { phase: 'Running' } } },
    };
    expect(row('jupyterservers', object)).toEqual({
      Name: 'x',
      Image: 'img',
      URL: 'http://h/x',
      'Pod Status': 'Running',
      Age: '60m',
    });
  });

  it('have columns for the children of a session', () => {
    expect(row('statefulsets', { metadata, spec: { replicas: 1 }, status: {} })).toMatchObject({
      Ready: '0/1',
      Age: '60m',
    });
    expect(row('secrets', { metadata, type: 'Opaque', data: { a: '', b: '' } })).toMatchObject({
      Type: 'Opaque',
      Data: 2,
    });
    const ports = [{ port: 80, protocol: 'TCP' }];
    expect(row('services', { metadata, spec: { type: 'ClusterIP', ports } })).toMatchObject({ 'Port(s)': '80/TCP' });
    expect(row('ingresses', { metadata, spec: { rules: [{ host: 'h' }, {}] } })).toMatchObject({ Hosts: 'h,*' });
    const claim = {
      metadata,
      spec: { accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Bound', capacity: { storage: '1Gi' } },
    };
    expect(row('persistentvolumeclaims', claim)).toMatchObject({
      Status: 'Bound',
      Capacity: '1Gi',
      'Access Modes': 'RWO',
    });
  });

  it('show the object of an Event', () => {
    const event = {
      metadata,
      involvedObject: { kind: 'Pod', name: 'p' },
      type: 'Warning',
      reason: 'Failed',
      message: 'no such image\n',
      lastTimestamp: '2026-01-01T00:59:30Z',
    };
    expect(row('events', event)).toMatchObject({
      'Last Seen': '30s',
      Type: 'Warning',
      Reason: 'Failed',
      Object: 'pod/p',
      Message: 'no such image',
      Count: 1,
    });
  });
});
