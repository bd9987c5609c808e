import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { GitLab, GitLabProject } from '../platform/gitlab/types.ts';

export interface LaunchTarget {
  project: GitLabProject;
  branch: string;
  /** Full commit id. */
  commitSha: string;
}

/**
 * Returns the project, branch and commit to launch. `ref` is a branch, a tag or a commit; the default is the newest commit of
 * `branch`. For a tag or a commit, the session uses `branch`, by default the project's default branch. Throws ApiError 404,
 * which names the missing project, branch or commit, and the errors of GitLab.
 */
export async function resolveLaunch(
  request: { gitlab: GitLab; identity: Identity; path: string; ref: string | undefined; branch: string | undefined },
  deadline: Deadline,
): Promise<LaunchTarget> {
  const { gitlab, identity, path, branch: wanted } = request;
  const access = identity.git;
  const project = await findProject(gitlab, identity, path, deadline);
  if (!project.defaultBranch || project.isEmpty) {
    throw new ApiError(errorKind.missing, `${project.pathWithNamespace} has no commits yet.`, {
      detail: 'Push a first commit, then launch it.',
    });
  }

  const ref = request.ref ?? wanted ?? project.defaultBranch;
  const [branch, commit] = await Promise.all([
    gitlab.branch(access, project.id, wanted ?? ref, deadline),
    gitlab.commit(access, project.id, ref, deadline),
  ]);
  if (wanted && !branch) throw noRef(project, 'branch', wanted);
  if (branch && (!wanted || wanted === ref)) return { project, branch: branch.name, commitSha: branch.commitSha };
  if (commit) return { project, branch: branch?.name ?? project.defaultBranch, commitSha: commit.sha };
  throw noRef(project, 'branch, tag or commit', ref);
}

/** Returns the project that the caller can see. Throws ApiError 404, and the errors of GitLab. */
export async function findProject(
  gitlab: Pick<GitLab, 'project'>,
  identity: Identity,
  path: string,
  deadline: Deadline,
): Promise<GitLabProject> {
  const project = await gitlab.project(identity.git, path, deadline);
  if (!project) throw noProject(path, identity);
  return project;
}

function noRef({ pathWithNamespace }: GitLabProject, what: string, name: string): ApiError {
  return new ApiError(errorKind.missing, `${pathWithNamespace} has no ${what} “${name}”.`, {
    detail: 'Check the spelling. A branch that has been merged may have been deleted.',
  });
}

function noProject(path: string, identity: Identity): ApiError {
  return new ApiError(errorKind.missing, `The project ${path} does not exist, or you do not have access.`, {
    detail:
      identity.kind === 'anonymous'
        ? 'You are not signed in, so only public projects can be found. Check the spelling, or sign in.'
        : 'Check the spelling, and that you are a member of the project.',
  });
}
