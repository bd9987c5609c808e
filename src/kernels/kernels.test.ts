import { afterEach, describe, expect, it } from 'vitest';
import { type AgentSession, annotated, startAgentSession } from '../../tests/support/session-agent/agent-session.ts';
import { idleKernel, keptReport, runningServer } from '../../tests/support/session-agent/fake-supervisor.ts';
import { annotation } from '../jupyter-server/labels.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async () => {
  session = await startAgentSession();
};
const call = async (method: string, path: string, body?: object) => {
  const response = await session.call(method, `/servers/${session.name}${path}`, body);
  return { ...response, body: response.body as unknown as Record<string, unknown>, error: response.body.error };
};
const last = () => session.agent.requests.at(-1);

describe('the Jupyter server of a session', () => {
  it('is reported, started, started anew and stopped by the supervisor', async () => {
    await start();
    expect((await call('GET', '/server')).body).toEqual({ unavailable: null, server: runningServer });
    expect(last()).toMatchObject({ method: 'GET', path: '/v1/server', scope: 'kernels' });
    const gateway_url = 'https://gateway.example.org';
    expect((await call('POST', '/server', { gateway_url })).status).toBe(200);
    expect(last()).toMatchObject({ method: 'POST', path: '/v1/server', body: { gateway_url } });
    expect((await call('POST', '/server')).status).toBe(200);
    expect(last()).toMatchObject({ method: 'POST', path: '/v1/server' });
    await call('POST', '/server', { restart: true });
    expect(last()).toMatchObject({ method: 'POST', path: '/v1/server/restart' });
    expect((await call('DELETE', '/server')).body).toMatchObject({ server: { state: 'stopped' } });
    expect(last()?.path).toBe('/v1/server');
    await call('DELETE', '/server?force=true');
    expect(last()).toMatchObject({ method: 'DELETE', path: '/v1/server?force=true' });
  });

  it.each([
    { 'ServerApp.token': '' },
    { config: '/etc/passwd' },
    { gateway_url: 7 },
    { restart: true, gateway_url: 'https://gateway.example.org' },
  ])('is not started with the option %j', async (body) => {
    await start();
    expect(await call('POST', '/server', body)).toMatchObject({ status: 422, error: { code: 1422 } });
    expect(session.agent.requests).toEqual([]);
  });
});

describe('the kernels of a session', () => {
  it('are listed, compared with the records, interrupted, started anew and ended', async () => {
    await start();
    expect((await call('GET', '/kernels')).body).toEqual({ unavailable: null, kernels: [idleKernel], jupyter: null });
    expect((await call('POST', '/kernels/sync')).body).toEqual(keptReport);
    for (const [method, path, sent] of [
      ['POST', '/kernels/kernel-1/interrupt', '/v1/kernels/kernel-1/interrupt'],
      ['POST', '/kernels/kernel-1/restart', '/v1/kernels/kernel-1/restart'],
      ['DELETE', '/kernels/kernel-1', '/v1/kernels/kernel-1'],
    ] as const) {
      expect((await call(method, path)).status).toBe(204);
      expect(last()).toMatchObject({ method, path: sent, scope: 'kernels' });
    }
    expect((await call('DELETE', '/kernels/unknown')).error).toMatchObject({ code: 1404 });
  });

  it('are unavailable with a reason if the session has no agent, does not run, or has no supervisor', async () => {
    await start();
    session.agent.fault = { status: 503, reason: 'unavailable', message: 'This session has no supervisor.' };
    const unavailable = { reason: 'no-supervisor', message: 'This session has no supervisor.' };
    expect((await call('GET', '/kernels')).body).toEqual({ unavailable, kernels: [], jupyter: null });
    expect((await call('GET', '/server')).body).toEqual({ unavailable, server: null });
    expect((await call('POST', '/kernels/sync')).error).toMatchObject({
      code: 1409,
      detail: `${unavailable.message} The menus of JupyterLab can restart and end kernels.`,
    });
    await session.change((object) => ({ ...object, status: { ...object.status, mainPod: {} } }));
    expect((await call('GET', '/kernels')).body['unavailable']).toMatchObject({ reason: 'not-running' });
    await session.change((object) => annotated(object, annotation.agentSecret, undefined));
    expect((await call('GET', '/server')).body['unavailable']).toMatchObject({ reason: 'no-agent' });
    expect((await call('DELETE', '/kernels/kernel-1')).error).toMatchObject({ code: 1409 });
  });

  it.each([
    [{ status: 409, reason: 'conflict', message: 'These kernels are busy: kernel-1.' }, 1409, 'are busy'],
    [
      { status: 502, reason: 'jupyter', message: 'The Jupyter server did not start: exit code 1.' },
      1409,
      'exit code 1',
    ],
    ['other shape', 3000, 'not valid'],
    ['too large', 3000, 'not valid'],
  ] as const)('are not changed with the fault %j, and the reason is passed on', async (fault, code, detail) => {
    await start();
    session.agent.fault = fault;
    expect((await call('DELETE', '/server')).error).toMatchObject({ code, detail: expect.stringContaining(detail) });
  });

  it('are an error, and not reported as without a supervisor, if the supervisor does not respond', async () => {
    await start();
    session.agent.fault = {
      status: 503,
      reason: 'no-response',
      message: 'The supervisor of the session does not respond.',
    };
    for (const path of ['/server', '/kernels']) {
      const { error } = await call('GET', path);
      expect(error, path).toMatchObject({ code: 3000, detail: expect.stringContaining('does not respond. Try again') });
    }
  });

  it('are hidden from other users', async () => {
    await start();
    for (const [method, path] of [
      ['GET', '/server'],
      ['POST', '/server'],
      ['DELETE', '/server'],
      ['GET', '/kernels'],
      ['POST', '/kernels/sync'],
      ['POST', '/kernels/kernel-1/interrupt'],
      ['POST', '/kernels/kernel-1/restart'],
      ['DELETE', '/kernels/kernel-1'],
    ] as const) {
      const response = await session.asAnonymous(method, `/servers/${session.name}${path}`);
      expect(response.status, `${method} ${path}`).toBe(404);
    }
    expect(session.agent.requests).toEqual([]);
  });
});
