import type { AutosaveContent } from '../generated/openapi.ts';
import type { GitLabComparedCommit, GitLabComparison } from '../platform/gitlab/types.ts';
import type { Autosave } from '../session-contract/autosave.ts';

const maxNames = 100;
const maxCommits = 20;

/**
 * Returns what is in an autosave, from its comparison with the commit of the launch. Pure. The tip of the branch is the commit of the
 * autosave. A save of this project has the user's HEAD as the first parent of its tip, and as the last one a commit whose parents are
 * stashes and the tips of other branches. A save of renku-notebooks has the user's commits only.
 */
export function presentContent(name: string, autosave: Autosave, comparison: GitLabComparison): AutosaveContent {
  const { rootBranch, rootCommit, finalCommit } = autosave;
  const { commits, files, hasAllFiles } = comparison;
  const known = new Map(commits.map((commit) => [commit.sha, commit]));
  const own = ancestorsIn(
    known,
    commits.filter(({ sha }) => sha.startsWith(finalCommit)),
  );
  const isParent = new Set(commits.flatMap(({ parents }) => parents));
  const [tip] = commits.filter(({ sha }) => !isParent.has(sha) && !own.has(sha));
  const description = tip && tip.parents.length > 1 ? tip.parents.at(-1) : undefined;
  const ofSave = [tip?.sha, description].filter((sha) => sha !== undefined && known.has(sha) && !own.has(sha));
  const newest = [...own.values()].toSorted((a, b) => instantOf(b) - instantOf(a));
  return {
    name,
    branch: rootBranch,
    commit: rootCommit,
    files: { count: files.length, names: files.slice(0, maxNames), isComplete: hasAllFiles },
    commits: {
      count: newest.length,
      newest: newest.slice(0, maxCommits).map(({ sha, title, authorName, committedDate }) => ({
        commit_sha: sha,
        title,
        author_name: authorName,
        committed_at: committedDate,
      })),
      // Without the commit in the name, GitLab has cut the list, unless no commit was made.
      isComplete: newest.length > 0 || finalCommit === rootCommit,
    },
    others: commits.length - own.size - ofSave.length,
  };
}

/** Returns the commits that can be reached from `tips`, as far as they are known. */
function ancestorsIn(
  known: ReadonlyMap<string, GitLabComparedCommit>,
  tips: readonly GitLabComparedCommit[],
): Map<string, GitLabComparedCommit> {
  const found = new Map<string, GitLabComparedCommit>();
  const waiting = [...tips];
  for (let commit = waiting.pop(); commit; commit = waiting.pop()) {
    if (found.has(commit.sha)) continue;
    found.set(commit.sha, commit);
    waiting.push(...commit.parents.flatMap((parent) => known.get(parent) ?? []));
  }
  return found;
}

const instantOf = ({ committedDate }: GitLabComparedCommit): number => Date.parse(committedDate ?? '') || 0;
