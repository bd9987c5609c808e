import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cleanWork,
  type FakeAgent,
  savedResult,
  startFakeAgent,
} from '../../../tests/support/session-agent/fake-agent.ts';
import { createSessionAgents } from '../../platform/session-agent/client.ts';
import type { AgentTarget, SessionAgents } from '../../platform/session-agent/types.ts';
import { deriveAgentKey } from '../../session-contract/agent-key.ts';
import { createSaves, type Saves } from './saves.ts';

const secret = 'a secret of the platform, 32 characters or more';
let agent: FakeAgent;
let agents: SessionAgents;
let saves: Saves;
let target: AgentTarget;
let changes: number;

const timing = { unreachableMs: 300, retryMs: 10, longestMs: 60_000 };
const start = (changed = {}) =>
  createSaves({
    ...{ agents, isFinal: true },
    onChange: () => {
      changes += 1;
    },
    log: pino({ level: 'silent' }),
    timing: { ...timing, ...changed },
  });

beforeEach(async () => {
  agent = await startFakeAgent({ secret, sessionUid: 'uid-1' });
  agents = createSessionAgents();
  target = { address: agent.address, podUid: agent.podUid, sessionUid: 'uid-1', key: deriveAgentKey(secret, 'uid-1') };
  changes = 0;
  saves = start();
});
afterEach(async () => {
  await saves.stop();
  await agents.close();
  await agent.stop();
});

const state = () => saves.get('ns/one', 'save-1', target.podUid);
const request = () => saves.request('ns/one', 'save-1', target, 'stop');

