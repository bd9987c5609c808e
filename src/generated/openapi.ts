/* Generated from openapi.yaml by `npm run generate`. Do not edit. */

export interface Schemas {
  LaunchNotebookRequest: LaunchNotebookRequest;
  RequestedCloudStorage: RequestedCloudStorage;
  ServerOptions: ServerOptions;
  ServersGetRequest: ServersGetRequest;
  ServersGetResponse: ServersGetResponse;
  NotebookResponse: NotebookResponse;
  LaunchOptions: LaunchOptions;
  DryRunResponse: DryRunResponse;
  LaunchPreview: LaunchPreview;
  LaunchProblem: LaunchProblem;
  SessionStatus: SessionStatus;
  SessionStep: SessionStep;
  SessionWarning: SessionWarning;
  SessionResources: SessionResources;
  ServerLogs: ServerLogs;
  AutosavesList: AutosavesList;
  AutosaveResponse: AutosaveResponse;
  LogLine: LogLine;
  LogSkipped: LogSkipped;
  LogContainerError: LogContainerError;
  LogEnd: LogEnd;
  ImageResponse: ImageResponse;
  ImageMissingResponse: ImageMissingResponse;
  ProjectsResponse: ProjectsResponse;
  Project: Project;
  BranchesResponse: BranchesResponse;
  Branch: Branch;
  CommitsResponse: CommitsResponse;
  Commit: Commit;
  ResourceClassesResponse: ResourceClassesResponse;
  OfferedResourceClass: OfferedResourceClass;
  ServerOptionsResponse: ServerOptionsResponse;
  VersionResponse: VersionResponse;
  ReadinessResponse: ReadinessResponse;
  ErrorResponse: ErrorResponse;
  ErrorDescription: ErrorDescription;
  FieldError: FieldError;
}
/**
 * What to launch.
 */
export interface LaunchNotebookRequest {
  /**
   * Group and subgroups, or user; without regard to case.
   */
  namespace: string;
  /**
   * The last part of the project's path; without regard to case.
   */
  project: string;
  /**
   * The project's default branch where it is left out.
   */
  branch?: string;
  /**
   * Any name of a commit that GitLab resolves: a full id (40 digits, 64 in SHA-256 repositories) or a short one, a tag, a branch without a slash. The session is about the commit that GitLab resolves it to.
   */
  commit_sha: string;
  /**
   * @deprecated
   * Accepted for older clients; has no effect.
   */
  notebook?: string | null;
  /**
   * `[host[:port]/]path[:tag][@digest]`. Where it is left out, the image that the project built for the commit is used, and the platform's default image where there is none (a warning says so).
   */
  image?: string | null;
  /**
   * The platform's default class where it is left out.
   */
  resource_class_id?: number | null;
  /**
   * Gigabytes (10^9 bytes) of disk; the class's default where it is left out.
   */
  storage?: number | null;
  /**
   * Fetch all Git LFS data at the start. The platform's default where it is left out.
   */
  lfs_auto_fetch?: boolean;
  /**
   * What the session opens with. The platform's default where it is left out.
   */
  default_url?: string;
  /**
   * Variables of the session's processes. Names are letters, digits and underscores and do not begin with a digit; those that the session sets itself are refused.
   */
  environment_variables?: {
    [k: string]: string;
  };
  /**
   * Buckets to mount, where the platform offers it (see `version`); otherwise only an empty list is accepted.
   *
   * @maxItems 20
   */
  cloudstorage?:
    | []
    | [RequestedCloudStorage]
    | [RequestedCloudStorage, RequestedCloudStorage]
    | [RequestedCloudStorage, RequestedCloudStorage, RequestedCloudStorage]
    | [RequestedCloudStorage, RequestedCloudStorage, RequestedCloudStorage, RequestedCloudStorage]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ]
    | [
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage,
        RequestedCloudStorage
      ];
  serverOptions?: ServerOptions;
}
/**
 * A bucket of S3 (both keys, or neither for a public one), or a container of Azure Blob (only `secret_key`: the account's key or a shared access signature).
 */
