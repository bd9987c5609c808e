import { ApiError, errorKind, type FieldError } from '../../errors.ts';
import type { ChosenResources } from '../../options/resource-classes.ts';
import type { GitLabProject } from '../../platform/gitlab/types.ts';
import type { LookupResults } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import type { LookupResult, SessionImage } from './lookups.ts';

/** Everything outside of the cluster that a new session needs. */
export interface CheckedLaunch {
  readonly project: GitLabProject;
  readonly branch: string;
  /** The full id. */
  readonly commitSha: string;
  readonly image: SessionImage;
  readonly resources: ChosenResources;
}

/**
 * Returns the values of the lookups if all of them were successful. Otherwise throws one ApiError that reports everything
 * that is missing or invalid: 1404 (missing), 1002 (invalid image name), 1005 and 1000 (resources; address of the
 * image), 1401 (GitLab or the resource class service rejects the token), 2001 (no default class), 3000 and 3004
 * (a server is unavailable). An unavailable server is never reported as something missing.
 */
export function checkLookups(results: LookupResults, request: LaunchRequest): CheckedLaunch {
  const { project, branch, commit, image, resources } = results;
  if (
    project.is === 'found' &&
    branch.is === 'found' &&
    commit.is === 'found' &&
    image.is === 'found' &&
    resources.is === 'found'
  ) {
    return {
      project: project.value,
      branch: branch.value.name,
      commitSha: commit.value.sha,
      image: image.value,
      resources: resources.value,
    };
  }
  throw combine(launchErrors(results, request));
}

/** Returns every error that prevents the launch, the most important first; none if all lookups were successful. */
export function launchErrors(results: LookupResults, request: LaunchRequest): ApiError[] {
  const branch = request.branch === undefined ? 'the default branch of the project' : `branch "${request.branch}"`;
  const empty = emptyRepository(results.project);
  const lookups: Lookup[] = [
    { path: 'body.project', subject: `project "${request.project.path}"`, result: empty ?? results.project },
    // An empty repository has no branch and no commit: that is one error and not three.
    ...(empty
      ? []
      : [
          { path: 'body.branch', subject: branch, result: results.branch },
          { path: 'body.commit_sha', subject: `commit "${request.commit}"`, result: results.commit },
        ]),
    { path: 'body.image', subject: `image "${request.image}"`, result: results.image },
    { path: 'body.resource_class_id', subject: 'resource class', result: results.resources },
  ];
  const missing = missingError(lookups);
  const failures = lookups.flatMap(({ path, result }) =>
    result.is === 'failed' ? [{ error: result.error, rank: rankOf(result.error, path) }] : [],
  );
  const all = [...(missing ? [{ error: missing, rank: rankOfMissing }] : []), ...failures];
  return withoutDuplicates(all.sort((one, other) => one.rank - other.rank).map(({ error }) => error));
}

function emptyRepository(project: LookupResult<GitLabProject>): LookupResult<never> | undefined {
  if (project.is !== 'found' || !project.value.isEmpty) return undefined;
  const message = `Cannot launch the session: the repository of the project "${project.value.pathWithNamespace}" is empty.`;
  const error = new ApiError(errorKind.missing, message, {
    detail: 'Push a first commit to it, then launch again.',
    fields: [{ path: 'body.project', message: 'its repository is empty' }],
  });
  return { is: 'failed', error };
}

interface Lookup {
  /** The field of the request. */
  readonly path: string;
  /** For messages: the subject of "does not exist". */
  readonly subject: string;
  readonly result: LookupResult<unknown>;
}

/**
 * Returns the place of an error in the order of importance: 0 invalid input; 1 identity and permissions; 2 outages of
 * GitLab; 3 everything that is missing; 4 outages of a registry and of the resource class service, which must not hide
 * what is missing.
 */
function rankOf({ kind }: ApiError, path: string): number {
  if (kind.status === 422) return 0;
  if (kind.status === 401 || kind.status === 403) return 1;
  return path === 'body.image' || path === 'body.resource_class_id' ? 4 : 2;
}
const rankOfMissing = 3;

/** Returns one error for all lookups that found nothing; undefined if there are none. */
function missingError(lookups: readonly Lookup[]): ApiError | undefined {
  const missing = lookups.flatMap(({ path, subject, result }) =>
    result.is === 'missing' ? [{ path, subject, reason: result.reason }] : [],
  );
  if (missing.length === 0) return undefined;
  const subjects = new Intl.ListFormat('en', { type: 'conjunction' }).format(missing.map(({ subject }) => subject));
  const message = `Cannot launch the session: ${subjects} ${missing.length === 1 ? 'does' : 'do'} not exist.`;
  const image = missing.find(({ path }) => path === 'body.image');
  return new ApiError(errorKind.missing, message, {
    detail: [errorKind.missing.detail, ...(image ? [image.reason] : [])].join(' '),
    fields: missing.map(({ path, reason }) => ({ path, message: reason })),
  });
}

/** An unavailable GitLab fails several lookups with the same error. */
function withoutDuplicates(errors: readonly ApiError[]): ApiError[] {
  const known = new Set<string>();
  return errors.filter(({ kind, message }) => {
    const key = `${kind.code} ${message}`;
    return !known.has(key) && known.add(key);
  });
}

/** Returns the first error, with the other errors that the caller can correct added to it. */
function combine([first, ...others]: readonly ApiError[]): ApiError {
  if (!first) return new ApiError(errorKind.bug, 'The launch was rejected without a reason.');
  const correctable = others.filter(({ kind }) => kind.status === 404 || kind.status === 422);
  if (correctable.length === 0) return first;
  const fields: FieldError[] = [first, ...correctable].flatMap((error) => error.fields ?? []);
  return new ApiError(first.kind, first.message, {
    detail: [first.detail, 'Also:', ...correctable.map(({ message }) => message)].join(' '),
    ...(fields.length > 0 ? { fields } : {}),
    retryAfterSeconds: first.retryAfterSeconds,
    cause: first,
  });
}
