import { describe, expect, it } from 'vitest';
import { registered } from '../../tests/support/autosaves/callers.ts';
import { autosaveBranch } from '../session-contract/autosave.ts';
import type { OwnAutosave } from './own-autosaves.ts';
import { byRootCommit, isAncestor } from './superseded.ts';
import type { NewSession } from './types.ts';

const launched = 'a'.repeat(40);
const session: NewSession = {
  name: 'ada-own-1',
  user: registered('https://gitlab.example.org', 'token'),
  projectId: 1,
  branch: 'main',
  commitSha: launched,
  commitsInUse: [],
};
const autosave = (rootCommit: string, rootBranch = 'main', finalCommit = 'fffffff'): OwnAutosave => {
  const parts = { username: 'ada', rootBranch, rootCommit, finalCommit };
  return { ...parts, branch: { name: autosaveBranch(parts), commitSha: 'e'.repeat(40), committedDate: null } };
};
const commitsOf = (autosaves: OwnAutosave[], changes: Partial<NewSession> = {}) => [
  ...byRootCommit(autosaves, { ...session, ...changes }).keys(),
];

describe('a new session may supersede', () => {
  it('autosaves of its branch, by the commit that they began from', () => {
    const twice = [autosave('1111111'), autosave('1111111', 'main', '2222222')];
    expect(byRootCommit([twice[0] as OwnAutosave, autosave('3333333'), twice[1] as OwnAutosave], session)).toEqual(
      new Map([
        ['1111111', twice],
        ['3333333', [autosave('3333333')]],
      ]),
    );
  });

  it('none of its own commit, and none of other branches', () => {
    expect(commitsOf([autosave('aaaaaaa'), autosave('1111111', 'Main'), autosave('1111111', 'main/2')])).toEqual([]);
  });

  it('none that begins from what is no commit id', () => {
    expect(commitsOf([autosave('release'), autosave('ABCDEF0'), autosave('abcdef0')])).toEqual(['abcdef0']);
  });

  it('none that another session may be about to bring back', () => {
    const autosaves = [autosave('1111111'), autosave('2222222')];
    expect(commitsOf(autosaves, { commitsInUse: [`1111111${'0'.repeat(33)}`] })).toEqual(['2222222']);
    expect(commitsOf(autosaves, { commitsInUse: ['2222222'] })).toEqual(['1111111']);
    for (const unclear of ['v1.0', '']) expect(commitsOf(autosaves, { commitsInUse: [unclear] })).toEqual([]);
  });
});

describe('a commit', () => {
  it('is an ancestor when it is what both have in common', () => {
    expect(isAncestor('1111111', `1111111${'0'.repeat(33)}`)).toBe(true);
    expect(isAncestor('1111111', '0'.repeat(40))).toBe(false);
    expect(isAncestor('1111111', undefined)).toBe(false);
  });
});
