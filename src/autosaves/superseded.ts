import type { OwnAutosave } from './own-autosaves.ts';
import type { NewSession } from './types.ts';

/**
 * Which autosaves a new session supersedes if the commit that they began from is an ancestor of the session's, by that
 * commit. Not those of other branches, which the session's branch has not overtaken; not those of the session's own
 * commit, which it brings back; not those that another session of the user may be about to bring back.
 */
export function byRootCommit(
  autosaves: readonly OwnAutosave[],
  { branch, commitSha, commitsInUse }: NewSession,
): Map<string, OwnAutosave[]> {
  const isInUse = (commit: string): boolean =>
    [commitSha, ...commitsInUse].some((used) => used.startsWith(commit) || !isCommitId(used));
  // Anything else is no beginning of a commit's id, and GitLab would look for a branch of that name.
  const overtaken = autosaves.filter(
    ({ rootBranch, rootCommit }) => rootBranch === branch && isCommitId(rootCommit) && !isInUse(rootCommit),
  );
  return Map.groupBy(overtaken, ({ rootCommit }) => rootCommit);
}

/** A session's commit may be known by a tag or branch only, and then it can be any. */
function isCommitId(text: string): boolean {
  return /^[0-9a-f]{7,64}$/.test(text);
}

/** `mergeBase`: of the commit and the session's, in full. A tag that is called like the commit is not taken for it. */
export function isAncestor(commit: string, mergeBase: string | undefined): boolean {
  return mergeBase?.startsWith(commit) ?? false;
}
