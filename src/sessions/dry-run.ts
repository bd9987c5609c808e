import type { Config } from '../config/types.ts';
import type { Deadline } from '../deadline.ts';
import { ApiError } from '../errors.ts';
import type { DryRunResponse, LaunchPreview, LaunchProblem } from '../generated/openapi.ts';
import type { Identity } from '../identity/types.ts';
import { formatBytes } from '../jupyter-server/quantities.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { type CheckedLaunch, type LaunchFindings, launchProblems, lookUpLaunch } from './checks.ts';
import { findSession, type LaunchParts, readLive, withLaunchPermit } from './launch.ts';
import type { LaunchRequest } from './launch-request.ts';
import type { Outcome } from './look-ups.ts';
import { buildJupyterServer } from './manifest/build.ts';
import { manifestInput } from './manifest/from-launch.ts';
import { owns } from './ownership.ts';
import type { Presenter } from './presentation/presenter.ts';
import { noProjectImage } from './presentation/warnings.ts';

/**
 * Says what a launch would do, and does nothing. What stands in its way is part of the answer; thrown is only ApiError
 * 1429 for too many at the same time.
 */
export type DryRun = (identity: Identity, request: LaunchRequest, deadline: Deadline) => Promise<DryRunResponse>;

export function createDryRun(parts: LaunchParts & { readonly present: Presenter }): DryRun {
  return async (identity, request, deadline) => {
    const { name, living, dying } = findSession(await parts.store.list(identity, deadline), identity, request);
    if (living) return existing(living, parts.present);
    const [live, findings] = await Promise.all([
      settled(dying ? Promise.resolve(dying) : readLive(parts.store, name, deadline)),
      withLaunchPermit(parts.launchLimit, identity, () => lookUpLaunch(parts, identity, request, deadline)),
    ]);
    if (!(live instanceof ApiError) && live && isAlive(live) && owns(identity, live)) {
      return existing(live, parts.present);
    }
    const problems = [
      ...(live instanceof ApiError ? [live] : []),
      ...launchProblems(findings, request),
      ...manifestProblems(name, identity, request, findings, parts.config),
    ];
    const waits = !(live instanceof ApiError) && live !== undefined && !isAlive(live);
    return {
      dryRun: true,
      exists: false,
      possible: problems.length === 0,
      preview: previewOf(name, request, findings, waits, parts.config),
      problems: problems.map(problemOf),
    };
  };
}

const isAlive = ({ metadata }: JupyterServer): boolean => metadata.deletionTimestamp === undefined;

const existing = (server: JupyterServer, present: Presenter): DryRunResponse => ({
  dryRun: true,
  exists: true,
  possible: true,
  server: present(server),
  problems: [],
});

async function settled<T>(promise: Promise<T>): Promise<T | ApiError> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/** What only the making of the object tells: variables of the session's own, a user who cannot be written into it. */
function manifestProblems(
  name: string,
  identity: Identity,
  request: LaunchRequest,
  findings: LaunchFindings,
  config: Config,
): ApiError[] {
  try {
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
      visibility: 'private',
      webUrl: url,
      httpUrlToRepo: `${url}.git`,
      accessLevel: 10,
      lastActivityAt: null,
    },
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

function previewOf(
  name: string,
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
    branch: request.branch,
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