export interface RequestedCloudStorage {
  endpoint: string;
  bucket: string;
  access_key?: string | null;
  secret_key?: string | null;
}
/**
 * @deprecated
 * Older way to ask for resources; the closest resource class is taken. Use `resource_class_id` and `storage`.
 */
export interface ServerOptions {
  defaultUrl?: string;
  /**
   * Cores (`0.5`) or thousandths of one (`500m`).
   */
  cpu_request?: number | string;
  /**
   * Bytes, or a text with a unit such as `2G` (10^9) or `2Gi` (2^30).
   */
  mem_request?: number | string;
  /**
   * As `mem_request`.
   */
  disk_request?: number | string;
  gpu_request?: number;
  lfs_auto_fetch?: boolean;
}
/**
 * Filters of the list; all given ones must match.
 */
export interface ServersGetRequest {
  project?: string;
  namespace?: string;
  branch?: string;
  commit_sha?: string;
}
export interface ServersGetResponse {
  /**
   * Session by name.
   */
  servers: {
    [k: string]: NotebookResponse;
  };
}
/**
 * A session.
 */
export interface NotebookResponse {
  /**
   * What the session is for, under the names that clients know (`renku.io/...`). `renku.io/commit-sha` is the full id of the commit, `notebook-sessions.io/requested-ref` the name of it that the launch asked for.
   */
  annotations: {
    [k: string]: string;
  };
  name: string;
  state: {
    pod_name: string | null;
  };
  /**
   * When the session was made.
   */
  started: string;
  status: SessionStatus;
  /**
   * Where the session is opened. Holds a credential if the session is anonymous; only its owner sees it.
   */
  url: string;
  resources: SessionResources;
  image: string;
  launch: LaunchOptions;
  /**
   * The buckets that are mounted; only where the platform offers it.
   */
  cloudstorage?: {
    endpoint: string;
    bucket: string;
  }[];
}
export interface SessionStatus {
  state: 'starting' | 'running' | 'stopping' | 'failed' | 'hibernated';
  /**
   * Only while starting (what is being waited for), when failed (why, and what to do) and when hibernated (how the session is resumed).
   */
  message?: string | null;
  /**
   * The steps of the start, in order.
   */
  details: SessionStep[];
  totalNumContainers: number;
  readyNumContainers: number;
  warnings: SessionWarning[];
  /**
   * Only when failed: whether `POST servers/{name}/restart` can keep the files, as far as is known without looking at the volume.
   */
  restartable?: boolean;
}
export interface SessionStep {
  step: string;
  status: 'ready' | 'waiting' | 'executing' | 'failed';
}
export interface SessionWarning {
  message: string;
  /**
   * The session is about to end.
   */
  critical: boolean;
}
export interface SessionResources {
  /**
   * What the session was given. Left out where the session does not say.
   */
  requests: {
    /**
     * Cores.
     */
    cpu?: number;
    /**
     * Such as `1G` (10^9 bytes).
     */
    memory?: string;
    storage?: string;
    gpu?: number;
  };
  /**
   * What it uses; empty until it is known.
   */
  usage: {
    cpu?: number;
    memory?: string;
    storage?: string;
  };
}
/**
 * The options that the session was launched with, under the names of `LaunchNotebookRequest`, to launch the same anew. What the session does not say is left out, as in sessions of the original service.
 */
export interface LaunchOptions {
  /**
   * As the launch named it; left out if it named none.
   */
  image?: string;
  resource_class_id?: number;
  /**
   * Gigabytes.
   */
  storage?: number;
  default_url?: string;
  lfs_auto_fetch?: boolean;
  /**
   * The names of the variables. Their values can be read in the session alone.
   */
  environment_variables?: string[];
}
/**
 * What a launch would do, `preview`, or, if the session exists, the session, `server`. Nothing was made.
 */
