import { afterEach, describe, expect, it } from 'vitest';
import { EventStream } from '../../tests/support/event-stream.ts';
import { type AgentSession, annotated, startAgentSession } from '../../tests/support/session-agent/agent-session.ts';
import { cleanWork } from '../../tests/support/session-agent/fake-agent.ts';
import { john } from '../../tests/support/sessions/service.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { writeSavedWork } from '../jupyter-server/saved-work.ts';
import { writeStopRequest } from '../jupyter-server/stop-request.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async () => {
  session = await startAgentSession();
};
const call = async (method: string, path: string) => {
  const { status, body } = await session.call(method, `/servers/${session.name}${path}`);
  return { status, body: body as unknown as Record<string, unknown>, error: body.error };
};
const save = async () => {
  const { status, body } = await call('POST', '/save');
  expect(status).toBe(202);
  return String(body['id']);
};
const follow = (id: string) =>
  EventStream.open(
    `${session.service.url}/servers/${session.name}/operations/${id}`,
    session.service.headersOf(john(session.backends.gitlab.url)),
  );

describe('the work of a session', () => {
  it('is what its agent reports', async () => {
    await start();
    session.agent.work = { ...cleanWork, isClean: false, files: { count: 1, bytes: 7, names: ['a\nb'] } };
    const { status, body } = await call('GET', '/work');
    const work = { ...session.agent.work, podUid: session.agent.podUid };
    expect([status, body]).toEqual([200, { savesOnStop: true, whyNotSaved: null, unavailable: null, work }]);
  });

  it('says why a stop does not save it', async () => {
    await start();
    const why = async () => {
      const { savesOnStop, whyNotSaved } = (await call('GET', '/work')).body;
      return [savesOnStop, whyNotSaved];
    };
    const becomes = (name: string, value: string | undefined) =>
      session.change((object) => annotated(object, name, value));
    await becomes(annotation.mayPush, 'false');
    const message = expect.stringContaining('needs the Developer role');
    expect(await why()).toEqual([false, { reason: 'no-permission', message }]);
    await becomes(annotation.mayPush, undefined);
    const failure = { reason: 'git', message: 'The branch is protected.', at: new Date().toISOString() };
    const request = { id: '1', at: failure.at, by: 'john.doe', action: 'delete', failure } as const;
    await becomes(annotation.stopRequest, writeStopRequest(request));
    expect(await why()).toEqual([false, { reason: 'save-failed', message: failure.message }]);
    await becomes(annotation.stopRequest, undefined);
    expect(await why()).toEqual([true, null]);
    await session.change((object) => ({
      ...object,
      spec: { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } },
    }));
    expect(await why()).toMatchObject([false, { reason: 'hibernated' }]);
    const saved = { location: 'remote', branch: 'renku/autosave/x', commit: null, isVerified: true, missing: null };
    await becomes(annotation.savedWork, writeSavedWork(saved));
    const all = 'All work of the session was saved in the autosave renku/autosave/x before the session was hibernated.';
    expect(await why()).toEqual([false, { reason: 'saved-before', message: all }]);
    await becomes(annotation.savedWork, writeSavedWork({ ...saved, isVerified: false }));
    expect(await why()).toMatchObject([false, { reason: 'hibernated' }]);
  });

  it('is unavailable with a reason if the session has no agent, no key or no pod, and is hibernated', async () => {
    await start();
    const reason = async () => (await call('GET', '/work')).body['unavailable'];
    await session.change((object) => ({ ...object, status: { ...object.status, mainPod: {} } }));
    expect(await reason()).toMatchObject({ reason: 'not-running' });
    await session.change((object) => ({
      ...object,
      spec: { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } },
    }));
    expect(await reason()).toMatchObject({ reason: 'hibernated' });
    await session.change((object) => annotated(object, annotation.agentSecret, 'unknown'));
    expect(await reason()).toMatchObject({ reason: 'no-key' });
    await session.change((object) => annotated(object, annotation.agentSecret, undefined));
    expect(await reason()).toMatchObject({ reason: 'no-agent' });
    expect((await call('GET', '/operations')).body).toEqual({ operations: [] });
    expect((await call('POST', '/save')).error).toMatchObject({ code: 1409, detail: expect.stringContaining('agent') });
  });

  it.each([
    ['disconnect', 3000, 'does not respond'],
    ['other pod', 3000, 'has just been replaced'],
    ['wrong signature', 3000, 'may belong to another pod'],
    [
      { status: 500, reason: 'no-repository', message: 'The folder .git is missing.' },
      1409,
      'The folder .git is missing.',
    ],
  ] as const)('is an error with the fault %j of the agent', async (fault, code, detail) => {
    await start();
    session.agent.fault = fault;
    expect((await call('GET', '/work')).error).toMatchObject({ code, detail: expect.stringContaining(detail) });
  });

  it('is hidden from other users', async () => {
    await start();
    for (const [method, path] of [
      ['GET', '/work'],
      ['POST', '/save'],
      ['GET', '/operations'],
      ['GET', '/operations/1'],
      ['DELETE', '/operations/1'],
    ] as const) {
      expect((await session.asAnonymous(method, `/servers/${session.name}${path}`)).status, path).toBe(404);
    }
    expect(session.agent.requests).toEqual([]);
  });
});