describe('a save before the end of a session', () => {
  it('is requested once, reports its progress, and ends with the state of the repository', async () => {
    agent.outcome = 'waits';
    request();
    request();
    await expect.poll(() => agent.operations.length).toBe(1);
    agent.change('save-1', { progress: { step: 'pushing', done: 1, total: 2 } });
    await expect.poll(state).toMatchObject({ is: 'running', progress: { id: 'save-1', step: 'pushing', done: 1 } });
    agent.finish('save-1', { result: {} });
    const work = { ...cleanWork, podUid: agent.podUid };
    await expect.poll(state).toEqual({ is: 'saved', result: savedResult, work });
    expect(agent.requests.filter(({ path }) => path === '/v1/saves')).toHaveLength(1);
    expect(agent.requests[0]?.body).toEqual({ id: 'save-1', reason: 'stop', isFinal: true });
    expect(changes).toBeGreaterThan(1);
  });

  it('is continued by another operator, which requests the save with the same id', async () => {
    agent.outcome = 'waits';
    request();
    await expect.poll(() => agent.operations.length).toBe(1);
    await saves.stop();
    agent.finish('save-1', { result: {} });
    saves = start();
    request();
    await expect.poll(state).toMatchObject({ is: 'saved' });
    expect(agent.operations).toHaveLength(1);
  });

  it('is requested again from an agent that was restarted', async () => {
    agent.outcome = 'waits';
    request();
    await expect.poll(() => agent.operations.length).toBe(1);
    agent.operations.length = 0;
    agent.outcome = { result: {} };
    // Ends the request that waits for a change.
    agent.fault = 'disconnect';
    await expect.poll(() => agent.requests.length).toBeGreaterThan(1);
    agent.fault = undefined;
    await expect.poll(state, { timeout: 30_000 }).toMatchObject({ is: 'saved' });
  });

  it('is repeated if the agent ended during it, and if files have changed since it ended', async () => {
    agent.outcome = 'waits';
    request();
    await expect.poll(() => agent.operations.length).toBe(1);
    agent.finish('save-1', { error: { reason: 'interrupted', message: 'The agent ended during the save.' } });
    await expect.poll(() => agent.operations.length).toBe(2);
    agent.work = { ...cleanWork, isClean: false };
    agent.finish('save-1-2', { result: {} });
    await expect.poll(() => agent.operations.length).toBe(3);
    agent.work = cleanWork;
    agent.finish('save-1-3', { result: {} });
    await expect.poll(state).toMatchObject({ is: 'saved', result: { isVerified: true } });
  });

  it('is not verified if files change after each attempt', async () => {
    agent.work = { ...cleanWork, isClean: false };
    request();
    await expect.poll(state).toMatchObject({ is: 'saved', result: { isVerified: false } });
    expect(agent.operations).toHaveLength(3);
  });

  it('begins again in the pod that replaces the former one, whose saves the agent still knows', async () => {
    request();
    await expect.poll(state).toMatchObject({ is: 'saved' });
    agent.podUid = 'the-next-pod';
    const next = { ...target, podUid: agent.podUid };
    saves.request('ns/one', 'save-1', next, 'stop');
    await expect.poll(() => saves.get('ns/one', 'save-1', next.podUid)).toMatchObject({ is: 'saved' });
    expect(agent.operations.map(({ podUid }) => podUid)).toEqual([next.podUid, target.podUid]);
  });

  it.each([
    'push-rejected',
    'unreachable',
    'credentials',
    'disk-full',
    'git',
    'no-repository',
    'interrupted',
    'internal',
  ] as const)('fails with the reason %s and the message of the agent', async (reason) => {
    agent.outcome = { error: { reason, message: 'Why.' }, result: {} };
    request();
    await expect.poll(state).toMatchObject({ is: 'failed', reason, message: 'Why.' });
  });

  it.each([
    ['disconnect', 'no-response'],
    ['wrong signature', 'other-agent'],
    ['other pod', 'other-agent'],
    ['not JSON', 'invalid-response'],
  ] as const)('fails after some time with an agent with the fault %j', async (fault, reason) => {
    agent.fault = fault;
    request();
    await expect.poll(state).toMatchObject({ is: 'failed', reason });
    // Attempts were repeated.
    expect(agent.requests.length).toBeGreaterThan(1);
  });

  it('is cancelled when it takes too long, and when the owner resumes the session', async () => {
    await saves.stop();
    saves = start({ longestMs: 100 });
    agent.outcome = 'waits';
    request();
    await expect.poll(state).toMatchObject({ is: 'failed', reason: 'timeout' });
    await expect.poll(() => agent.operations[0]?.state).toBe('cancelled');
    await saves.stop();
    saves = start();
    saves.request('ns/two', 'save-2', target, 'hibernate');
    await expect.poll(() => agent.operations.length).toBe(2);
    agent.finish('save-2', { error: { reason: 'interrupted', message: 'The agent ended during the save.' } });
    await expect.poll(() => agent.operations.length).toBe(3);
    saves.forget('ns/two', true);
    await expect.poll(() => agent.operations[0]).toMatchObject({ id: 'save-2-2', state: 'cancelled' });
  });

  it('is repeated if the session has not ended shortly after it, because its user may have changed files', async () => {
    await saves.stop();
    saves = start({ validMs: 100 });
    request();
    await expect.poll(state).toMatchObject({ is: 'saved' });
    await expect.poll(state).toBeUndefined();
    agent.outcome = 'waits';
    request();
    await expect.poll(() => agent.operations.map(({ id }) => id)).toEqual(['save-1-2', 'save-1']);
    expect(state()).toMatchObject({ is: 'running' });
    agent.finish('save-1-2', { result: { commit: 'later' } });
    await expect.poll(state).toMatchObject({ is: 'saved', result: { commit: 'later' } });
  });

  it('that an earlier operator requested counts only if the agent reports that nothing has changed since', async () => {
    request();
    await expect.poll(state).toMatchObject({ is: 'saved' });
    await saves.stop();
    saves = start();
    agent.failWork = { status: 500, reason: 'git', message: 'git failed.' };
    agent.outcome = 'waits';
    request();
    await expect.poll(() => agent.operations.map(({ id }) => id)).toEqual(['save-1-2', 'save-1']);
    // The end of the second save is known.
    agent.finish('save-1-2', { result: {} });
    await expect.poll(state).toMatchObject({ is: 'saved', result: { isVerified: true } });
  });

  it('does not count for another pod', async () => {
    request();
    await expect.poll(state).toMatchObject({ is: 'saved' });
    expect(saves.get('ns/one', 'save-1', 'another-pod')).toBeUndefined();
    expect(saves.get('ns/one', 'save-2', target.podUid)).toBeUndefined();
  });
});
