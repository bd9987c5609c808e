import { ApiError, errorKind } from './errors.ts';
import { GitLabRefused, GitLabUnauthorized, GitLabUnavailable } from './platform/gitlab/types.ts';

/**
 * An error of GitLab's as one that the API answers, with GitLab's own reason where it gives one, whose fault it is and
 * what to do; undefined for any other error.
 */
export function gitLabApiError(cause: unknown): ApiError | undefined {
  if (cause instanceof GitLabUnauthorized) {
    const why = gitLabSays(cause) || 'They have run out or were withdrawn. ';
    const detail = `${why}Sign out of the platform and in again.`;
    return new ApiError(errorKind.unauthenticated, 'GitLab does not accept your credentials.', { detail, cause });
  }
  if (cause instanceof GitLabRefused) {
    const detail = `${gitLabSays(cause)}Sign in to GitLab itself with a browser to see what it wants of you, then try again. An administrator of GitLab can help.`;
    return new ApiError(errorKind.forbidden, 'GitLab refuses this to you.', { detail, cause });
  }
  if (cause instanceof GitLabUnavailable) {
    const { retryAfterSeconds } = cause;
    return new ApiError(errorKind.intermittent, 'GitLab does not give a usable answer.', {
      detail: `${gitLabSays(cause)}${errorKind.intermittent.detail}`,
      cause,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds: Math.max(1, retryAfterSeconds) }),
    });
  }
  return undefined;
}

/** A sentence with GitLab's reason and a space behind it, or nothing. */
export function gitLabSays({ reason }: GitLabUnauthorized | GitLabRefused | GitLabUnavailable): string {
  return reason === undefined ? '' : `It says: "${reason}" `;
}
