import type { RegisteredUser } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLabBranches, GitLabBranchTip } from '../platform/gitlab/types.ts';
import { type Autosave, autosavePrefix, parseAutosave } from '../session-contract/autosave.ts';

export interface OwnAutosave extends Autosave {
  readonly branch: GitLabBranchTip;
}

/** Of 100 branches each: where somebody has more autosaves in one project, the rest is left out. */
const maxPages = 10;

/**
 * The autosaves of a user in a project, newest first; undefined: there is no such project for this user. The list of
 * branches says everything about them, so this is one call to GitLab for up to 100 autosaves. Errors are GitLab's.
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

/** GitLab searches without regard to case, and anybody may push a branch that only begins like an autosave. */
function ownAutosave({ username }: RegisteredUser, branch: GitLabBranchTip): OwnAutosave | undefined {
  const autosave = parseAutosave(branch.name);
  return autosave?.username === username ? { ...autosave, branch } : undefined;
}

/** Milliseconds since the epoch; what has no date is taken for old. */
function savedAt({ branch }: OwnAutosave): number {
  return Date.parse(branch.committedDate ?? '') || 0;
}
