import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanWork, type FakeAgent, startFakeAgent } from '../../../tests/support/session-agent/fake-agent.ts';
import { Deadline } from '../../lib/deadline.ts';
import { deriveAgentKey } from '../../session-contract/agent-key.ts';
import { createSessionAgents } from './client.ts';
import { AgentFailure, type AgentTarget, type SessionAgents } from './types.ts';

const secret = 'a secret of the platform, 32 characters or more';
const sessionUid = 'the-uid-of-the-session';

let agent: FakeAgent;
let agents: SessionAgents;
let target: AgentTarget;
beforeEach(async () => {
  agent = await startFakeAgent({ secret, sessionUid });
  agents = createSessionAgents();
  target = { address: agent.address, podUid: agent.podUid, sessionUid, key: deriveAgentKey(secret, sessionUid) };
});
afterEach(async () => {
  await agents.close();
  await agent.stop();
});

const soon = () => Deadline.after(5_000);
const failure = async (call: Promise<unknown>): Promise<AgentFailure> => {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AgentFailure);
  return error as AgentFailure;
};

describe('the client of the agents', () => {
  it('returns the work, with a token that permits reading only', async () => {
    agent.work = { ...cleanWork, isClean: false, stashes: 2 };
    expect(await agents.work(target, soon())).toEqual({ ...agent.work, podUid: agent.podUid });
    expect(agent.requests).toEqual([{ method: 'GET', path: '/v1/work', scope: 'read', body: undefined }]);
  });

  it('starts a save, waits for its changes, and cancels it', async () => {
    agent.outcome = 'waits';
    const started = await agents.save(target, { id: 'save-1', reason: 'user', isFinal: false }, soon());
    expect(started).toMatchObject({ id: 'save-1', state: 'running' });
    const changed = agents.operation(target, 'save-1', { seconds: 20, version: started.version }, soon());
    agent.change('save-1', { progress: { step: 'pushing', done: 5, total: 10 } });
    expect(await changed).toMatchObject({ progress: { step: 'pushing', done: 5, total: 10 } });
    expect(await agents.cancel(target, 'save-1', soon())).toMatchObject({ state: 'cancelled' });
    expect(await agents.operations(target, soon())).toHaveLength(1);
    expect(agent.requests.map(({ scope }) => scope)).toEqual(['save', 'read', 'save', 'read']);
  });

  it('lets the session end without a save or with one again, with a token for nothing else', async () => {
    await agents.discard(target, soon());
    await agents.keep(target, soon());
    expect(agent.requests).toMatchObject([
      { method: 'POST', path: '/v1/discard', scope: 'discard' },
      { method: 'DELETE', path: '/v1/discard', scope: 'discard' },
    ]);
  });

  it('gives the git proxy new tokens', async () => {
    await agents.putTokens(target, { gitToken: 'new', gitTokenExpiresAt: -1 }, soon());
    expect(agent.tokens).toEqual([{ gitToken: 'new', gitTokenExpiresAt: -1 }]);
    expect(agent.requests.map(({ scope }) => scope)).toEqual(['read', 'tokens']);
  });

  it.each(['unsigned', 'wrong signature'] as const)(
    'sends no tokens of the user to a pod whose responses are %s',
    async (fault) => {
      agent.fault = fault;
      const tokens = { gitToken: 'new', gitTokenExpiresAt: -1 };
      expect(await failure(agents.putTokens(target, tokens, soon()))).toMatchObject({ reason: 'other-agent' });
      expect(agent.tokens).toEqual([]);
    },
  );

  it.each([
    ['disconnect', 'no-response'],
    ['unsigned', 'other-agent'],
    ['wrong signature', 'other-agent'],
    ['other pod', 'other-agent'],
    ['not JSON', 'invalid-response'],
    ['other shape', 'invalid-response'],
    ['too large', 'invalid-response'],
    [{ status: 409, reason: 'disk-full', message: 'The volume is full.' }, 'disk-full'],
    [{ status: 418, reason: 'teapot', message: 'An unknown reason.' }, 'invalid-response'],
  ] as const)('rejects a response with the fault %j for the reason %s', async (fault, reason) => {
    agent.fault = fault;
    expect(await failure(agents.work(target, soon()))).toMatchObject({ reason });
    expect(await failure(agents.save(target, { reason: 'stop', isFinal: true }, soon()))).toMatchObject({ reason });
  });

  it('passes the message of the agent on', async () => {
    agent.fault = { status: 409, reason: 'no-repository', message: 'The folder .git is missing.' };
    expect((await failure(agents.work(target, soon()))).message).toBe('The folder .git is missing.');
  });

  it('does not wait longer than its deadline, and reports the end of its owner as it is', async () => {
    agent.fault = 'silence';
    expect(await failure(agents.work(target, Deadline.after(50)))).toMatchObject({ reason: 'timeout' });
    const owner = new AbortController();
    const call = agents.work(target, Deadline.after(5_000, owner.signal));
    owner.abort(new Error('the program stops'));
    await expect(call).rejects.toThrow('the program stops');
  });

  it('reports an agent that does not listen any more', async () => {
    await agent.stop();
    expect(await failure(agents.work(target, soon()))).toMatchObject({ reason: 'no-response' });
  });

  it('does not send the key, and reports a pod with another one', async () => {
    const other = { ...target, key: deriveAgentKey('another secret of at least 32 characters', sessionUid) };
    expect(await failure(agents.work(other, soon()))).toMatchObject({ reason: 'other-agent' });
    expect(agent.requests).toEqual([]);
  });

  it.each([
    '',
    'localhost',
    'example.org',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    '::',
    '127.0.0.1:80/x',
  ])('does not connect to the address %j, which no pod has', async (address) => {
    expect(await failure(agents.work({ ...target, address }, soon()))).toMatchObject({ reason: 'no-response' });
  });
});
