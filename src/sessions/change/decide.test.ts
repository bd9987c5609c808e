import { describe, expect, it } from 'vitest';
import { testConfig } from '../../../tests/support/sessions/config.ts';
import { created, exited, launched, name } from '../../../tests/support/sessions/presented.ts';
import { ApiError, errorKind } from '../../errors.ts';
import { fromJupyterServer, type Session } from '../../jupyter-server/session.ts';
import type { JupyterServer, JupyterServerStatus } from '../../jupyter-server/types.ts';
import type { PodStatus } from '../../platform/kubernetes/objects.ts';
import { presentSession } from '../presentation/present.ts';
import { checkVolume, restartStep } from './decide.ts';
import type { VolumeClaim } from './volume.ts';

const now = created + 600_000;
const secondsAgo = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

const crashed: PodStatus = {
  phase: 'Running',
  startTime: '2023-09-11T10:01:00Z',
  containerStatuses: [exited('jupyter-server', 1)],
};
const failed: JupyterServerStatus = {
  state: 'failed',
  containerStates: { regular: { 'jupyter-server': 'failed' } },
  mainPod: { uid: 'pod-1', name: `${name}-0`, status: crashed },
};

interface Change {
  status?: JupyterServerStatus;
  annotations?: Record<string, string>;
  spec?: JupyterServer['spec'];
  deletionTimestamp?: string;
}

function session({ status = failed, annotations = {}, spec = {}, deletionTimestamp }: Change = {}): Session {
  const { metadata } = launched;
  return fromJupyterServer({
    ...launched,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, ...annotations },
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    },
    spec: { ...launched.spec, storage: { size: 1e9, pvc: { enabled: true } }, ...spec },
    status,
  });
}

const restarted = (podUid: string, secondsBefore: number): Record<string, string> => ({
  'notebook-sessions.io/restarted-pod': podUid,
  'notebook-sessions.io/restarted-at': secondsAgo(secondsBefore),
});

function rejection(call: () => unknown): { code: number; message: string; detail: string | null } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { code: error.kind.code, message: error.message, detail: error.detail };
  }
  throw new Error('the call was not rejected');
}

describe('a restart', () => {
  it('replaces the pod of a failed session', () => {
    expect(restartStep(session(), now)).toEqual({ is: 'replace', podUid: 'pod-1', isClaimed: false });
  });

  it('continues a restart of the same pod that is in progress', () => {
    const under = session({ annotations: restarted('pod-1', 5) });
    expect(restartStep(under, now)).toEqual({ is: 'replace', podUid: 'pod-1', isClaimed: true });
  });

  it('begins again if an earlier restart was interrupted long ago', () => {
    const interrupted = session({ annotations: restarted('pod-1', 61) });
    expect(restartStep(interrupted, now)).toEqual({ is: 'replace', podUid: 'pod-1', isClaimed: false });
  });

  it('replaces the new pod if it has failed, too', () => {
    const again = session({ annotations: restarted('pod-0', 5) });
    expect(restartStep(again, now)).toEqual({ is: 'replace', podUid: 'pod-1', isClaimed: false });
  });

  it('changes nothing if the session is starting after a recent restart', () => {
    const starting = (seconds: number) =>
      session({ status: { state: 'starting' }, annotations: restarted('pod-0', seconds) });
    expect(restartStep(starting(5), now)).toEqual({ is: 'done' });
    expect(rejection(() => restartStep(starting(61), now)).message).toContain('is starting');
  });

  it.each([
    ['starting', { status: { state: 'starting' } }, 'Wait until it is running.'],
    ['running', { status: { state: 'running' } }, 'Use the session'],
    ['stopping', { deletionTimestamp: '2023-09-11T10:00:05Z' }, 'Wait until it is deleted'],
    ['hibernated', { spec: { jupyterServer: { hibernated: true } } }, 'launch it again'],
  ] as [string, Change, string][])('of a session that is %s is rejected with a remedy', (state, change, detail) => {
    const rejected = rejection(() => restartStep(session(change), now));
    expect(rejected.code).toBe(errorKind.conflict.code);
    expect(rejected.message).toBe(`The session ${name} is ${state}. Only a failed session can be restarted.`);
    expect(rejected.detail).toContain(detail);
  });

  it('of a session without a pod is rejected with the reason of the failure', () => {
    const events = { statefulset: { message: 'The resource quota has been exceeded.' } };
    const rejected = rejection(() => restartStep(session({ status: { state: 'failed', events } }), now));
    expect(rejected.message).toContain('has no pod');
    expect(rejected.detail).toContain('quota');
  });

  it('of a session without its variables Secret is rejected, because only a launch can store the variables', () => {
    const waiting = (secret: string): JupyterServerStatus => ({
      state: 'starting',
      mainPod: {
        uid: 'pod-1',
        status: {
          phase: 'Pending',
          containerStatuses: [
            {
              name: 'jupyter-server',
              state: { waiting: { reason: 'CreateContainerConfigError', message: `secret "${secret}" not found` } },
            },
          ],
        },
      },
    });
    const withVariables = { 'notebook-sessions.io/variables-secret': `${name}-variables` };
    const status = waiting(`${name}-variables`);
    expect(rejection(() => restartStep(session({ status, annotations: withVariables }), now)).detail).toContain(
      'same variables',
    );
    // The caller can provide the tokens again.
    expect(restartStep(session({ status: waiting(`${name}-credentials`) }), now)).toMatchObject({ podUid: 'pod-1' });
  });
});

