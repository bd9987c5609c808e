import { describe, expect, it } from 'vitest';
import type { GitLabComparedCommit, GitLabComparison } from '../platform/gitlab/types.ts';
import { parseAutosave } from '../session-contract/autosave.ts';
import { presentContent } from './content.ts';

const id = (letter: string) => letter.repeat(40);
const commit = (letter: string, parents: string, day = 1): GitLabComparedCommit => ({
  ...{ sha: id(letter), title: `commit ${letter}`, authorName: 'Ada', committedDate: `2026-01-0${day}T00:00:00Z` },
  parents: [...parents].map(id),
});
const contentOf = (head: string, comparison: Partial<GitLabComparison>) => {
  const name = `renku/autosave/ada/feature/a/aaaaaaa/${head.repeat(7)}`;
  const autosave = parseAutosave(name);
  if (!autosave) throw new Error(`${name} is not an autosave`);
  return presentContent(name, autosave, { commits: [], files: [], hasAllFiles: true, ...comparison });
};

describe('the content of an autosave', () => {
  it("has the commits of the session's branch, and counts those of other branches and stashes", () => {
    // a (launch) <- b <- c (HEAD); the save `e` has HEAD and the description `d`, whose parents are a stash and another branch.
    const commits = [
      commit('b', 'a', 1),
      commit('c', 'b', 2),
      commit('f', 'a'),
      commit('9', 'c'),
      commit('8', 'c9'),
      commit('d', 'f8c'),
      commit('e', 'cd'),
    ];
    const files = ['x.txt', 'folder/y.txt'];
    expect(contentOf('c', { commits, files })).toMatchObject({
      branch: 'feature/a',
      commit: 'aaaaaaa',
      files: { count: 2, names: files, isComplete: true },
      commits: {
        count: 2,
        newest: [{ commit_sha: id('c'), title: 'commit c' }, { title: 'commit b' }],
        isComplete: true,
      },
      others: 3,
    });
  });

  it('has no commits if the session made none', () => {
    expect(contentOf('a', { commits: [commit('d', 'a'), commit('e', 'ad')], files: ['x'] })).toMatchObject({
      commits: { count: 0, newest: [], isComplete: true },
      others: 0,
    });
  });

  it('has the commits of a save of renku-notebooks, which has no further parents', () => {
    const commits = [commit('b', 'a'), commit('c', 'b')];
    expect(contentOf('b', { commits })).toMatchObject({ commits: { count: 1 }, others: 0 });
    expect(contentOf('c', { commits })).toMatchObject({ commits: { count: 2 }, others: 0 });
  });

  it('says that it is not complete if GitLab lists only a part', () => {
    const files = Array.from({ length: 150 }, (_, index) => `${index}`);
    const content = contentOf('b', { commits: [commit('e', 'bd')], files, hasAllFiles: false });
    expect(content).toMatchObject({
      files: { count: 150, isComplete: false },
      commits: { count: 0, isComplete: false },
    });
    expect(content.files.names).toHaveLength(100);
  });
});
