import type { GitLabComparison } from '../platform/gitlab/types.ts';
import type { OwnAutosave } from './own-autosaves.ts';
import type { NewSession } from './types.ts';

/**
 * Returns the autosaves that a new session supersedes if their root commit is an ancestor of the session's commit, grouped
 * by root commit. Autosaves of other branches are left out, and so are those that the session or another session of the
 * user can still restore.
 */
export function byRootCommit(
  autosaves: readonly OwnAutosave[],
  { branch, commitSha, commitsInUse }: NewSession,
): Map<string, OwnAutosave[]> {
  const isInUse = (commit: string): boolean =>
    [commitSha, ...commitsInUse].some((used) => used.startsWith(commit) || !isCommitId(used));
  // Root commits that are not ids are left out, because GitLab would interpret other text as the name of a branch.
  const overtaken = autosaves.filter(
    ({ rootBranch, rootCommit }) => rootBranch === branch && isCommitId(rootCommit) && !isInUse(rootCommit),
  );
  return Map.groupBy(overtaken, ({ rootCommit }) => rootCommit);
}

/** Returns whether a text is a commit id. A tag or a branch can be the name of any commit. */
function isCommitId(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/**
 * Returns whether an autosave has nothing that the session's commit does not have: neither files, nor commits besides that of the autosave
 * itself. A save of this project has a second commit, whose stashes, index and submodules a comparison does not show.
 */
export const hasNothing = ({ commits, files, hasAllFiles }: GitLabComparison): boolean =>
  files.length === 0 && hasAllFiles && commits.length <= 1;

/**
 * Returns whether a commit is an ancestor of the session's commit. `mergeBase` is the full id of the merge base of both,
 * so that a tag with the name of the commit is not taken for it.
 */
export function isAncestor(commit: string, mergeBase: string | undefined): boolean {
  return mergeBase?.startsWith(commit) ?? false;
}
