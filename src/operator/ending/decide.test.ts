import { describe, expect, it } from 'vitest';
import { cleanWork, savedResult } from '../../../tests/support/session-agent/fake-agent.ts';
import type { StopRequest } from '../../jupyter-server/stop-request.ts';
import { byOperator, decideEnd, type EndInput, hasAllWork } from './decide.ts';

const now = Date.parse('2026-11-20T10:00:00Z');
const request: StopRequest = { id: 'save-1', at: '2026-11-20T09:59:00Z', by: 'john', action: 'delete' };
const access = { address: '10.0.0.1', podUid: 'pod-1', sessionUid: 'uid-1', key: Buffer.alloc(32) };
const usual: EndInput = {
  ...{ request, agent: access, mayPush: true, mayHaveRun: true, hasClaim: true, hasPod: true, save: undefined, now },
};
const decide = (changes: Partial<EndInput>) => decideEnd({ ...usual, ...changes });
const hibernate = { ...request, action: 'hibernate' } as const;
const saved = (changes = {}) => ({ is: 'saved', result: { ...savedResult, ...changes }, work: cleanWork }) as const;
const failed = { is: 'failed', reason: 'push-rejected', message: 'The branch is protected.', work: undefined } as const;
const notRunning = { reason: 'not-running', message: 'The session does not run yet.' } as const;

describe('the end of a session', () => {
  it('begins with a save, waits for it, and follows only a verified save', () => {
    expect(decide({})).toEqual({ is: 'save', access });
    const progress = { id: 'save-1', step: 'pushing', done: 1, total: 2 };
    expect(decide({ save: { is: 'running', progress } })).toEqual({ is: 'wait', progress, nextMs: undefined });
    expect(decide({ save: saved() })).toEqual({ is: 'end' });
    expect(decide({ save: saved({ isVerified: false, changedMeanwhile: ['a', 'b'] }) })).toEqual({
      ...{ is: 'keep', isHibernated: true },
      failure: { reason: 'not-verified', message: 'These files changed during the save: a, b.' },
    });
  });

  it.each([
    ['a stop of a session with a claim', {}, true],
    ['a stop of a session without a claim', { hasClaim: false }, false],
    ['a hibernation that its user requested', { request: hibernate }, false],
    ['a forced hibernation', { request: { ...hibernate, isForced: true } }, true],
    ['a hibernation of a session that is not used', { request: { ...hibernate, by: byOperator } }, true],
    ['the same without a claim', { request: { ...hibernate, by: byOperator }, hasClaim: false }, false],
  ] as const)('keeps the files of %s if the save has failed', (_what, changes, isHibernated) => {
    const failure = { reason: 'push-rejected', message: 'The branch is protected.' };
    expect(decide({ ...changes, save: failed })).toEqual({ is: 'keep', failure, isHibernated });
  });

  it('needs no save if nothing can be lost, or the user may not push', () => {
    expect(decide({ mayHaveRun: false })).toEqual({ is: 'end' });
    expect(decide({ mayPush: false })).toEqual({ is: 'end' });
    expect(decide({ agent: { reason: 'no-agent', message: '' } })).toEqual({ is: 'end' });
    // Without a pod and without a claim, the files are gone already.
    expect(decide({ agent: notRunning, hasPod: false, hasClaim: false })).toEqual({ is: 'end' });
  });

  it('does not follow without the key of the session, or if it was hibernated in the meantime', () => {
    for (const reason of ['no-key', 'hibernated'] as const) {
      expect(decide({ agent: { reason, message: 'x' } })).toMatchObject({ is: 'keep', failure: { reason } });
    }
  });

  it('of a session without a claim that is not used does not follow if a repository in a folder is not saved', () => {
    const notSaved = [{ path: 'other', bytes: 0, reason: 'nested-repository' }] as const;
    const save = saved({ notSaved });
    const unused = { request: { ...hibernate, by: byOperator }, hasClaim: false, save };
    expect(decide(unused)).toEqual({
      ...{ is: 'keep', isHibernated: false },
      failure: { reason: 'not-verified', message: 'These folders are other repositories, which are not saved: other.' },
    });
    expect(decide({ ...unused, hasClaim: true })).toEqual({ is: 'end' });
    expect(decide({ ...unused, request: { ...hibernate, by: 'john' } })).toEqual({ is: 'end' });
    expect([hasAllWork(savedResult), hasAllWork({ ...savedResult, notSaved: [...notSaved] })]).toEqual([true, false]);
  });

  it('waits two minutes for a pod that is starting, and then keeps the files', () => {
    expect(decide({ agent: notRunning })).toEqual({ is: 'wait', progress: undefined, nextMs: 60_000 });
    const later = { agent: notRunning, now: now + 60_000 };
    expect(decide(later)).toMatchObject({ is: 'keep', failure: { reason: 'not-running' }, isHibernated: true });
  });

  it('never hibernates a session without a claim whose work cannot be saved', () => {
    const without = { request: hibernate, hasClaim: false };
    expect(decide({ ...without, mayPush: false })).toMatchObject({ is: 'keep', isHibernated: false });
    expect(decide({ ...without, agent: { reason: 'no-agent', message: '' } })).toMatchObject({ is: 'keep' });
    expect(decide({ ...without, save: saved() })).toEqual({ is: 'end' });
  });
});
