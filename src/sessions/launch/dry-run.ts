import type { LaunchConfig } from '../../config/types.ts';
import { ApiError } from '../../errors.ts';
import type { DryRunResponse, LaunchPreview, LaunchProblem } from '../../generated/openapi.ts';
import type { Identity } from '../../identity/types.ts';
import { formatBytes } from '../../jupyter-server/quantities.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { buildJupyterServer } from '../manifest/build.ts';
import type { Presenter } from '../presentation/presenter.ts';
import { noProjectImage } from '../presentation/warnings.ts';
import { type CheckedLaunch, launchErrors } from './checks.ts';
import { nameOf } from './find-session.ts';
import type { LaunchParts } from './launch.ts';
import type { LookupResults } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import { locate } from './locate.ts';
import type { LookupResult } from './lookups.ts';
import { manifestInput } from './manifest-input.ts';

/**
 * Returns what a launch would do, without doing it. Errors of the launch are part of the result; only ApiError 1429 (too
 * many at the same time) is thrown.
 */
export type DryRun = (identity: Identity, request: LaunchRequest, deadline: Deadline) => Promise<DryRunResponse>;

type DryRunParts = LaunchParts & { readonly present: Presenter };

export function createDryRun(parts: DryRunParts): DryRun {
  return (identity, request, deadline) =>
    parts.launchLimit.run(identity, () => dryRun(parts, identity, request, deadline));
}

async function dryRun(
  parts: DryRunParts,
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<DryRunResponse> {
  const located = await locate(parts, identity, request, deadline);
  if ('existing' in located) return responseForExisting(located.existing, parts.present);
  const { terminating, failure, own } = located;
  const limitError = parts.sessionLimit.errorOf(identity, own);
  const results = await located.results;
  const name = nameFrom(identity, request, results);
  const errors = [
    ...(failure ? [failure] : []),
    ...(limitError ? [limitError] : []),
    ...launchErrors(results, request),
    ...manifestErrors(identity, request, results, parts.config),
  ];
  return {
    dryRun: true,
    exists: false,
    possible: errors.length === 0,
    preview: previewOf(name, request, results, terminating !== undefined, parts.config),
    problems: errors.map(problemOf),
  };
}

/** Returns the name of the session; null if the branch or the commit is unknown. */
function nameFrom(identity: Identity, { project }: LaunchRequest, { branch, commit }: LookupResults): string | null {
  if (branch.is !== 'found' || commit.is !== 'found') return null;
  return nameOf(identity, project, { branch: branch.value.name, commit: commit.value.sha });
}

const responseForExisting = (session: Session, present: Presenter): DryRunResponse => ({
  dryRun: true,
  exists: true,
  possible: true,
  server: present(session),
  problems: [],
});

/** Returns the errors of building the object: reserved variables, unusable claims of the user. */
function manifestErrors(
  identity: Identity,
  request: LaunchRequest,
  results: LookupResults,
  config: LaunchConfig,
): ApiError[] {
  try {
    const name = 'session';
    const generated = { launchId: name, sessionToken: name };
    const checked = withPlaceholders(results, request, config);
    buildJupyterServer(manifestInput(name, identity, request, checked, generated), config);
    return [];
  } catch (error) {
    if (error instanceof ApiError) return [error];
    throw error;
  }
}

/** Returns placeholders for missing values, so that the remaining values can be checked. */
function withPlaceholders(results: LookupResults, request: LaunchRequest, config: LaunchConfig): CheckedLaunch {
  const { path, name } = request.project;
  const url = `${config.git.url}/${path}`;
  return {
    project: found(results.project) ?? {
      id: 1,
      pathWithNamespace: path,
      name,
      description: null,
      defaultBranch: null,
      isEmpty: false,
      visibility: 'private',
      webUrl: url,
      httpUrlToRepo: `${url}.git`,
      accessLevel: 10,
      lastActivityAt: null,
    },
    branch: branchNameOf(request, results) ?? 'main',
    commitSha: found(results.commit)?.sha ?? '0'.repeat(40),
    image: found(results.image) ?? {
      reference: config.sessions.default_image,
      workingDir: null,
      jupyter: null,
      runsArguments: null,
      private: false,
      isFallback: false,
    },
    resources: found(results.resources) ?? {
      classId: 0,
      className: '',
      cpu: 0,
      memoryBytes: 0,
      gpu: 0,
      storageBytes: 0,
      priorityClass: null,
    },
  };
}

function branchNameOf(request: LaunchRequest, { branch }: LookupResults): string | undefined {
  return request.branch ?? found(branch)?.name;
}

function previewOf(
  name: string | null,
  request: LaunchRequest,
  results: LookupResults,
  mustWait: boolean,
  config: LaunchConfig,
): LaunchPreview {
  const image = found(results.image);
  const resources = found(results.resources);
  return {
    name,
    project: found(results.project)?.pathWithNamespace ?? request.project.path,
    branch: branchNameOf(request, results) ?? null,
    commit_sha: found(results.commit)?.sha ?? null,
    image: image?.reference ?? null,
    resourceClass: resources ? { id: resources.classId, name: resources.className } : null,
    resources: resources
      ? {
          cpu: resources.cpu,
          memory: formatBytes(resources.memoryBytes),
          storage: formatBytes(resources.storageBytes),
          ...(resources.gpu > 0 ? { gpu: resources.gpu } : {}),
        }
      : null,
    default_url: request.defaultUrl,
    lfs_auto_fetch: request.lfsAutoFetch,
    environment_variables: Object.keys(request.environment),
    cloudstorage: request.cloudStorage.map(({ endpoint, bucket }) => ({ endpoint, bucket })),
    warnings: [
      ...(image?.isFallback ? [noProjectImage(config)] : []),
      ...(mustWait ? ['The former session of this name is still being deleted. A launch waits until it is gone.'] : []),
    ],
  };
}

function problemOf({ kind, message, detail, fields, retryAfterSeconds }: ApiError): LaunchProblem {
  return { code: kind.code, status: kind.status, message, detail, fields: fields ?? [], retryAfterSeconds };
}

const found = <T>(result: LookupResult<T>): T | undefined => (result.is === 'found' ? result.value : undefined);
