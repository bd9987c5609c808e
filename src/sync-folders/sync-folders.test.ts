import { afterEach, describe, expect, it } from 'vitest';
import { EventStream } from '../../tests/support/event-stream.ts';
import { type AgentSession, annotated, startAgentSession } from '../../tests/support/session-agent/agent-session.ts';
import { conflict, notes, unusable } from '../../tests/support/session-agent/fake-sync.ts';
import { john } from '../../tests/support/sessions/service.ts';
import { annotation } from '../jupyter-server/labels.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async () => {
  session = await startAgentSession();
};
const call = async (method: string, path: string, body?: object) => {
  const response = await session.call(method, `/servers/${session.name}/sync-folders${path}`, body);
  return { ...response, body: response.body as unknown as Record<string, unknown>, error: response.body.error };
};
const last = () => session.agent.requests.at(-1);
const request = {
  path: 'notes',
  remote: {
    ...{ name: 'My Nextcloud', type: 'webdav', path: 'Notes' },
    options: { url: 'https://cloud.example.org', user: 'ada' },
  },
  credentials: { password: 'an-app-password' },
};

describe('the synchronized folders of a session', () => {
  it('are created, listed, synchronized and deleted by the agent, and no response has the credentials', async () => {
    await start();
    const created = await call('PUT', '/notes', request);
    expect(created).toMatchObject({ status: 200, body: { id: 'notes', path: 'notes', hasCredentials: true } });
    expect(last()).toMatchObject({ method: 'PUT', path: '/v1/sync-folders/notes', scope: 'sync', body: request });
    expect(JSON.stringify(created.body)).not.toContain('an-app-password');
    expect((await call('GET', '')).body).toEqual({
      unavailable: null,
      folders: [notes],
      unusable: [unusable],
      remoteTypes: ['webdav', 's3', 'sftp'],
    });
    expect((await call('GET', '/notes')).body).toEqual(notes);
    const started = await call('POST', '/notes/sync', { deletions: 3 });
    expect(started).toMatchObject({ status: 202, body: { folder: 'notes', state: 'waiting', result: null } });
    expect(started.body).not.toHaveProperty('podUid');
    expect(last()).toMatchObject({ method: 'POST', path: '/v1/sync-folders/notes/sync', body: { deletions: 3 } });
    expect((await call('POST', '/notes/sync')).status).toBe(202);
    expect((await call('GET', '/notes/operations/round-1')).body).toMatchObject({ state: 'succeeded' });
    expect((await call('GET', '/notes/operations')).body).toMatchObject({
      operations: [{ id: 'round-1', folder: 'notes', state: 'succeeded' }],
    });
    expect((await call('DELETE', '/notes/operations/round-1')).body).toMatchObject({ state: 'cancelled' });
    expect((await call('DELETE', '/notes')).status).toBe(204);
    expect(last()).toMatchObject({ method: 'DELETE', path: '/v1/sync-folders/notes', scope: 'sync' });
  });

  it('have rounds that a client follows as a stream of events until their end', async () => {
    await start();
    const stream = await EventStream.open(
      `${session.service.url}/servers/${session.name}/sync-folders/notes/operations/round-1`,
      session.service.headersOf(john(session.backends.gitlab.url)),
    );
    stream.read();
    await expect.poll(() => stream.isOver).toBe(true);
    expect(stream.named('operation')).toMatchObject([{ id: 'round-1', folder: 'notes', state: 'succeeded' }]);
    expect(stream.named('operation')[0]).not.toHaveProperty('podUid');
    expect(stream.ending).toBe('finished');
  });

  it('have conflicts, which the owner resolves', async () => {
    await start();
    const path = `/notes/conflicts/${conflict.id}`;
    expect((await call('POST', path, { resolution: 'mine' })).body).toMatchObject({ status: { conflicts: [] } });
    expect(last()).toMatchObject({ path: `/v1/sync-folders${path}`, body: { resolution: 'mine' } });
    expect(await call('POST', path, { resolution: 'both' })).toMatchObject({ status: 422, error: { code: 1422 } });
    expect((await call('POST', '/notes/conflicts/other', { resolution: 'mine' })).error).toMatchObject({ code: 1404 });
  });

  it('are an error with the reason of the agent, also about a remote that is not valid', async () => {
    await start();
    expect((await call('GET', '/other')).error).toMatchObject({
      code: 1404,
      message: 'There is no synchronized folder.',
    });
    const message = 'remote.options.ssh: is unknown: a remote of the type sftp has host, port, user, host_key';
    session.agent.fault = { status: 422, reason: 'invalid', message };
    const rejected = await call('PUT', '/notes', request);
    expect(rejected).toMatchObject({ status: 422, error: { message: `${message}.` } });
    session.agent.fault = {
      status: 409,
      reason: 'conflict',
      message: 'path: the folder "notes" is synchronized already, as "notes"',
    };
    expect((await call('PUT', '/other', request)).error).toMatchObject({
      code: 1409,
      detail: 'path: the folder "notes" is synchronized already, as "notes". Nothing was changed.',
    });
  });

  it.each([
    [{ ...request, credentials: { password: 7 } }, 'credentials'],
    [{ ...request, remote: { ...request.remote, command: 'id' } }, 'command'],
    [{ ...request, intervalSeconds: 1 }, 'intervalSeconds'],
    [{ path: 'notes' }, 'remote'],
  ])('are not changed by the body %#', async (body, member) => {
    await start();
    const response = await call('PUT', '/notes', body);
    expect(response).toMatchObject({ status: 422, error: { code: 1422 } });
    expect(JSON.stringify(response.body)).toContain(member);
    expect(session.agent.requests).toEqual([]);
  });

  it.each(['Notes', 'a/b', '..', '-a'])('do not have the id %s', async (id) => {
    await start();
    expect((await call('PUT', `/${id}`, request)).status).toBeGreaterThanOrEqual(404);
    expect(session.agent.requests).toEqual([]);
  });

  it('are not sent credentials before the agent has signed a response', async () => {
    await start();
    session.agent.fault = 'unsigned';
    expect((await call('PUT', '/notes', request)).error).toMatchObject({ code: 3000 });
    expect(session.agent.requests.map(({ method }) => method)).toEqual(['GET']);
  });

  it('are unavailable with a reason if the session does not run or has no agent', async () => {
    await start();
    await session.change((object) => ({ ...object, status: { ...object.status, mainPod: {} } }));
    expect((await call('GET', '')).body).toMatchObject({
      unavailable: { reason: 'not-running' },
      folders: [],
      unusable: [],
    });
    await session.change((object) => annotated(object, annotation.agentSecret, undefined));
    expect((await call('GET', '')).body['unavailable']).toMatchObject({ reason: 'no-agent' });
    expect((await call('PUT', '/notes', request)).error).toMatchObject({ code: 1409 });
  });

  it('are hidden from other users', async () => {
    await start();
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['GET', '/notes', undefined],
      ['PUT', '/notes', request],
      ['DELETE', '/notes', undefined],
      ['POST', '/notes/sync', {}],
      ['GET', '/notes/operations', undefined],
      ['GET', '/notes/operations/round-1', undefined],
      ['DELETE', '/notes/operations/round-1', undefined],
      ['POST', '/notes/conflicts/conflict-1', { resolution: 'mine' }],
    ] as const) {
      const response = await session.asAnonymous(method, `/servers/${session.name}/sync-folders${path}`, body);
      expect(response.status, `${method} ${path}`).toBe(404);
    }
    expect(session.agent.requests).toEqual([]);
  });
});
