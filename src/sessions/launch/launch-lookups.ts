import type { Identity } from '../../identity/types.ts';
import { fullCommitId } from '../../jupyter-server/commit-id.ts';
import type { Deadline } from '../../lib/deadline.ts';
import type { ChosenResources } from '../../options/resource-classes.ts';
import type { GitLabBranch, GitLabCommit, GitLabProject } from '../../platform/gitlab/types.ts';
import type { CheckParts } from './checks.ts';
import type { LaunchRequest } from './launch-request.ts';
import { askGitLab, askResources, type Outcome, projectImage, requestedImage, type SessionImage } from './lookups.ts';

/** What a launch is about, beside its project: the branch, and the full id of the commit. */
export interface LaunchTarget {
  readonly branch: string;
  readonly commit: string;
}

/** What has become of each look-up of a launch. */
export interface LaunchFindings {
  readonly project: Outcome<GitLabProject>;
  readonly branch: Outcome<GitLabBranch>;
  readonly commit: Outcome<GitLabCommit>;
  readonly image: Outcome<SessionImage>;
  readonly resources: Outcome<ChosenResources>;
}

/** The look-ups of one launch. Each is made once, when it is first needed; none throws what an outcome can say. */
export interface LaunchLookUps {
  /** Made without a call where the request names the branch, and the commit by its full id. */
  target(): Promise<Outcome<LaunchTarget>>;
  /** Project, branch, commit, image and resources, all at once. */
  all(): Promise<LaunchFindings>;
}

/** @param resolving for what `target` needs of GitLab; `deadline` for everything else */
export function createLookUps(
  { gitlab, images, offered, config }: CheckParts,
  identity: Identity,
  request: LaunchRequest,
  resolving: Deadline,
  deadline: Deadline,
): LaunchLookUps {
  const { path } = request.project;
  const id = fullCommitId(request.commit);
  const ofProject = request.branch === undefined ? resolving : deadline;
  const ofCommit = id === undefined ? resolving : deadline;

  const project = once(() => askGitLab(gitlab.project(identity.git, path, ofProject), ofProject));
  const commit = once(() => askGitLab(gitlab.commit(identity.git, path, request.commit, ofCommit), ofCommit));
  const branchName = async (): Promise<Outcome<string>> =>
    request.branch === undefined ? defaultBranchOf(await project()) : { is: 'found', value: request.branch };
  const branch = async (): Promise<Outcome<GitLabBranch>> => {
    const name = await branchName();
    return name.is === 'found' ? askGitLab(gitlab.branch(identity.git, path, name.value, deadline), deadline) : name;
  };

  return {
    async target() {
      const [inBranch, resolved] = await Promise.all([
        branchName(),
        id === undefined ? commit() : { is: 'found' as const, value: { sha: id } },
      ]);
      if (inBranch.is !== 'found') return inBranch;
      if (resolved.is !== 'found') return resolved;
      return { is: 'found', value: { branch: inBranch.value, commit: resolved.value.sha } };
    },

    async all() {
      const [ofPath, inBranch, resolved, image, resources] = await Promise.all([
        project(),
        branch(),
        commit(),
        request.image === undefined
          ? projectImage(images, identity, request, commit(), config, deadline)
          : requestedImage(images, identity, request.image, deadline),
        askResources(offered, identity, request.resources, deadline),
      ]);
      return { project: ofPath, branch: inBranch, commit: resolved, image, resources };
    },
  };
}

/** GitLab names none to callers who may not read the repository. Which it is where the repository is empty is no branch. */
function defaultBranchOf(project: Outcome<GitLabProject>): Outcome<string> {
  if (project.is !== 'found') return project;
  const { defaultBranch } = project.value;
  return defaultBranch === null
    ? { is: 'missing', why: 'GitLab names no default branch to you; name a branch' }
    : { is: 'found', value: defaultBranch };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
