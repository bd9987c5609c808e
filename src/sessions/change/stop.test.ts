import { afterEach, describe, expect, it } from 'vitest';
import {
  type AgentSession,
  type AgentSessionOptions,
  annotated,
  startAgentSession,
} from '../../../tests/support/session-agent/agent-session.ts';
import type { Fault } from '../../../tests/support/sessions/fake-cluster.ts';
import { john } from '../../../tests/support/sessions/service.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { type SaveFailure, type StopRequest, writeStopRequest } from '../../jupyter-server/stop-request.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async (options?: AgentSessionOptions) => {
  session = await startAgentSession(options);
};

const stop = (query = '') => session.call('DELETE', `/servers/${session.name}${query}`);
const shown = async () => (await session.call('GET', `/servers/${session.name}`)).body.status;
const deletes = () => session.calls().filter((each) => each === 'DELETE jupyterservers').length;
const isDeleted = () => session.object()?.metadata.deletionTimestamp !== undefined;

const failure: SaveFailure = {
  reason: 'push-rejected',
  message: 'The branch is protected.',
  at: new Date().toISOString(),
};
async function failSave(changes: Partial<StopRequest> = {}): Promise<void> {
  const request = session.stopRequest();
  if (!request) throw new Error('there is no stop request');
  const text = writeStopRequest({ ...request, failure, ...changes });
  await session.change((object) => annotated(object, annotation.stopRequest, text));
}

