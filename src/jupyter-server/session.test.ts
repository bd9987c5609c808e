import { describe, expect, it } from 'vitest';
import { originalSession } from '../../tests/support/sessions/originals.ts';
import { launched, name } from '../../tests/support/sessions/presented.ts';
import { fromJupyterServer } from './session.ts';

const id = '0123456789abcdef0123456789abcdef01234567';

const annotated = (annotations: Record<string, string>, spec: object = {}) =>
  fromJupyterServer({ metadata: { annotations }, spec });

describe('a session read from its object', () => {
  it('has the object’s values as fields', () => {
    expect(fromJupyterServer(launched)).toMatchObject({
      name,
      namespace: 'renku',
      uid: 'uid-1',
      resourceVersion: '7',
      createdAt: '2023-09-11T10:00:00Z',
      isBeingDeleted: false,
      isHibernated: false,
      reportedState: undefined,
      project: { namespace: 'my-group', name: 'my-project' },
      branch: 'feature/x',
      image: 'registry.example.org/my-group/my-project:0123456',
      isOidc: true,
      token: '',
      secrets: { credentials: `${name}-credentials`, variables: undefined, pull: undefined },
      requested: { cpu: 0.1, memoryBytes: 1e9, gpu: 0, storageBytes: 1e9 },
      hasVolume: false,
      routing: { host: 'renku.example.org', path: `/sessions/${name}`, isTls: true },
      containers: [],
      pod: undefined,
    });
  });

  it('lists the containers that patches add, and the buckets that they mount', () => {
    const { addedContainers, buckets } = fromJupyterServer(originalSession);
    expect(addedContainers.map((container) => container.name)).toEqual([
      'git-proxy',
      'git-sidecar',
      'init-certificates',
      'download-image',
      'git-clone',
    ]);
    expect(buckets).toEqual([
      { endpoint: 'https://s3.example.org', bucket: 'open-data' },
      { endpoint: 'https://account1.blob.core.windows.net', bucket: 'container' },
    ]);
  });

  it('has the operator’s and the kubelet’s reports about its pod, init containers first', () => {
    const status = {
      state: 'running',
      containerStates: { regular: { 'jupyter-server': 'ready', odd: 'dancing' } },
      events: { pod: { message: 'FailedMount', timestamp: 'x' }, statefulset: { timestamp: 'x' } },
      mainPod: {
        uid: 'pod-1',
        name: 'a-0',
        status: {
          phase: 'Running',
          podIP: '10.1.2.3',
          containerStatuses: [{ name: 'jupyter-server', restartCount: 2, state: { running: {} } }],
          initContainerStatuses: [{ name: 'git-clone', state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
        },
        resourceUsage: { cpuMillicores: 250, memoryBytes: -1, disk: { usedBytes: 5e6 } },
      },
    };
    const session = fromJupyterServer({ metadata: {}, status });
    expect(session.reportedState).toBe('running');
    expect(session.messages).toEqual({ pod: 'FailedMount' });
    expect(session.pod).toMatchObject({
      uid: 'pod-1',
      name: 'a-0',
      address: '10.1.2.3',
      phase: 'Running',
      usage: { cpuMillicores: 250, memoryBytes: undefined, diskBytes: 5e6 },
    });
    expect(session.containers).toEqual([
      {
        name: 'git-clone',
        kind: 'init',
        step: undefined,
        activity: 'ended',
        restartCount: 0,
        runningSince: undefined,
        waiting: undefined,
        ended: { exitCode: 0, reason: 'Completed', lastLine: '' },
        previousEnded: undefined,
      },
      {
        name: 'jupyter-server',
        kind: 'main',
        step: 'ready',
        activity: 'running',
        restartCount: 2,
        runningSince: undefined,
        waiting: undefined,
        ended: undefined,
        previousEnded: undefined,
      },
    ]);
  });

  it('has the options of the launch, without options of an unexpected type', () => {
    const text = JSON.stringify({
      image: 'x',
      storage: '1',
      resource_class_id: 2,
      environment_variables: ['A'],
      odd: 1,
    });
    expect(annotated({ 'notebook-sessions.io/launch-options': text }).launchOptions).toEqual({
      image: 'x',
      resource_class_id: 2,
      environment_variables: ['A'],
    });
    expect(annotated({ 'notebook-sessions.io/launch-options': '{"image"' }).launchOptions).toEqual({});
  });

  it('has the id of the commit and its name in the launch request', () => {
    const both = { 'renku.io/commit-sha': id, 'notebook-sessions.io/requested-ref': 'v1.0' };
    expect(annotated(both).commit).toEqual({ id, requested: 'v1.0' });
    expect(annotated({ 'renku.io/commit-sha': 'v1.0' }).commit).toEqual({ id: undefined, requested: 'v1.0' });
  });

  it('has the commit id from the variables of git-clone if the annotation contains a name instead of an id', () => {
    const env = [{ name: 'GIT_CLONE_COMMIT_SHA', value: id.toUpperCase() }];
    const patches = [{ patch: [{ op: 'add', path: '/initContainers/-', value: { name: 'git-clone', env } }] }];
    const { commit, annotations } = annotated({ 'renku.io/commit-sha': 'v1.0' }, { patches });
    expect(commit).toEqual({ id, requested: 'v1.0' });
    expect(annotations).toEqual({ 'renku.io/commit-sha': id, 'notebook-sessions.io/requested-ref': 'v1.0' });
  });
});

describe('the owner of a session', () => {
  const owner = (labels: object, userId: string | undefined, isOidc: boolean) =>
    fromJupyterServer({
      metadata: { labels: { ...labels }, ...(userId ? { annotations: { 'renku.io/userId': userId } } : {}) },
      spec: { auth: { oidc: { enabled: isOidc } } },
    }).owner;

  it('is in a label of this service', () => {
    expect(owner({ 'notebook-sessions.io/owner': 'abc', 'renku.io/userId': 'x' }, 'y', true)).toBe('abc');
  });

  it('consists of the kind of user and the user id for a session of renku-notebooks', () => {
    expect(owner({ 'renku.io/userId': 'x' }, 'x', true)).toBe('original/registered/x');
    expect(owner({}, 'x', false)).toBe('original/anonymous/x');
  });

  it('is unknown without a user id, or with two user ids', () => {
    expect(owner({}, undefined, true)).toBeUndefined();
    expect(owner({ 'renku.io/userId': 'x' }, 'y', true)).toBeUndefined();
  });
});