describe('a save', () => {
  it('is an operation that can be read, listed and cancelled', async () => {
    await start();
    session.agent.outcome = 'waits';
    const id = await save();
    expect(session.agent.requests.at(-1)?.body).toEqual({ id, reason: 'user', isFinal: false });
    expect((await call('GET', `/operations/${id}`)).body).toMatchObject({ id, state: 'running' });
    expect((await call('GET', '/operations')).body).toMatchObject({ operations: [{ id }] });
    expect((await call('DELETE', `/operations/${id}`)).body).toMatchObject({ state: 'cancelled' });
    expect((await call('GET', '/operations/unknown')).error).toMatchObject({
      code: 1404,
      message: `The session ${session.name} has no operation unknown.`,
    });
  });

  it('of an earlier pod of the session is returned as its agent remembers it', async () => {
    await start();
    const id = await save();
    const known = (await call('GET', `/operations/${id}`)).body;
    expect(known).toMatchObject({ state: 'succeeded' });
    session.agent.podUid = 'the-next-pod';
    await session.change((object) => ({
      ...object,
      status: { ...object.status, mainPod: { ...object.status?.mainPod, uid: session.agent.podUid } },
    }));
    for (const method of ['GET', 'DELETE']) expect((await call(method, `/operations/${id}`)).body).toEqual(known);
    const stream = (await follow(id)).read();
    await expect.poll(() => stream.ending).toBe('finished');
    expect(stream.named('operation')).toEqual([known]);
    // The agent of a pod without the volume does not know it.
    session.agent.operations.length = 0;
    expect((await call('GET', `/operations/${id}`)).error).toMatchObject({
      code: 1404,
      detail: expect.stringContaining('end with the pod of the session'),
    });
    await session.change((object) => ({
      ...object,
      spec: { ...object.spec, jupyterServer: { ...object.spec?.jupyterServer, hibernated: true } },
    }));
    expect((await call('GET', `/operations/${id}`)).error).toMatchObject({
      code: 1409,
      message: `The operations of the session ${session.name} are not available.`,
    });
  });

  it('is followed as a stream of events until it ends', async () => {
    await start();
    session.agent.outcome = 'waits';
    const id = await save();
    const stream = (await follow(id)).read();
    const steps = () => stream.named<{ progress: { step: string } }>('operation').map(({ progress }) => progress.step);
    await expect.poll(steps).toEqual(['scanning']);
    session.agent.change(id, { progress: { step: 'pushing', done: 1, total: 2 } });
    await expect.poll(steps).toEqual(['scanning', 'pushing']);
    session.agent.finish(id, { error: { reason: 'push-rejected', message: 'The branch is protected.' } });
    await expect.poll(() => stream.ending).toBe('finished');
    expect(stream.named('operation').at(-1)).toMatchObject({ state: 'failed', error: { reason: 'push-rejected' } });
  });

  it('is still followed after the agent did not respond for a moment, and the stream ends with the service', async () => {
    await start();
    session.agent.outcome = 'waits';
    const id = await save();
    const stream = (await follow(id)).read();
    await expect.poll(() => stream.named('operation').length).toBe(1);
    session.agent.fault = 'disconnect';
    session.agent.change(id, { progress: { step: 'collecting', done: 1, total: 2 } });
    await expect.poll(() => session.agent.requests.length).toBeGreaterThan(4);
    session.agent.fault = undefined;
    await expect.poll(() => stream.named('operation').length, { timeout: 5_000 }).toBe(2);
    session.service.stop();
    await expect.poll(() => stream.ending).toBe('shutdown');
  });

  it('before a stop cannot be cancelled', async () => {
    await start();
    await session.call('DELETE', `/servers/${session.name}`);
    const id = session.stopRequest()?.id;
    // The second is that of a repeated save.
    for (const save of [id, `${id}-2`])
      expect((await call('DELETE', `/operations/${save}`)).error).toMatchObject({ code: 1409 });
    expect((await call('DELETE', '/operations/another')).error).toMatchObject({ code: 1404 });
  });
});