describe('a stop of a session whose work can be saved', () => {
  it('writes a request for the operator, and shows the progress of the save', async () => {
    await start();
    const events = (await session.call('GET', '/servers')).body;
    expect(Object.values(events.servers)[0]?.status.state).toBe('running');
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(false);
    expect(session.stopRequest()).toMatchObject({ action: 'delete', by: 'john.doe' });
    expect(await shown()).toMatchObject({
      state: 'stopping',
      message: 'The work is being saved before the session is deleted: waiting for the agent of the session.',
      details: expect.arrayContaining([{ step: 'Saving your work', status: 'executing' }]),
    });
    const save = { id: session.stopRequest()?.id ?? '', step: 'pushing', done: 5_000_000, total: 20_000_000 };
    await session.change((object) => ({ ...object, status: { ...object.status, save } }));
    expect((await shown()).message).toBe(
      'The work is being saved before the session is deleted: pushing to the repository (5.0 MB of 20.0 MB).',
    );
    const { id: operation, ...progress } = save;
    expect((await shown()).saving).toEqual({ operation, action: 'delete', ...progress, failure: null });
  });

  it('is repeated with save=true after a save that has failed', async () => {
    await start();
    await stop();
    await failSave();
    expect((await stop('?save=true')).status).toBe(204);
    expect([isDeleted(), session.stopRequest()?.failure]).toEqual([false, undefined]);
    expect((await shown()).state).toBe('stopping');
  });

  it('is not repeated while the save is in progress', async () => {
    await start();
    await stop();
    const request = session.stopRequest();
    session.calls();
    expect((await stop()).status).toBe(204);
    expect(session.stopRequest()).toEqual(request);
    expect(session.calls()).toEqual([]);
  });

  it('deletes if no operator has carried out the first stop for hours', async () => {
    await start();
    await stop();
    const request = session.stopRequest();
    if (!request) throw new Error('there is no stop request');
    const text = writeStopRequest({ ...request, at: new Date(Date.now() - 3 * 3_600_000).toISOString() });
    await session.change((object) => annotated(object, annotation.stopRequest, text));
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it('saves and deletes if another operator has the session since the first stop', async () => {
    await start();
    await stop();
    await session.change(({ status: { conditions: _, ...status } = {}, ...object }) => ({ ...object, status }));
    expect((await stop()).status).toBe(204);
    expect(session.agent.operations).toMatchObject([{ reason: 'stop', isFinal: true, state: 'succeeded' }]);
    expect(isDeleted()).toBe(true);
  });

  it.each(['?forced=true', '?save=false'])(
    'deletes at once with %s, also while the save is in progress',
    async (query) => {
      await start();
      await stop();
      expect(isDeleted()).toBe(false);
      expect((await stop(query)).status).toBe(204);
      expect(isDeleted()).toBe(true);
      // The agent would save at its end.
      expect(session.agent.requests).toMatchObject([{ method: 'POST', path: '/v1/discard' }]);
    },
  );

  it.each<[string, Fault]>([
    ['?forced=true', { status: 403, reason: 'Forbidden' }],
    ['?save=false', 'silence'],
  ])('lets the agent save again if a deletion with %s fails', async (query, fault) => {
    await start({ deadlineMs: 2_000 });
    session.backends.cluster.fault = ({ method }) => (method === 'DELETE' ? fault : undefined);
    expect((await stop(query)).status).toBeGreaterThanOrEqual(400);
    expect(isDeleted()).toBe(false);
    expect(session.agent.requests).toMatchObject([
      { method: 'POST', path: '/v1/discard', scope: 'discard' },
      { method: 'DELETE', path: '/v1/discard', scope: 'discard' },
    ]);
  });

  it('lets the agent save again if the caller disconnects before the deletion', async () => {
    await start();
    const call = session.service.as(john(session.backends.gitlab.url));
    const disconnected = new AbortController();
    // When the agent has got the request.
    Object.defineProperty(session.agent, 'fault', { get: () => disconnected.abort() ?? 'silence' });
    await expect(
      call('DELETE', `/servers/${session.name}?save=false`, undefined, disconnected.signal),
    ).rejects.toThrow();
    await expect
      .poll(() => session.agent.requests.map(({ method, path }) => `${method} ${path}`))
      .toEqual(['POST /v1/discard', 'DELETE /v1/discard']);
    expect(isDeleted()).toBe(false);
  });

  it.each(['?forced=true', '?save=false'])(
    'deletes with %s also if the agent is an earlier version, which always saves at its end',
    async (query) => {
      await start();
      session.agent.fault = { status: 404, reason: 'not-found', message: 'The API has no POST /v1/discard.' };
      expect((await stop(query)).status).toBe(204);
      expect(isDeleted()).toBe(true);
    },
  );

  it('deletes without a save within the time limit if the agent does not respond', async () => {
    await start();
    session.agent.fault = 'silence';
    expect((await stop('?save=false')).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it('shows why the work was not saved, and deletes the session at a second stop', async () => {
    await start();
    await stop();
    await failSave();
    const status = await shown();
    expect(status.state).toBe('running');
    expect(status.warnings.map(({ message }) => message).join()).toMatch(
      /The work could not be saved in the repository: The branch is protected\. So the session still runs\. If you stop it again before .*Z, it is deleted with its work\./,
    );
    const until = new Date(Date.parse(failure.at) + 3_600_000).toISOString().replace(/\.\d+Z$/, 'Z');
    expect(status.saving).toMatchObject({ action: 'delete', failure: { ...failure, until } });
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it('saves again if the last failure is long ago, or was that of a hibernation', async () => {
    await start();
    await stop();
    await failSave({ failure: { ...failure, at: '2020-01-01T00:00:00Z' } });
    const { warnings, saving } = await shown();
    expect([warnings, saving]).toEqual([[], undefined]);
    expect((await stop()).status).toBe(204);
    expect([isDeleted(), session.stopRequest()?.failure]).toEqual([false, undefined]);
    await failSave({ action: 'hibernate' });
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(false);
    expect(session.stopRequest()).toMatchObject({ action: 'delete' });
  });

  it('deletes a hibernated session at once, and shows why it was hibernated', async () => {
    await start();
    await stop();
    await failSave();
    await session.change((object) => ({
      ...object,
      spec: { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } },
    }));
    expect(await shown()).toMatchObject({
      state: 'hibernated',
      saving: { failure: { message: 'The branch is protected.', until: null } },
      message:
        'The work could not be saved in the repository: The branch is protected. So the session is hibernated, and its files are kept until you stop it again. To continue, launch it again.',
    });
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it('reports a Kubernetes API that does not accept the request, and changes nothing', async () => {
    await start();
    session.backends.cluster.fault = ({ method }) =>
      method === 'PATCH' ? { status: 503, reason: 'ServiceUnavailable' } : undefined;
    const response = await stop();
    expect([response.status, response.body.error?.code]).toEqual([500, 3001]);
    session.backends.cluster.fault = () => undefined;
    expect((await shown()).state).toBe('running');
  });

  it('does not delete a session that another request has resumed in the meantime', async () => {
    await start();
    await session.change((object) => ({
      ...object,
      spec: { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } },
    }));
    // The service has not seen the resumed session yet.
    session.backends.cluster.isMute = true;
    const object = session.object();
    if (!object) throw new Error('the session does not exist');
    const jupyter = { ...object.spec?.jupyterServer, hibernated: false };
    session.backends.cluster.put({ ...object, spec: { ...object.spec, jupyterServer: jupyter } });
    expect((await stop()).status).toBe(204);
    expect([isDeleted(), session.stopRequest()?.action]).toEqual([false, 'delete']);
  });

  it('does not delete the session of another user', async () => {
    await start();
    expect((await session.asAnonymous('DELETE', `/servers/${session.name}`)).status).toBe(404);
    expect(session.stopRequest()).toBeUndefined();
  });
});

describe('a stop of a session whose work cannot be saved', () => {
  it('deletes at once if the user may not push', async () => {
    await start({ mayPush: false });
    expect((await stop()).status).toBe(204);
    expect([isDeleted(), deletes()]).toEqual([true, 1]);
    expect((await session.call('GET', `/servers/${session.name}/work`)).body).toMatchObject({ savesOnStop: false });
  });

  it('deletes at once if the session has no agent', async () => {
    await start();
    await session.change((object) => annotated(object, annotation.agentSecret, undefined));
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });
});

describe('a stop with an operator that does not know stop requests', () => {
  it('saves within the deadline of the request, and then deletes', async () => {
    await start({ hasOwnOperator: false });
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
    expect(session.agent.operations).toMatchObject([{ reason: 'stop', isFinal: true, state: 'succeeded' }]);
    expect(session.stopRequest()).toBeUndefined();
  });

  it('answers 409 if the work cannot be saved, and deletes at a second stop', async () => {
    await start({ hasOwnOperator: false });
    session.agent.outcome = { error: { reason: 'push-rejected', message: 'The branch is protected.' } };
    const response = await stop();
    expect([response.status, response.body.error]).toMatchObject([
      409,
      { code: 1409, detail: 'The branch is protected. Stop the session again to delete it with its work.' },
    ]);
    expect(isDeleted()).toBe(false);
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it('deletes although the status changes during the save, but not if the session has got another pod', async () => {
    await start({ hasOwnOperator: false });
    session.agent.outcome = 'waits';
    const status = (podUid?: string) => {
      const object = session.object();
      if (!object) throw new Error('the session does not exist');
      const mainPod = { ...object.status?.mainPod, ...(podUid === undefined ? {} : { uid: podUid }) };
      session.backends.cluster.put({ ...object, status: { ...object.status, lastActivity: podUid ?? '', mainPod } });
    };
    const saving = async (change: () => void) => {
      const stopped = stop();
      await expect.poll(() => session.agent.operations[0]?.state).toBe('running');
      change();
      session.agent.finish(session.agent.operations[0]?.id ?? '', { result: {} });
      return (await stopped).status;
    };
    expect(await saving(() => status('another-pod'))).toBe(409);
    expect(isDeleted()).toBe(false);
    status(session.agent.podUid);
    await expect.poll(async () => await saving(() => status())).toBe(204);
    expect(isDeleted()).toBe(true);
  });

  it.each(['waits', 'silence', 'disconnect'] as const)('deletes before the deadline if the agent %s', async (what) => {
    await start({ hasOwnOperator: false, deadlineMs: 4_000 });
    if (what === 'waits') session.agent.outcome = what;
    else session.agent.fault = what;
    expect((await stop()).status).toBe(204);
    expect(isDeleted()).toBe(true);
  });
});
