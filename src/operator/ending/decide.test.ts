import { describe, expect, it } from 'vitest';
import { cleanWork, savedResult } from '../../../tests/support/session-agent/fake-agent.ts';
import type { StopRequest } from '../../jupyter-server/stop-request.ts';
import { hasAllWork, lostText } from '../../session-contract/save-result.ts';
import { byOperator, decideEnd, type EndInput } from './decide.ts';

const now = Date.parse('2026-11-20T10:00:00Z');
const request: StopRequest = { id: 'save-1', at: '2026-11-20T09:59:00Z', by: 'john', action: 'delete' };
const access = { address: '10.0.0.1', podUid: 'pod-1', sessionUid: 'uid-1', key: Buffer.alloc(32) };
const usual: EndInput = {
  ...{ request, agent: access, mayPush: true, mayHaveRun: true, hasClaim: true, hasPod: true, save: undefined },
  ...{ hasFailed: false, now },
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

  it('by hibernation without a claim does not follow if a file or folder cannot be saved', () => {
    const other = { path: 'other', bytes: 0, reason: 'nested-repository' } as const;
    const data = { path: 'data/', bytes: 2_100_000, reason: 'ignored' } as const;
    const save = saved({ notSaved: [other, data] });
    const unused = { request: { ...hibernate, by: byOperator }, hasClaim: false, save };
    const message =
      'These files and folders cannot be saved: other (another repository), data/ (ignored by git, 2.1 MB).';
    const kept = { is: 'keep', isHibernated: false, failure: { reason: 'not-verified', message } };
    expect(decide(unused)).toEqual(kept);
    expect(decide({ ...unused, request: hibernate })).toEqual(kept);
    // The files remain on the volume, or the caller of the stop has seen what cannot be saved.
    expect(decide({ ...unused, hasClaim: true })).toEqual({ is: 'end' });
    expect(decide({ ...unused, request })).toEqual({ is: 'end' });
    // Then the hibernated session is not deleted because of its threshold.
    for (const [lost, isAll] of [
      [[], true],
      [[data], false],
      [[other], false],
      [[{ path: 'renku/autosave/a', bytes: 1, reason: 'earlier-save' } as const], false],
      [[{ path: 'socket', bytes: 0, reason: 'special-file' } as const], true],
    ] as const)
      expect(hasAllWork({ ...savedResult, notSaved: [...lost] })).toBe(isAll);
    expect(lostText({ ...savedResult, notSaved: [data, data, data, data] })).toMatch(/ and 1 more\.$/);
  });

  it('waits two minutes for a pod that is starting, and then keeps the files', () => {
    expect(decide({ agent: notRunning })).toEqual({ is: 'wait', progress: undefined, nextMs: 60_000 });
    const later = { agent: notRunning, now: now + 60_000 };
    expect(decide(later)).toMatchObject({ is: 'keep', failure: { reason: 'not-running' }, isHibernated: true });
  });

  it('does not wait for a pod that has failed', () => {
    const message = 'The session has failed, so its work could not be saved.';
    const failure = { reason: 'not-running', message };
    const failing = { agent: notRunning, hasFailed: true };
    expect(decide(failing)).toEqual({ is: 'keep', failure, isHibernated: true });
    expect(decide({ ...failing, request: hibernate })).toEqual({ is: 'keep', failure, isHibernated: false });
    expect(decide({ ...failing, mayHaveRun: false })).toEqual({ is: 'end' });
    // Its files were in the pod: one stop deletes the session.
    expect(decide({ ...failing, hasClaim: false })).toEqual({ is: 'end' });
    expect(decide({ ...failing, hasClaim: false, request: hibernate })).toMatchObject({ is: 'keep' });
  });

  it('never hibernates a session without a claim whose work cannot be saved', () => {
    const without = { request: hibernate, hasClaim: false };
    expect(decide({ ...without, mayPush: false })).toMatchObject({ is: 'keep', isHibernated: false });
    expect(decide({ ...without, agent: { reason: 'no-agent', message: '' } })).toMatchObject({ is: 'keep' });
    expect(decide({ ...without, save: saved() })).toEqual({ is: 'end' });
  });
});
