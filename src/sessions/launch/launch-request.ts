import type { LaunchConfig } from '../../config/types.ts';
import { ApiError, errorKind, type FieldError } from '../../errors.ts';
import type { LaunchNotebookRequest, ServerOptions } from '../../generated/openapi.ts';
import { parseBytes, parseCpu, parseGpu } from '../../jupyter-server/quantities.ts';
import type { LegacyAmounts, ResourceRequest } from '../../options/resource-classes.ts';
import type { CloudStorageWithKeys } from '../manifest/cloud-storage.ts';
import { requestedCloudStorage } from './cloud-storage.ts';

/** A validated launch: the project's path in its canonical form, with defaults. */
export interface LaunchRequest {
  readonly project: ProjectPath;
  /** undefined means the project's default branch. */
  readonly branch: string | undefined;
  /** The commit as the caller named it: an id, a tag or a branch. */
  readonly commit: string;
  readonly image: string | undefined;
  readonly resources: ResourceRequest;
  readonly defaultUrl: string;
  readonly lfsAutoFetch: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly cloudStorage: readonly CloudStorageWithKeys[];
}

export interface ProjectPath {
  /** Lower case, `group/sub`. */
  readonly namespace: string;
  /** Lower case, one segment. */
  readonly name: string;
  /** `namespace/name`. */
  readonly path: string;
}

/**
 * Returns the canonical path of a project, so that each project has one session: `group` + `sub/deep` and `group/sub` +
 * `deep` are the same project, in any case. Returns undefined if the path has no group.
 */
export function projectPath(namespace: string, project: string): ProjectPath | undefined {
  const segments = `${namespace}/${project}`.toLowerCase().split('/').filter(Boolean);
  const name = segments.pop();
  if (name === undefined || segments.length === 0) return undefined;
  return { namespace: segments.join('/'), name, path: [...segments, name].join('/') };
}

/** The operator inserts the path into a Python string, and Jupyter redirects to it: it needs exactly one leading slash. */
const safeUrlPath = /^\/(?!\/)[^\s"'\\#<>]*$/;

/** `env.` and the name of a variable form a Secret's key, which has at most 253 characters. */
const variableName = /^[A-Za-z_]\w{0,248}$/;

/**
 * Returns the launch that a documented body describes. Checks what the OpenAPI document cannot express: throws ApiError
 * 1422 that lists every invalid field.
 */
export function launchRequest(body: LaunchNotebookRequest, config: LaunchConfig): LaunchRequest {
  const fields: FieldError[] = [];
  const reject = (path: string, message: string): undefined => {
    fields.push({ path: `body.${path}`, message });
  };
  const options = body.serverOptions ?? {};
  const { defaults } = config.server_options;
  const project =
    projectPath(body.namespace, body.project) ?? reject('project', 'must be the path of a project in a group');
  const urls = [
    ['default_url', body.default_url],
    ['serverOptions.defaultUrl', options.defaultUrl],
  ] as const;
  for (const [path, url] of urls) {
    if (url && !safeUrlPath.test(url)) reject(path, 'must be a path such as /lab, without spaces and quotes');
  }
  const environment = body.environment_variables;
  for (const [name, value] of Object.entries(environment)) {
    if (!variableName.test(name))
      reject(`environment_variables.${name}`, 'must be the name of an environment variable');
    if (value.includes('\0')) reject(`environment_variables.${name}`, 'must not contain a NUL character');
  }
  const legacy = legacyAmounts(options, reject);
  const cloudStorage = requestedCloudStorage(body.cloudstorage, config, reject);
  if (fields.length > 0 || !project) {
    const detail = fields.map(({ path, message }) => `${path.replace(/^body\./, '')}: ${message}.`).join(' ');
    throw new ApiError(errorKind.validation, 'The request is not valid.', { detail, fields });
  }
  return {
    project,
    branch: body.branch,
    commit: body.commit_sha,
    image: body.image || undefined,
    resources: { classId: body.resource_class_id ?? undefined, legacy, storage: body.storage ?? undefined },
    defaultUrl: body.default_url || options.defaultUrl || defaults.defaultUrl,
    lfsAutoFetch: body.lfs_auto_fetch ?? options.lfs_auto_fetch ?? defaults.lfs_auto_fetch,
    environment,
    cloudStorage,
  };
}

/** Returns the amounts in the options of an older client; undefined if there are none, which means the default class. */
function legacyAmounts(
  options: ServerOptions,
  reject: (path: string, message: string) => undefined,
): LegacyAmounts | undefined {
  const { cpu_request: cpu, mem_request: memory, disk_request: disk, gpu_request: gpu } = options;
  if ([cpu, memory, disk, gpu].every((amount) => amount === undefined)) return undefined;
  const read = <T>(
    name: keyof ServerOptions,
    given: string | number | undefined,
    parse: (value: string | number) => T,
  ) => (given === undefined ? undefined : (parse(given) ?? reject(`serverOptions.${name}`, 'must be an amount')));
  return {
    cpu: read('cpu_request', cpu, parseCpu) ?? 0,
    memoryBytes: read('mem_request', memory, parseBytes) ?? 0,
    gpu: read('gpu_request', gpu, parseGpu) ?? 0,
    storageBytes: read('disk_request', disk, parseBytes),
  };
}
