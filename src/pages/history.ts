import { ApiError, errorKind } from '../errors.ts';
import type { BranchesResponse, CommitsResponse } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLabHistory } from '../platform/gitlab/types.ts';

interface HistoryRequest {
  readonly gitlab: GitLabHistory;
  readonly identity: Identity;
  /** Path of the project with its groups. */
  readonly project: string;
  /** Number of the page, from 1. */
  readonly page: number;
}

/** Returns one page of the branches whose names contain `search`. Throws ApiError 404 and the errors of GitLab. */
export async function listBranches(
  { gitlab, identity, project, page, search }: HistoryRequest & { readonly search: string | undefined },
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

/** Returns one page of the history of `ref`, by default the default branch. Throws ApiError 404 and the errors of GitLab. */
export async function listCommits(
  { gitlab, identity, project, page, ref }: HistoryRequest & { readonly ref: string | undefined },
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
  const what = ref
    ? `The project ${project} does not exist, or has no “${ref}”`
    : `The project ${project} does not exist`;
  return new ApiError(errorKind.missing, `${what}, or you do not have access to its repository.`);
}
