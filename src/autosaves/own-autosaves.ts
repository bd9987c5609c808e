import type { RegisteredUser } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLabBranches, GitLabBranchTip } from '../platform/gitlab/types.ts';
import { type Autosave, autosavePrefix, parseAutosave } from '../session-contract/autosave.ts';

export interface OwnAutosave extends Autosave {
  readonly branch: GitLabBranchTip;
}

/** Pages of 100 branches. More autosaves of one user in one project are left out. */
const maxPages = 10;

/**
 * Returns the autosaves of a user in a project, newest first; undefined if the user cannot see the project. Makes one call
 * to GitLab for each 100 autosaves, because the list of branches has all the data. Throws GitLab's errors.
 */
export async function ownAutosaves(
  gitlab: Pick<GitLabBranches, 'branches'>,
  user: RegisteredUser,
  project: string | number,
  deadline: Deadline,
): Promise<OwnAutosave[] | undefined> {
  const found: OwnAutosave[] = [];
  const prefix = autosavePrefix(user.username);
  let next: number | undefined = 1;
  while (next !== undefined && next <= maxPages) {
    const page = await gitlab.branches(user.git, project, { prefix, page: next }, deadline);
    if (!page) return undefined;
    found.push(...page.branches.flatMap((branch) => ownAutosave(user, branch) ?? []));
    next = page.nextPage;
  }
  return found.sort((a, b) => savedAt(b) - savedAt(a));
}

/** Returns the autosave in a found branch: the search ignores case, and any branch can start like an autosave. */
function ownAutosave({ username }: RegisteredUser, branch: GitLabBranchTip): OwnAutosave | undefined {
  const autosave = parseAutosave(branch.name);
  return autosave?.username === username ? { ...autosave, branch } : undefined;
}

/** Returns milliseconds since the epoch; 0 without a date. */
function savedAt({ branch }: OwnAutosave): number {
  return Date.parse(branch.committedDate ?? '') || 0;
}
