import { afterEach, describe, expect, it } from 'vitest';
import { EventStream } from '../../tests/support/event-stream.ts';
import { type AgentSession, annotated, startAgentSession } from '../../tests/support/session-agent/agent-session.ts';
import { cleanWork } from '../../tests/support/session-agent/fake-agent.ts';
import { john } from '../../tests/support/sessions/service.ts';
import { annotation } from '../jupyter-server/labels.ts';

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
    expect([status, body]).toEqual([200, { savesOnStop: true, unavailable: null, work }]);
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
    expect((await call('GET', '/operations/unknown')).error).toMatchObject({ code: 1404 });
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
