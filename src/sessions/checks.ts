import type { Config } from '../config/types.ts';
import type { Deadline } from '../deadline.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import type { ImageChecker } from '../images/types.ts';
import { chooseResources, type SessionResources } from '../options/resource-classes.ts';
import type { GitLab, GitLabProject } from '../platform/gitlab/types.ts';
import type { LaunchRequest } from './launch-request.ts';
import { askGitLab, type Outcome, projectImage, requestedImage, type SessionImage } from './look-ups.ts';

/** Everything outside the cluster that a session needs, found. */
export interface CheckedLaunch {
  readonly project: GitLabProject;
  /** Full. */
  readonly commitSha: string;
  readonly image: SessionImage;
  readonly resources: SessionResources;
}

export interface CheckParts {
  readonly gitlab: GitLab;
  readonly images: ImageChecker;
  readonly config: Config;
}

/**
 * Looks for project, branch, commit and image, all at once. What is missing is reported together; trouble of GitLab or
 * a registry is never reported as something missing.
 * Errors: 1404 (missing), 1002 (image cannot be parsed), 1005 and 1000 (resources; address of the image), 1401 (GitLab
 * refuses the token), 3000 and 3004 (GitLab or a registry has trouble).
 */
export async function checkLaunch(
  { gitlab, images, config }: CheckParts,
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<CheckedLaunch> {
  const resources = chooseResources(config.resource_pools, request.resources);
  const { path } = request.project;
  const resolving = askGitLab(gitlab.commit(identity.git, path, request.commit, deadline), deadline);
  const [project, branch, commit, image] = await Promise.all([
    askGitLab(gitlab.project(identity.git, path, deadline), deadline),
    askGitLab(gitlab.branch(identity.git, path, request.branch, deadline), deadline),
    resolving,
    request.image === undefined
      ? projectImage(images, identity, request, resolving, config, deadline)
      : requestedImage(images, identity, request.image, deadline),
  ]);
  if (project.is === 'found' && branch.is === 'found' && commit.is === 'found' && image.is === 'found') {
    return { project: project.value, commitSha: commit.value.sha, image: image.value, resources };
  }
  throw gravest([
    { path: 'body.project', what: `project "${path}"`, outcome: project },
    { path: 'body.branch', what: `branch "${request.branch}"`, outcome: branch },
    { path: 'body.commit_sha', what: `commit "${request.commit}"`, outcome: commit },
    { path: 'body.image', what: `image "${request.image}"`, outcome: image },
  ]);
}

interface Looked {
  readonly path: string;
  readonly what: string;
  readonly outcome: Outcome<unknown>;
}

/**
 * Input that cannot be right comes first, then who the caller is, then GitLab's trouble, then everything that is
 * missing, and last a registry's trouble: it does not hide what is missing for certain.
 */
function gravest(looked: readonly Looked[]): ApiError {
  const troubles = looked.flatMap(({ path, outcome }) =>
    outcome.is === 'trouble' ? [{ path, error: outcome.error }] : [],
  );
  const error =
    troubles.find((trouble) => trouble.error.kind.status === 422) ??
    troubles.find((trouble) => trouble.error.kind.status === 401) ??
    troubles.find((trouble) => trouble.path !== 'body.image');
  return (
    error?.error ?? missing(looked) ?? troubles[0]?.error ?? new ApiError(errorKind.bug, 'The launch was refused.')
  );
}

function missing(looked: readonly Looked[]): ApiError | undefined {
  const gone = looked.flatMap(({ path, what, outcome }) =>
    outcome.is === 'missing' ? [{ path, what, why: outcome.why }] : [],
  );
  if (gone.length === 0) return undefined;
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(gone.map(({ what }) => what));
  const message = `Cannot launch the session: ${list} ${gone.length === 1 ? 'does' : 'do'} not exist.`;
  const image = gone.find(({ path }) => path === 'body.image');
  return new ApiError(errorKind.missing, message, {
    detail: [errorKind.missing.detail, ...(image ? [image.why] : [])].join(' '),
    fields: gone.map(({ path, why }) => ({ path, message: why })),
  });
}
