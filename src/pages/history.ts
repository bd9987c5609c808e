import { ApiError, errorKind } from '../errors.ts';
import type { BranchesResponse, CommitsResponse } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLabHistory } from '../platform/gitlab/types.ts';

interface Question {
  readonly gitlab: GitLabHistory;
  readonly identity: Identity;
  /** Path of the project, with its groups. */
  readonly project: string;
  /** From 1 on. */
  readonly page: number;
}

/** One page of the branches whose names have `search` in them. Throws ApiError 404 and whatever GitLab throws. */
export async function listBranches(
  { gitlab, identity, project, page, search }: Question & { readonly search: string | undefined },
  deadline: Deadline,
): Promise<BranchesResponse> {
  const found = await gitlab.branches(identity.git, project, { search: search?.trim() ?? '', page }, deadline);
  if (!found) throw noRepository(project);
  return {
    branches: found.branches.map(({ name, commitSha, committedDate }) => ({
      name,
      commit_sha: commitSha,
      committed_at: committedDate,
    })),
    next_page: found.nextPage ?? null,
  };
}

/** One page of the history of `ref` (undefined: of the default branch). Throws ApiError 404 and whatever GitLab throws. */
export async function listCommits(
  { gitlab, identity, project, page, ref }: Question & { readonly ref: string | undefined },
  deadline: Deadline,
): Promise<CommitsResponse> {
  const found = await gitlab.commits(identity.git, project, { ref: ref || undefined, page }, deadline);
  if (!found) throw noRepository(project, ref);
  return {
    commits: found.commits.map(({ sha, title, authorName, committedDate }) => ({
      commit_sha: sha,
      title,
      author_name: authorName,
      committed_at: committedDate,
    })),
    next_page: found.nextPage ?? null,
  };
}

function noRepository(project: string, ref?: string): ApiError {
  const what = ref ? `There is no project ${project} with “${ref}” that you can read.` : undefined;
  return new ApiError(errorKind.missing, what ?? `There is no project ${project} whose repository you can read.`);
}
