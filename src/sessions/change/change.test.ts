import { afterEach, describe, expect, it } from 'vitest';
import {
  type AgentSession,
  type AgentSessionOptions,
  annotated,
  startAgentSession,
} from '../../../tests/support/session-agent/agent-session.ts';
import { cleanWork } from '../../../tests/support/session-agent/fake-agent.ts';
import { hibernation } from '../../jupyter-server/hibernation.ts';
import { annotation, label } from '../../jupyter-server/labels.ts';
import { writeStopRequest } from '../../jupyter-server/stop-request.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { applyMergePatch } from '../../lib/merge-patch.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async (options?: AgentSessionOptions) => {
  session = await startAgentSession(options);
};
const patch = (body: object) => session.call('PATCH', `/servers/${session.name}`, body);
const state = async () => (await session.call('GET', `/servers/${session.name}`)).body.status.state;
const isHibernated = () => session.object()?.spec?.jupyterServer?.hibernated === true;
const hibernated = (object: JupyterServer) =>
  applyMergePatch(object, { ...hibernation(new Date(), cleanWork), status: { state: 'hibernated' } }) as JupyterServer;

/** Acts as the operator as soon as the stop request is written. */
async function operator(act: (object: JupyterServer) => JupyterServer): Promise<void> {
  await expect.poll(() => session.stopRequest()).toBeDefined();
  const object = session.object();
  if (object) session.backends.cluster.put(act(object));
}

const failed = (object: JupyterServer) => {
  const request = session.stopRequest();
  if (!request) throw new Error('there is no stop request');
  const failure = { reason: 'push-rejected', message: 'The branch is protected.', at: new Date().toISOString() };
  return annotated(object, annotation.stopRequest, writeStopRequest({ ...request, failure }));
};

describe('a hibernation', () => {
  it('responds when the operator has saved the work and hibernated the session', async () => {
    await start();
    const [response] = await Promise.all([patch({ state: 'hibernated' }), operator(hibernated)]);
    expect([response.status, response.body.status.state]).toEqual([200, 'hibernated']);
    expect(response.body.annotations).toMatchObject({
      [annotation.hibernationBranch]: 'main',
      [annotation.hibernationDirty]: 'false',
      [annotation.hibernationSynchronized]: 'true',
    });
    session.calls();
    expect((await patch({ state: 'hibernated' })).status).toBe(200);
    expect(session.calls()).toEqual(['GET jupyterservers']);
  });

  it('answers 409 if the work cannot be saved, and names the reason', async () => {
    await start();
    const [response] = await Promise.all([patch({ state: 'hibernated' }), operator(failed)]);
    expect([response.status, response.body.error]).toMatchObject([
      409,
      { code: 1409, detail: expect.stringContaining('The branch is protected.') },
    ]);
    expect(await state()).toBe('running');
  });

  it('answers 202 if the save takes longer than the request, and a resume cancels it', async () => {
    await start({ deadlineMs: 2_000 });
    const response = await patch({ state: 'hibernated', force: true });
    expect([response.status, response.body.status.state]).toEqual([202, 'stopping']);
    expect(session.stopRequest()).toMatchObject({ action: 'hibernate', isForced: true });
    expect((await patch({ state: 'running' })).body.status.state).toBe('running');
    expect(session.stopRequest()).toBeUndefined();
  });

  it('is forced by another request while its save is in progress, which hibernates the session also if the save fails', async () => {
    await start({ deadlineMs: 2_000 });
    expect((await patch({ state: 'hibernated' })).status).toBe(202);
    const request = session.stopRequest();
    expect(request?.isForced).toBeUndefined();
    expect((await patch({ state: 'hibernated', force: true })).status).toBe(202);
    expect(session.stopRequest()).toEqual({ ...request, isForced: true });
    // Another request without force does not take it back.
    await patch({ state: 'hibernated' });
    expect(session.stopRequest()).toEqual({ ...request, isForced: true });
  });

  it('responds at once if another request resumes or stops the session', async () => {
    await start({ deadlineMs: 60_000 });
    const hibernate = async (meanwhile: () => Promise<unknown>) => {
      const hibernating = patch({ state: 'hibernated' });
      await expect.poll(() => session.stopRequest()?.action).toBe('hibernate');
      await meanwhile();
      const { status, body } = await hibernating;
      return [status, body.status.state];
    };
    expect(await hibernate(() => patch({ state: 'running' }))).toEqual([200, 'running']);
    const stop = () => session.call('DELETE', `/servers/${session.name}`);
    expect(await hibernate(stop)).toEqual([200, 'stopping']);
  });

  it('saves through the agent if another operator runs the session, and records the repository', async () => {
    await start({ hasOwnOperator: false });
    session.agent.work = { ...cleanWork, isClean: false, files: { count: 1, bytes: 1, names: ['a'] } };
    expect((await patch({ state: 'hibernated' })).body.status.state).toBe('hibernated');
    expect(session.agent.operations).toMatchObject([{ reason: 'hibernate', isFinal: true }]);
    expect(session.object()?.metadata.annotations).toMatchObject({
      [annotation.hibernationDirty]: 'true',
      [annotation.hibernationCommitSha]: cleanWork.commit,
    });
  });

  it('with another operator, answers 409 if the save fails, unless it is forced', async () => {
    await start({ hasOwnOperator: false });
    session.agent.outcome = { error: { reason: 'push-rejected', message: 'The branch is protected.' } };
    expect((await patch({ state: 'hibernated' })).status).toBe(409);
    expect(isHibernated()).toBe(false);
    expect((await patch({ state: 'hibernated', force: true })).status).toBe(200);
    expect(isHibernated()).toBe(true);
  });

  it('is rejected for a session without a volume', async () => {
    await start({ hasVolume: false });
    for (const force of [false, true])
      expect((await patch({ state: 'hibernated', force })).body.error?.code).toBe(1409);
  });

  it('and a change of the resource class do not delete the files of a failed session without a volume', async () => {
    await start({ hasVolume: false });
    await session.change((object) => ({ ...object, status: { ...object.status, state: 'failed' } }));
    for (const change of [{ state: 'hibernated' }, { resource_class_id: 2 }])
      expect((await patch(change)).body.error?.code).toBe(1409);
  });
});

