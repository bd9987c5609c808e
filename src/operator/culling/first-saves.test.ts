import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { healthyStatus, jupyterServer, pod } from '../../../tests/support/operator/examples.ts';
import { type FakeAgent, startFakeAgent } from '../../../tests/support/session-agent/fake-agent.ts';
import { annotation } from '../../jupyter-server/labels.ts';
import { createSessionAgents } from '../../platform/session-agent/client.ts';
import type { SessionAgents } from '../../platform/session-agent/types.ts';
import { agentSecretId } from '../../session-contract/agent-key.ts';
import { createFirstSaves, type DueSession, type FirstSaves } from './first-saves.ts';

const secret = 'a secret of the platform, 32 characters or more';
let agent: FakeAgent;
let agents: SessionAgents;
let saves: FirstSaves;
let session: DueSession;

beforeEach(async () => {
  const example = jupyterServer();
  const annotations = { ...example.metadata.annotations, [annotation.agentSecret]: agentSecretId(secret) };
  const server = { ...example, metadata: { ...example.metadata, annotations } };
  const main = pod(healthyStatus);
  agent = await startFakeAgent({ secret, sessionUid: server.metadata.uid ?? '', podUid: main.uid });
  agents = createSessionAgents();
  const timing = { unreachableMs: 300, retryMs: 10 };
  saves = createFirstSaves({ agents, onChange: () => undefined, log: pino({ level: 'silent' }), timing }, [secret]);
  const running = { ...main, status: { ...main.status, podIP: agent.address } };
  session = { key: 'ns/one', server, pod: running, hasClaim: false };
});
afterEach(async () => {
  await saves.stop();
  await agents.close();
  await agent.stop();
});

const step = (changes: Partial<DueSession> = {}) => saves.step({ ...session, ...changes });
const ended = async (changes: Partial<DueSession> = {}) => {
  await expect.poll(() => step(changes).is).not.toBe('running');
  return step(changes);
};

describe('the first save of a session whose threshold is exceeded', () => {
  it('ends no kernel, is made once, and has a time', async () => {
    agent.outcome = 'waits';
    expect(step()).toEqual({ is: 'running' });
    expect(step()).toEqual({ is: 'running' });
    await expect.poll(() => agent.operations).toMatchObject([{ reason: 'cull', isFinal: false }]);
    expect(saves.endedAt('ns/one', new Date(1_000))).toBeUndefined();
    agent.finish(agent.operations[0]?.id ?? '', { result: {} });
    await expect.poll(() => saves.endedAt('ns/one', new Date(2_000))).toBe(2_000);
    expect(saves.endedAt('ns/one', new Date(3_000))).toBe(2_000);
    expect(step()).toEqual({ is: 'done' });
    expect(agent.operations).toHaveLength(1);
  });

  it('is cancelled when the session becomes active again, and made anew when it is idle again', async () => {
    agent.outcome = 'waits';
    step();
    await expect.poll(() => agent.operations.length).toBe(1);
    saves.forget('ns/one');
    await expect.poll(() => agent.operations[0]?.state).toBe('cancelled');
    expect(saves.endedAt('ns/one', new Date())).toBeUndefined();
    step();
    await expect.poll(() => agent.operations.length).toBe(2);
  });

  it.each([
    ['a save that fails', { error: { reason: 'push-rejected', message: 'The branch is protected.' } }, 'push-rejected'],
    [
      'files that cannot be saved',
      { result: { notSaved: [{ path: 'data/', bytes: 2e6, reason: 'ignored' }] } },
      'not-verified',
    ],
  ] as const)('keeps a session without a claim running after %s', async (_what, outcome, reason) => {
    agent.outcome = structuredClone(outcome) as typeof agent.outcome;
    expect(await ended()).toMatchObject({ is: 'failed', failure: { reason } });
    // With a claim, the files remain.
    expect(step({ hasClaim: true })).toEqual({ is: 'done' });
  });

  it('does not fail because of files that a kernel writes all the time', async () => {
    agent.outcome = { result: { isVerified: false, changedMeanwhile: ['log.txt'] } };
    expect(await ended()).toEqual({ is: 'done' });
  });

  it('is made again in another pod, and not at all without an agent', async () => {
    expect(await ended()).toEqual({ is: 'done' });
    agent.podUid = 'another-pod';
    const other = session.pod && { ...session.pod, uid: agent.podUid };
    expect(step({ pod: other })).toEqual({ is: 'running' });
    expect(step({ pod: undefined })).toEqual({ is: 'done' });
  });
});