export interface DryRunResponse {
  dryRun: true;
  /**
   * The session is there: a launch would answer with `server` and look at nothing else.
   */
  exists: boolean;
  /**
   * A launch with the same body would succeed as things are.
   */
  possible: boolean;
  preview?: LaunchPreview;
  server?: NotebookResponse;
  /**
   * Everything that stands in the way; empty if the launch is possible.
   */
  problems: LaunchProblem[];
}
/**
 * What a launch would make. What could not be found out is null.
 */
export interface LaunchPreview {
  /**
   * Of the session. A caller without a cookie gets another one with each request.
   */
  name: string | null;
  project: string;
  branch: string | null;
  /**
   * The full id, as GitLab resolves it.
   */
  commit_sha: string | null;
  image: string | null;
  resourceClass: {
    id: number;
    name: string;
  } | null;
  resources: {
    /**
     * Cores.
     */
    cpu: number;
    /**
     * Such as `1G` (10^9 bytes).
     */
    memory: string;
    storage: string;
    gpu?: number;
  } | null;
  default_url: string;
  lfs_auto_fetch: boolean;
  /**
   * Their names.
   */
  environment_variables: string[];
  /**
   * The buckets that would be mounted.
   */
  cloudstorage: {
    endpoint: string;
    bucket: string;
  }[];
  /**
   * What works and may not be what was meant.
   */
  warnings: string[];
}
/**
 * What the launch would be refused with, as in `ErrorResponse`.
 */
export interface LaunchProblem {
  code: number;
  /**
   * Of HTTP.
   */
  status: number;
  message: string;
  detail: string | null;
  fields: FieldError[];
  /**
   * When trying again makes sense; null if it does not.
   */
  retryAfterSeconds: number | null;
}
export interface FieldError {
  /**
   * Such as `body.serverOptions.cpu_request` or `query.max_lines`.
   */
  path: string;
  message: string;
}
/**
 * Container name to its last lines.
 */
export interface ServerLogs {
  [k: string]: string;
}
export interface AutosavesList {
  /**
   * Whether sessions are on volumes that outlive their processes.
   */
  pvsSupport: boolean;
  autosaves: AutosaveResponse[];
}
export interface AutosaveResponse {
  /**
   * The branch that the session was launched from.
   */
  branch: string;
  /**
   * The first 7 characters of the commit that the session was launched from.
   */
  commit: string;
  /**
   * Autosaves are branches and never volumes.
   */
  pvs: false;
  /**
   * When the work was saved; null where GitLab does not say.
   */
  date: string | null;
  /**
   * The branch that holds the work.
   */
  name: string;
}
/**
 * Data of an event without a name.
 */
export interface LogLine {
  container: string;
  /**
   * RFC 3339, with up to nine digits of the second; null for what the cluster says itself about the log.
   */
  time: string | null;
  /**
   * Without the line break. What is no UTF-8 is replaced.
   */
  line: string;
  /**
   * The line is longer than 16 KiB, and its end was left out.
   */
  truncated?: true;
}
/**
 * Data of a `skipped` event.
 */
export interface LogSkipped {
  container: string;
  /**
   * How many were left out.
   */
  lines: number;
  /**
   * Give this as `since` to read them; null for the beginning of the log.
   */
  since: string | null;
}
/**
 * Data of a `container-error` event.
 */
export interface LogContainerError {
  container: string;
  message: string;
}
/**
 * Data of an `end` event.
 */
