import { ApiError, errorKind } from '../../errors.ts';
import { ownerKey } from '../../identity/owner.ts';
import { safeUsername } from '../../identity/safe-username.ts';
import type { Identity } from '../../identity/types.ts';
import type { ManifestInput, Repository, SessionUser } from '../manifest/input.ts';
import type { CheckedLaunch } from './checks.ts';
import type { LaunchRequest } from './launch-request.ts';

/** The lowest access level of GitLab that permits pushing. */
const developer = 30;

/**
 * Returns the input of the manifest. Throws ApiError 1401 if the ID token has unusable claims, and 3000 if GitLab returns
 * an unusable path.
 */
export function manifestInput(
  name: string,
  identity: Identity,
  request: LaunchRequest,
  checked: CheckedLaunch,
  generated: { readonly launchId: string; readonly sessionToken: string },
): ManifestInput {
  return {
    name,
    ...generated,
    user: userOf(identity),
    repository: repositoryOf(identity, request, checked),
    image: { ...checked.image, requested: request.image },
    resources: checked.resources,
    defaultUrl: request.defaultUrl,
    lfsAutoFetch: request.lfsAutoFetch,
    environment: request.environment,
    cloudStorage: request.cloudStorage.map(({ kind, endpoint, bucket, isPrivate }) => ({
      kind,
      endpoint,
      bucket,
      isPrivate,
    })),
  };
}

/** The operator inserts such text into YAML and line-based files, where white space and quotes would change the structure. */
const isPlain = (text: string): boolean => text !== '' && !/[\s\p{Cc}"\\]/u.test(text);

function userOf(identity: Identity): SessionUser {
  const { id, username } = identity;
  const common = {
    id,
    username,
    safeUsername: safeUsername(username),
    owner: ownerKey(identity),
    gitUrl: identity.git.url,
    hasGitToken: identity.git.token !== null,
    gitTokenExpiresAt: identity.git.tokenExpiresAt,
    hasRefreshToken: identity.kind === 'registered' && identity.refreshToken !== null,
  };
  if (identity.kind === 'anonymous') return { ...common, kind: 'anonymous', profile: undefined };
  const { email, fullName, issuer } = identity;
  if (!isPlain(email) || !isPlain(issuer)) {
    throw new ApiError(errorKind.unauthenticated, 'The e-mail address or the issuer in the ID token cannot be used.');
  }
  return { ...common, kind: 'registered', profile: { email, fullName, issuer } };
}

function repositoryOf(
  identity: Identity,
  request: LaunchRequest,
  { project, branch, commitSha }: CheckedLaunch,
): Repository {
  const folder = project.pathWithNamespace.split('/').at(-1) ?? '';
  if (!/^\w[\w.-]*$/.test(folder)) {
    throw new ApiError(errorKind.intermittent, 'GitLab returned a project path that cannot be used.');
  }
  return {
    gitlabProjectId: project.id,
    namespace: request.project.namespace,
    project: request.project.name,
    folder,
    webUrl: project.webUrl,
    httpUrl: project.httpUrlToRepo,
    branch,
    isDefaultBranch: branch === project.defaultBranch,
    requestedCommit: request.commit,
    commitSha,
    mayPush: identity.kind === 'registered' && project.accessLevel >= developer,
  };
}
