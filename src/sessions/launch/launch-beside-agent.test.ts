import { afterEach, describe, expect, it } from 'vitest';
import {
  type AgentSession,
  type AgentSessionOptions,
  annotated,
  startAgentSession,
} from '../../../tests/support/session-agent/agent-session.ts';
import { commitSha } from '../../../tests/support/sessions/fake-gitlab.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { writeStopRequest } from '../../jupyter-server/stop-request.ts';

let session: AgentSession;
afterEach(() => session[Symbol.asyncDispose]());
const start = async (options?: AgentSessionOptions) => {
  session = await startAgentSession(options);
};
const launch = () =>
  session.call('POST', '/servers', {
    ...{ namespace: 'my-group', project: 'my-project', branch: 'master', commit_sha: commitSha },
  });
const stop = () => session.call('DELETE', `/servers/${session.name}`);

/** Acts as the operator whose save has failed. */
async function failSave(isHibernated: boolean): Promise<void> {
  const request = session.stopRequest();
  if (!request) throw new Error('there is no stop request');
  const failure = { reason: 'push-rejected', message: 'The branch is protected.', at: new Date().toISOString() };
  const text = writeStopRequest({ ...request, failure });
  await session.change((object) => {
    const jupyterServer = { ...object.spec?.jupyterServer, hibernated: isHibernated };
    const status = { ...object.status, state: isHibernated ? ('hibernated' as const) : ('running' as const) };
    const kept = { ...object, spec: { ...object.spec, jupyterServer }, status };
    return annotated(kept, annotation.stopRequest, text);
  });
}

describe('a launch during the save before a deletion', () => {
  it('waits, and returns a new session when the former one is deleted', async () => {
    await start();
    const { uid } = session.object()?.metadata ?? {};
    await stop();
    const launching = launch();
    session.backends.cluster.finish(session.name);
    const { status, body } = await launching;
    expect([status, body.name]).toEqual([201, session.name]);
    expect(session.object()?.metadata.uid).not.toBe(uid);
  });

  it.each([
    [true, 'starting'],
    [false, 'running'],
  ] as const)('returns the session at once if the save fails: hibernated %s, it is %s', async (isHibernated, state) => {
    await start({ deadlineMs: 60_000 });
    const { uid } = session.object()?.metadata ?? {};
    await stop();
    const launching = launch();
    await failSave(isHibernated);
    const { status, body } = await launching;
    expect([status, body.status.state]).toEqual([200, state]);
    expect(session.object()?.metadata.uid).toBe(uid);
  });

  it('fails with the progress of the save and Retry-After if the save takes too long', async () => {
    await start({ deadlineMs: 3_500 });
    await stop();
    const save = { id: session.stopRequest()?.id ?? '', step: 'pushing', done: 5_000_000, total: 20_000_000 };
    await session.change((object) => ({ ...object, status: { ...object.status, save } }));
    const { status, body, headers } = await launch();
    expect([status, body.error?.code]).toEqual([409, 3409]);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(body.error?.detail).toMatch(
      /^The work is being saved before the session is deleted: pushing to the repository \(5\.0 MB of 20\.0 MB\)\. .*Retry-After/,
    );
  });
});

describe('a launch that finds a running session', () => {
  const tokens = {
    ...{ gitToken: 'the-gitlab-token', gitTokenExpiresAt: -1 },
    ...{ accessToken: 'the-access-token', refreshToken: 'the-refresh-token' },
  };

  it('gives its agent the tokens of the request, and makes no call to the cluster', async () => {
    await start();
    session.calls();
    expect((await launch()).status).toBe(200);
    await expect.poll(() => session.agent.tokens).toEqual([tokens]);
    expect(session.calls()).toEqual([]);
  });

  it.each(['silence', 'disconnect', 'wrong signature'] as const)(
    'succeeds also if the agent has the fault %j',
    async (fault) => {
      await start();
      session.agent.fault = fault;
      expect((await launch()).status).toBe(200);
      await expect.poll(() => session.agent.requests.length).toBeGreaterThan(0);
      expect(session.agent.tokens).toEqual([]);
    },
  );
});
