import type { Config } from '../../config/types.ts';
import { ApiError } from '../../errors.ts';
import type { DryRunResponse, LaunchPreview, LaunchProblem } from '../../generated/openapi.ts';
import type { Identity } from '../../identity/types.ts';
import { formatBytes } from '../../jupyter-server/quantities.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { buildJupyterServer } from '../manifest/build.ts';
import type { Presenter } from '../presentation/presenter.ts';
import { noProjectImage } from '../presentation/warnings.ts';
import { type CheckedLaunch, launchProblems } from './checks.ts';
import { nameOf } from './find-session.ts';
import { type LaunchParts, withLaunchPermit } from './launch.ts';
import type { LaunchFindings } from './launch-lookups.ts';
import type { LaunchRequest } from './launch-request.ts';
import { locate } from './locate.ts';
import type { Outcome } from './lookups.ts';
import { manifestInput } from './manifest-input.ts';

/**
 * Says what a launch would do, and does nothing. What stands in its way is part of the answer; thrown is only ApiError
 * 1429 for too many at the same time.
 */
export type DryRun = (identity: Identity, request: LaunchRequest, deadline: Deadline) => Promise<DryRunResponse>;

type DryRunParts = LaunchParts & { readonly present: Presenter };

export function createDryRun(parts: DryRunParts): DryRun {
  return (identity, request, deadline) =>
    withLaunchPermit(parts.launchLimit, identity, () => dryRun(parts, identity, request, deadline));
}

async function dryRun(
  parts: DryRunParts,
  identity: Identity,
  request: LaunchRequest,
  deadline: Deadline,
): Promise<DryRunResponse> {
  const located = await locate(parts, identity, request, deadline);
  if ('living' in located) return existing(located.living, parts.present);
  const { dying, failure } = located;
  const findings = await located.findings;
  const name = nameFrom(identity, request, findings);
  const problems = [
    ...(failure ? [failure] : []),
    ...launchProblems(findings, request),
    ...manifestProblems(identity, request, findings, parts.config),
  ];
  return {
    dryRun: true,
    exists: false,
    possible: problems.length === 0,
    preview: previewOf(name, request, findings, dying !== undefined, parts.config),
    problems: problems.map(problemOf),
  };
}

/** null: branch or commit is not known. */
function nameFrom(identity: Identity, { project }: LaunchRequest, { branch, commit }: LaunchFindings): string | null {
  if (branch.is !== 'found' || commit.is !== 'found') return null;
  return nameOf(identity, project, { branch: branch.value.name, commit: commit.value.sha });
}

const existing = (session: Session, present: Presenter): DryRunResponse => ({
  dryRun: true,
  exists: true,
  possible: true,
  server: present(session),
  problems: [],
});

/** What only the making of the object tells: variables of the session's own, a user who cannot be written into it. */
function manifestProblems(
  identity: Identity,
  request: LaunchRequest,
  findings: LaunchFindings,
  config: Config,
): ApiError[] {
  try {
    const name = 'session';
    const made = { launchId: name, sessionToken: name };
    buildJupyterServer(manifestInput(name, identity, request, withStandIns(findings, request, config), made), config);
    return [];
  } catch (error) {
    if (error instanceof ApiError) return [error];
    throw error;
  }
}

/** Whatever is missing must not keep the rest from being checked. */
function withStandIns(findings: LaunchFindings, request: LaunchRequest, config: Config): CheckedLaunch {
  const { path, name } = request.project;
  const url = `${config.git.url}/${path}`;
  return {
    project: found(findings.project) ?? {
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
    branch: branchNameOf(request, findings) ?? 'main',
    commitSha: found(findings.commit)?.sha ?? '0'.repeat(40),
    image: found(findings.image) ?? {
      reference: config.sessions.default_image,
      workingDir: null,
      private: false,
      isFallback: false,
    },
    resources: found(findings.resources) ?? {
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

function branchNameOf(request: LaunchRequest, { branch }: LaunchFindings): string | undefined {
  return request.branch ?? found(branch)?.name;
}

function previewOf(
  name: string | null,
  request: LaunchRequest,
  findings: LaunchFindings,
  waits: boolean,
  config: Config,
): LaunchPreview {
  const image = found(findings.image);
  const resources = found(findings.resources);
  return {
    name,
    project: found(findings.project)?.pathWithNamespace ?? request.project.path,
    branch: branchNameOf(request, findings) ?? null,
    commit_sha: found(findings.commit)?.sha ?? null,
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
      ...(waits ? ['The former session of this name is still being deleted. A launch waits until it is gone.'] : []),
    ],
  };
}

function problemOf({ kind, message, detail, fields, retryAfterSeconds }: ApiError): LaunchProblem {
  return { code: kind.code, status: kind.status, message, detail, fields: fields ?? [], retryAfterSeconds };
}

const found = <T>(outcome: Outcome<T>): T | undefined => (outcome.is === 'found' ? outcome.value : undefined);
