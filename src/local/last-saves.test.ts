import { describe, expect, it } from 'vitest';
import type { SessionAgents } from '../platform/session-agent/types.ts';
import { describeSave } from './last-saves.ts';

type Operation = Awaited<ReturnType<SessionAgents['save']>>;
type Result = NonNullable<Operation['result']>;

const result: Result = {
  ...{ location: 'remote', branch: 'renku/autosave/ada/main/1/2', commit: '1', isVerified: true },
  ...{ files: 1, commits: 0, changedMeanwhile: [], notSaved: [] },
};
const file = { path: 'a', bytes: 1, reason: 'ignored' } as const;
const error = { reason: 'unreachable', message: 'The git server is not available.' } as const;
const kept = 'All files are kept, and the next start continues with them.';

describe('what Ctrl-C says about a save', () => {
  it.each<[string, Pick<Operation, 'state' | 'result' | 'error'>]>([
    ['saved in the branch renku/autosave/ada/main/1/2', { state: 'succeeded', result, error: null }],
    [
      `saved in the branch renku/autosave/ada/main/1/2, without 2 files. ${kept}`,
      { state: 'succeeded', result: { ...result, notSaved: [file], changedMeanwhile: ['b'] }, error: null },
    ],
    [
      'no unsaved work',
      { state: 'succeeded', result: { ...result, location: 'none', branch: null, commit: null }, error: null },
    ],
    [
      'saved on the volume, and the next start pushes the save. The git server is not available.',
      { state: 'failed', result: { ...result, location: 'volume', isVerified: false }, error },
    ],
    [`not saved in the repository. The git server is not available. ${kept}`, { state: 'failed', result: null, error }],
    [`not saved in the repository. The save was cancelled. ${kept}`, { state: 'cancelled', result: null, error: null }],
  ])('is true: %s', (text, operation) => {
    expect(describeSave(operation)).toBe(text);
  });
});
