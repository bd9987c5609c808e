import type { Config } from '../../config/types.ts';
import { ApiError, errorKind, type FieldError } from '../../errors.ts';
import type { ImageChecker } from '../../images/types.ts';
import type { ChosenResources, OfferedPools } from '../../options/resource-classes.ts';
import type { GitLab, GitLabProject } from '../../platform/gitlab/types.ts';
import type { LaunchFindings } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import type { Outcome, SessionImage } from './lookups.ts';

/** Everything outside the cluster that a session needs, found. */
export interface CheckedLaunch {
  readonly project: GitLabProject;
  readonly branch: string;
  /** Full. */
  readonly commitSha: string;
  readonly image: SessionImage;
  readonly resources: ChosenResources;
}

export interface CheckParts {
  readonly gitlab: GitLab;
  readonly images: ImageChecker;
  readonly offered: OfferedPools;
  readonly config: Config;
}

/**
 * What a launch goes on with. What is wrong is reported together; trouble of GitLab, a registry or the resource class
 * service is never reported as something missing.
 * Throws ApiError 1404 (missing), 1002 (image cannot be parsed), 1005 and 1000 (resources; address of the image), 1401
 * (a token is refused), 2001 (no default class), 3000 and 3004 (one of the others has trouble).
 */
export function checkedLaunch(findings: LaunchFindings, request: LaunchRequest): CheckedLaunch {
  const { project, branch, commit, image, resources } = findings;
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
  throw together(launchProblems(findings, request));
}

/** Everything that stands in the way of the launch, the gravest first; empty where nothing does. */
export function launchProblems(findings: LaunchFindings, request: LaunchRequest): ApiError[] {
  const branch = request.branch === undefined ? 'the default branch of the project' : `branch "${request.branch}"`;
  const empty = emptyRepository(findings.project);
  const looked: Looked[] = [
    { path: 'body.project', what: `project "${request.project.path}"`, outcome: empty ?? findings.project },
    ...(empty
      ? []
      : [
          { path: 'body.branch', what: branch, outcome: findings.branch },
          { path: 'body.commit_sha', what: `commit "${request.commit}"`, outcome: findings.commit },
        ]),
    { path: 'body.image', what: `image "${request.image}"`, outcome: findings.image },
    { path: 'body.resource_class_id', what: 'resource class', outcome: findings.resources },
  ];
  const gone = missing(looked);
  const troubles = looked.flatMap(({ path, outcome }) =>
    outcome.is === 'trouble' ? [{ error: outcome.error, gravity: gravityOf(outcome.error, path) }] : [],
  );
  const all = [...(gone ? [{ error: gone, gravity: gravityOfMissing }] : []), ...troubles];
  return withoutRepetition(all.sort((one, other) => one.gravity - other.gravity).map(({ error }) => error));
}

/** There is no branch and no commit in it, which is one mistake and not two. */
function emptyRepository(project: Outcome<GitLabProject>): Outcome<never> | undefined {
  if (project.is !== 'found' || !project.value.isEmpty) return undefined;
  const message = `Cannot launch the session: the repository of the project "${project.value.pathWithNamespace}" is empty.`;
  const error = new ApiError(errorKind.missing, message, {
    detail: 'Push a first commit to it, then launch again.',
    fields: [{ path: 'body.project', message: 'its repository is empty' }],
  });
  return { is: 'trouble', error };
}

interface Looked {
  readonly path: string;
  readonly what: string;
  readonly outcome: Outcome<unknown>;
}

/**
 * Input that cannot be right comes first, then who the caller is and what GitLab wants of them, then GitLab's outages,
 * then everything that is missing, and last the outages of a registry and of the resource class service: they do not
 * hide what is missing for certain.
 */
function gravityOf({ kind }: ApiError, path: string): number {
  if (kind.status === 422) return 0;
  if (kind.status === 401 || kind.status === 403) return 1;
  return path === 'body.image' || path === 'body.resource_class_id' ? 4 : 2;
}
const gravityOfMissing = 3;

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

/** Three requests to a GitLab that is down fail in the same way: once is enough. */
function withoutRepetition(errors: readonly ApiError[]): ApiError[] {
  const said = new Set<string>();
  return errors.filter(({ kind, message }) => {
    const key = `${kind.code} ${message}`;
    return !said.has(key) && said.add(key);
  });
}

/** The gravest, and with it whatever else the caller can mend. */
function together([gravest, ...others]: readonly ApiError[]): ApiError {
  if (!gravest) return new ApiError(errorKind.bug, 'The launch was refused.');
  const mendable = others.filter(({ kind }) => kind.status === 404 || kind.status === 422);
  if (mendable.length === 0) return gravest;
  const fields: FieldError[] = [gravest, ...mendable].flatMap((error) => error.fields ?? []);
  return new ApiError(gravest.kind, gravest.message, {
    detail: [gravest.detail, 'Also:', ...mendable.map(({ message }) => message)].join(' '),
    ...(fields.length > 0 ? { fields } : {}),
    retryAfterSeconds: gravest.retryAfterSeconds,
    cause: gravest,
  });
}