describe('a resume', () => {
  it('replaces the tokens of the session with those of the request, and removes the reason of a failed save', async () => {
    await start();
    await session.change(hibernated);
    expect(await state()).toBe('hibernated');
    session.calls();
    const response = await patch({ state: 'running' });
    expect([response.status, response.body.status.state]).toEqual([200, 'starting']);
    expect(session.calls()).toEqual([
      'GET jupyterservers',
      'GET jupyterservers',
      'PUT secrets',
      'PUT secrets',
      'PATCH jupyterservers',
    ]);
  });

  it('changes the session and its Secrets in the namespace of the session, also if new sessions have another one', async () => {
    await start({ namespaceOfNew: 'sessions' });
    await session.change(hibernated);
    const { calls } = session.backends.cluster;
    const before = calls.length;
    expect((await patch({ state: 'running', resource_class_id: 2 })).status).toBe(200);
    const changes = calls.slice(before).filter(({ method }) => method !== 'GET');
    expect(changes.map(({ method, resource, namespace }) => `${method} ${resource} ${namespace}`)).toEqual([
      'PATCH jupyterservers renku',
      'PUT secrets renku',
      'PUT secrets renku',
      'PATCH jupyterservers renku',
    ]);
  });

  it('replaces the tokens also if the platform no longer has the key of the session', async () => {
    await start();
    await session.change((object) => hibernated(annotated(object, annotation.agentSecret, 'unknown')));
    expect((await patch({ state: 'running' })).body.status.state).toBe('starting');
    expect(session.calls().filter((each) => each === 'PUT secrets')).toHaveLength(2);
  });

  it('gives the tokens to the agent of a session that runs', async () => {
    await start();
    expect((await patch({ state: 'running' })).body.status.state).toBe('running');
    expect(session.agent.tokens).toEqual([
      {
        gitToken: 'the-gitlab-token',
        gitTokenExpiresAt: -1,
        accessToken: 'the-access-token',
        refreshToken: 'the-refresh-token',
      },
    ]);
    session.agent.fault = 'disconnect';
    expect((await patch({ state: 'running' })).status).toBe(200);
  });
});

describe('a change of the resource class', () => {
  it('changes the resources, the quota, the shared memory and the launch options of a hibernated session', async () => {
    await start();
    await session.change(hibernated);
    const response = await patch({ resource_class_id: 2 });
    expect(response.status).toBe(200);
    expect(response.body.resources.requests).toMatchObject({ cpu: 4, memory: '16G', gpu: 1 });
    expect(response.body.launch).toMatchObject({ resource_class_id: 2 });
    const { metadata, spec } = session.object() ?? { metadata: {} };
    expect(metadata.labels).toMatchObject({ [label.quota]: 'public-quota' });
    const operations = (spec?.patches ?? []).flatMap((each) => (Array.isArray(each.patch) ? each.patch : []));
    expect(operations).toContainEqual({
      ...{ op: 'add', path: '/statefulset/spec/template/spec/volumes/-' },
      value: { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: 8e9 } },
    });
    expect(operations.filter(({ path }) => path.endsWith('/priorityClassName'))).toHaveLength(1);
    // The GPU of the former class does not remain.
    await patch({ resource_class_id: 1 });
    expect(Object.keys(session.object()?.spec?.jupyterServer?.resources?.requests ?? {}).sort()).toEqual([
      'cpu',
      'memory',
    ]);
  });

  it('changes nothing for the class that the session has, and for an empty body', async () => {
    await start();
    await session.change(hibernated);
    session.calls();
    expect((await patch({ resource_class_id: 1 })).status).toBe(200);
    expect((await patch({})).status).toBe(200);
    expect(session.calls().filter((each) => !each.startsWith('GET'))).toEqual([]);
  });
});