describe('the volume of a session', () => {
  const claim = (change: Partial<VolumeClaim> = {}, metadata: VolumeClaim['metadata'] = {}): VolumeClaim => ({
    metadata: {
      name,
      uid: 'claim-1',
      creationTimestamp: '2023-09-11T10:00:01Z',
      ownerReferences: [{ apiVersion: 'amalthea.dev/v1alpha1', kind: 'JupyterServer', name, uid: 'uid-1' }],
      ...metadata,
    },
    status: { phase: 'Bound' },
    ...change,
  });

  it.each([
    ['is bound', claim()],
    ['waits for its first pod', claim({ status: { phase: 'Pending' } })],
  ])('that %s keeps the files at a restart', (_what, found) => {
    expect(() => checkVolume(session(), found)).not.toThrow();
  });

  it.each([
    ['does not exist', undefined, 'no longer exists'],
    ['belongs to another session', claim({}, { ownerReferences: [] }), 'no longer exists'],
    ['is being deleted with the pod', claim({}, { deletionTimestamp: '2023-09-11T10:05:00Z' }), 'is being deleted'],
    ['has lost its storage', claim({ status: { phase: 'Lost' } }), 'has lost its storage'],
    ['was created after the pod started', claim({}, { creationTimestamp: '2023-09-11T10:01:01Z' }), 'an empty one'],
  ])('that %s does not keep the files at a restart, and the message says why', (_what, found, message) => {
    const rejected = rejection(() => checkVolume(session(), found));
    expect(rejected.code).toBe(errorKind.conflict.code);
    expect(rejected.message).toContain(message);
    expect(rejected.detail).toContain('work that was not pushed is lost');
  });

  it('that is a part of the pod does not keep the files at a restart', () => {
    const rejected = rejection(() => checkVolume(session({ spec: { storage: { size: 1e9 } } }), undefined));
    expect(rejected.message).toBe(`The session ${name} has no volume. A restart would delete its files.`);
  });
});

describe('a session as the API shows it', () => {
  const shown = (change: Change) => presentSession(session(change), testConfig(), now).status;

  it('is starting after a restart, whatever the operator has written', () => {
    const status = shown({ annotations: restarted('pod-1', 5) });
    expect(status.state).toBe('starting');
    expect(status.message).not.toContain('stopped');
    expect(status.details.every((step) => step.status === 'waiting')).toBe(true);
    expect(status).not.toHaveProperty('restartable');
  });

  it('has the state of the new pod, or of a pod that was not replaced in time', () => {
    expect(shown({ annotations: restarted('pod-0', 5) }).state).toBe('failed');
    expect(shown({ annotations: restarted('pod-1', 61) }).state).toBe('failed');
  });

  it('says whether a restart of a failed session can keep its files', () => {
    expect(shown({}).restartable).toBe(true);
    expect(shown({ spec: { storage: { size: 1e9 } } }).restartable).toBe(false);
    expect(shown({ status: { state: 'failed' } }).restartable).toBe(false);
    expect(shown({ status: { state: 'running' } })).not.toHaveProperty('restartable');
  });
});
