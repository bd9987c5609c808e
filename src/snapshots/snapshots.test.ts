import { afterEach, describe, expect, it } from 'vitest';
import { type AgentSession, annotated, startAgentSession } from '../../tests/support/session-agent/agent-session.ts';
import { oneSnapshot, snapshotList, snapshotOperation } from '../../tests/support/session-agent/fake-supervisor.ts';
import { annotation } from '../jupyter-server/labels.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async () => {
  session = await startAgentSession();
};
const call = async (method: string, path: string, body?: object) => {
  const response = await session.call(method, `/servers/${session.name}/kernels/kernel-1/snapshots${path}`, body);
  return { ...response, body: response.body as unknown as Record<string, unknown>, error: response.body?.error };
};
const last = () => session.agent.requests.at(-1);
const one = `/${oneSnapshot.id}`;
const sent = '/v1/kernels/kernel-1/snapshots';
const { isFinal: _isFinal, version: _version, ...operation } = snapshotOperation;

describe('the snapshots of a kernel', () => {
  it('are listed, taken, restored, deleted and taken automatically by the agent', async () => {
    await start();
    expect((await call('GET', '')).body).toEqual({ unavailable: null, ...snapshotList });
    expect(last()).toMatchObject({ method: 'GET', path: sent, scope: 'kernels' });
    expect(await call('POST', '', { label: 'before', keep: 3 })).toMatchObject({ status: 202, body: operation });
    expect(last()).toMatchObject({ method: 'POST', path: sent, body: { label: 'before', keep: 3 } });
    expect((await call('POST', '', { engine: 'namespace' })).status).toBe(202);
    expect(last()).toMatchObject({ body: { label: '', engine: 'namespace' } });
    expect((await call('POST', '')).status).toBe(202);
    expect(last()).toMatchObject({ body: { label: '' } });
    expect((await call('POST', `${one}/restore`, { force: true })).status).toBe(202);
    expect(last()).toMatchObject({ method: 'POST', path: `${sent}${one}/restore`, body: { force: true } });
    expect((await call('PATCH', '', { automatic: true })).body).toMatchObject({ automatic: true });
    expect(last()).toMatchObject({ method: 'PATCH', path: sent, body: { automatic: true } });
    expect((await call('DELETE', one)).status).toBe(204);
    expect(last()).toMatchObject({ method: 'DELETE', path: `${sent}${one}` });
    expect((await call('DELETE', '')).status).toBe(204);
    expect(last()).toMatchObject({ method: 'DELETE', path: sent });
  });

  it.each([
    ['POST', '', { label: 7 }],
    ['POST', '', { label: 'x'.repeat(201) }],
    ['POST', '', { keep: 0 }],
    ['POST', '', { engine: 'other' }],
    ['POST', '', { path: '/etc' }],
    ['PATCH', '', {}],
    ['POST', `${one}/restore`, { force: 'always' }],
    ['POST', '/..%2F..%2Fother/restore', {}],
    ['DELETE', '/..%2Fkernel-2', undefined],
    ['DELETE', '/20261120T100000-1f0a7f0e%2F..', undefined],
  ])('are not used by %s at %j with the body %j', async (method, path, body) => {
    await start();
    const { status, error } = await call(method, path, body);
    expect({ status, code: error.code }).toEqual({ status: 422, code: 1422 });
    expect(session.agent.requests).toEqual([]);
  });

  it('are unavailable with a reason if the session has no agent, does not run, or has no supervisor', async () => {
    await start();
    session.agent.fault = { status: 503, reason: 'unavailable', message: 'This session has no supervisor.' };
    const unavailable = { reason: 'no-supervisor', message: 'This session has no supervisor.' };
    expect((await call('GET', '')).body).toMatchObject({ unavailable, snapshots: [] });
    expect((await call('POST', '')).error).toMatchObject({ code: 1409 });
    await session.change((object) => ({ ...object, status: { ...object.status, mainPod: {} } }));
    expect((await call('GET', '')).body['unavailable']).toMatchObject({ reason: 'not-running' });
    await session.change((object) => annotated(object, annotation.agentSecret, undefined));
    expect((await call('POST', '')).error).toMatchObject({ code: 1409 });
  });

  it.each([
    [{ status: 404, reason: 'not-found', message: 'The kernel has no snapshot.' }, 404, 'has no snapshot'],
    [{ status: 409, reason: 'conflict', message: 'The snapshot is damaged.' }, 409, 'damaged. Nothing was changed'],
    [{ status: 507, reason: 'disk-full', message: 'The volume has no space.' }, 507, 'no space. Delete files'],
    [{ status: 502, reason: 'kernel', message: 'The kernel was not reached.' }, 409, 'not reached'],
    ['other shape', 500, 'not valid'],
  ] as const)('are not changed with the fault %j, and the reason is passed on', async (fault, status, detail) => {
    await start();
    session.agent.fault = fault;
    const response = await call('POST', '');
    expect(response.status).toBe(status);
    expect(`${response.error.message} ${response.error.detail}`).toContain(detail);
  });

  it('are hidden from other users', async () => {
    await start();
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['DELETE', one],
      ['POST', `${one}/restore`],
    ] as const) {
      const url = `/servers/${session.name}/kernels/kernel-1/snapshots${path}`;
      const response = await session.asAnonymous(method, url, method === 'PATCH' ? { automatic: true } : undefined);
      expect(response.status, `${method} ${path}`).toBe(404);
    }
    expect(session.agent.requests).toEqual([]);
  });
});