export interface LogEnd {
  /**
   * `deleted`: the session is gone, or not yours any more. `complete`: all that was written before the restart was read. `shutdown`: the service is being restarted; connect again.
   */
  reason: 'deleted' | 'complete' | 'shutdown';
  message: string;
}
export interface ImageResponse {
  exists: true;
  /**
   * Only the caller's credentials could see it.
   */
  private: boolean;
  /**
   * What it is built for, as `os/architecture` or `os/architecture/variant`; empty where the registry does not say.
   */
  platforms: string[];
  /**
   * Bytes to download for the platform that a session would get (packed); null where the registry does not say.
   */
  size: number | null;
  /**
   * The image's working directory; null where the registry does not say.
   */
  workingDir: string | null;
}
export interface ImageMissingResponse {
  exists: false;
  /**
   * `not-found`: its registry has no such image. `needs-login`: its registry does not let this caller see it, or does not say whether it exists. `unreachable`: the registry is down, slow or overloaded; trying again may help. `invalid-answer`: the registry is broken, lying, or none. `address-refused`: the registry, or where it sends its callers, is an address of the inside that the platform's administrator has not allowed.
   */
  reason: 'not-found' | 'needs-login' | 'unreachable' | 'invalid-answer' | 'address-refused';
  error: ErrorDescription;
}
export interface ErrorDescription {
  /**
   * What happened.
   */
  message: string;
  /**
   * Whose fault it is, and what to do.
   */
  detail: string | null;
  /**
   * 1xxx: the caller can mend it; 2xxx: a bug or the set-up; 3xxx: passing trouble.
   */
  code: number;
  /**
   * Every part of the request that is wrong.
   */
  fields?: FieldError[];
  requestId: string;
}
export interface ProjectsResponse {
  projects: Project[];
}
export interface Project {
  id: number;
  /**
   * With the namespace.
   */
  path: string;
  name: string;
  description: string | null;
  default_branch: string | null;
  visibility: 'public' | 'internal' | 'private';
  web_url: string;
  last_activity_at: string | null;
}
export interface BranchesResponse {
  branches: Branch[];
  /**
   * The `page` that follows; null for the last one.
   */
  next_page: number | null;
}
export interface Branch {
  name: string;
  /**
   * The full id of its newest commit.
   */
  commit_sha: string;
  /**
   * When that commit was made, as GitLab writes it.
   */
  committed_at: string | null;
}
export interface CommitsResponse {
  commits: Commit[];
  /**
   * The `page` that follows; null for the last one.
   */
  next_page: number | null;
}
export interface Commit {
  /**
   * The full id.
   */
  commit_sha: string;
  /**
   * The first line of its message.
   */
  title: string;
  author_name: string | null;
  /**
   * As GitLab writes it.
   */
  committed_at: string | null;
}
export interface ResourceClassesResponse {
  resource_classes: OfferedResourceClass[];
}
/**
 * A size of a session, in cores and gigabytes (10^9 bytes).
 */
export interface OfferedResourceClass {
  id: number;
  name: string;
  /**
   * The name of the pool that it belongs to.
   */
  pool: string;
  /**
   * What a launch gets that names no class.
   */
  default: boolean;
  cpu: number;
  memory: number;
  gpu: number;
  default_storage: number;
  max_storage: number;
}
export interface ServerOptionsResponse {
  defaultUrl?: {
    /**
     * Its place among the choices.
     */
    order: number;
    displayName: string;
    type: 'enum';
    default: string;
    options: string[];
  };
  lfs_auto_fetch?: {
    order: number;
    displayName: string;
    type: 'boolean';
    default: boolean;
  };
  /**
   * Which kinds of cloud storage a session can mount.
   */
  cloudstorage: {
    s3: {
      enabled: boolean;
    };
    azure_blob: {
      enabled: boolean;
    };
  };
}
export interface VersionResponse {
  /**
   * The name that clients of the original service know.
   */
  name: string;
  versions: {
    version: string;
    data: {
      anonymousSessionsEnabled: boolean;
      cloudstorageEnabled: {
        s3: boolean;
        azure_blob: boolean;
      };
      sshEnabled: boolean;
    };
  }[];
}
export interface ReadinessResponse {
  ready: boolean;
  dependencies: {
    name: string;
    ready: boolean;
    /**
     * Whether requests are kept away while it is not ready.
     */
    required: boolean;
    detail: string;
  }[];
}
export interface ErrorResponse {
  error: ErrorDescription;
}
