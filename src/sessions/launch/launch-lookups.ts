import type { LaunchConfig } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { ImageChecker } from '../../images/types.ts';
import { fullCommitId } from '../../jupyter-server/commit-id.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { ChosenResources, OfferedPools } from '../../options/resource-classes.ts';
import type { GitLab, GitLabBranch, GitLabCommit, GitLabProject } from '../../platform/gitlab/types.ts';
import type { LaunchRequest } from './launch-request.ts';
import {
  type LookupResult,
  lookUpInGitLab,
  lookUpProjectImage,
  lookUpRequestedImage,
  lookUpResources,
  type SessionImage,
} from './lookups.ts';

export interface LookupParts {
  readonly gitlab: GitLab;
  readonly images: ImageChecker;
  readonly offered: OfferedPools;
  readonly config: LaunchConfig;
}

/** The branch of a launch and the full id of its commit. */
export interface LaunchTarget {
  readonly branch: string;
  readonly commit: string;
}

/** The results of all lookups of a launch. */
export interface LookupResults {
  readonly project: LookupResult<GitLabProject>;
  readonly branch: LookupResult<GitLabBranch>;
  readonly commit: LookupResult<GitLabCommit>;
  readonly image: LookupResult<SessionImage>;
  readonly resources: LookupResult<ChosenResources>;
}

/** The lookups of one launch. Each of them starts when it is first needed, and runs once. */
export interface LaunchLookups {
  /** Resolves branch and commit; without a call if the request names the branch and the full id of the commit. */
  target(): Promise<LookupResult<LaunchTarget>>;
  /** Looks up project, branch, commit, image and resources in parallel. */
  all(): Promise<LookupResults>;
}

/**
 * Returns the lookups of a launch.
 * @param targetDeadline for the GitLab calls that `target` needs
 * @param deadline for all other calls
 */
export function createLaunchLookups(
  { gitlab, images, offered, config }: LookupParts,
  identity: Identity,
  request: LaunchRequest,
  targetDeadline: Deadline,
  deadline: Deadline,
): LaunchLookups {
  const { path } = request.project;
  const commitId = fullCommitId(request.commit);
  const projectDeadline = request.branch === undefined ? targetDeadline : deadline;
  const commitDeadline = commitId === undefined ? targetDeadline : deadline;

  const project = once(() => lookUpInGitLab(gitlab.project(identity.git, path, projectDeadline), projectDeadline));
  const commit = once(() =>
    lookUpInGitLab(gitlab.commit(identity.git, path, request.commit, commitDeadline), commitDeadline),
  );
  const branchName = async (): Promise<LookupResult<string>> =>
    request.branch === undefined ? defaultBranchOf(await project()) : { is: 'found', value: request.branch };
  const branch = async (): Promise<LookupResult<GitLabBranch>> => {
    const name = await branchName();
    return name.is === 'found'
      ? lookUpInGitLab(gitlab.branch(identity.git, path, name.value, deadline), deadline)
      : name;
  };
  const sha = async (): Promise<LookupResult<string>> => {
    if (commitId !== undefined) return { is: 'found', value: commitId };
    const result = await commit();
    return result.is === 'found' ? { is: 'found', value: result.value.sha } : result;
  };

  return {
    async target() {
      const [branchResult, commitResult] = await Promise.all([branchName(), sha()]);
      if (branchResult.is !== 'found') return branchResult;
      if (commitResult.is !== 'found') return commitResult;
      return { is: 'found', value: { branch: branchResult.value, commit: commitResult.value } };
    },

    async all() {
      const [projectResult, branchResult, commitResult, image, resources] = await Promise.all([
        project(),
        branch(),
        commit(),
        request.image === undefined
          ? lookUpProjectImage(images, identity, request, commit(), config, deadline)
          : lookUpRequestedImage(images, identity, request.image, deadline),
        lookUpResources(offered, identity, request.resources, deadline),
      ]);
      return { project: projectResult, branch: branchResult, commit: commitResult, image, resources };
    },
  };
}

/** Returns the project's default branch. GitLab names none to callers who may not read the repository. */
function defaultBranchOf(project: LookupResult<GitLabProject>): LookupResult<string> {
  if (project.is !== 'found') return project;
  const { defaultBranch } = project.value;
  return defaultBranch === null
    ? { is: 'missing', reason: 'GitLab shows you no default branch; name a branch' }
    : { is: 'found', value: defaultBranch };
}

function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start();
    return started;
  };
}
