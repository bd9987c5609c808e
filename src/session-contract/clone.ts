/**
 * The environment variables that the service sets for `git-clone`, and the exit codes of `git-clone`. They are the same as in
 * renku-notebooks 1.18.1, so that either service works with either `git-clone`.
 */
export const cloneVariable = {
  repositoryUrl: 'GIT_CLONE_REPOSITORY_URL',
  commitSha: 'GIT_CLONE_COMMIT_SHA',
  branch: 'GIT_CLONE_BRANCH',
  gitUrl: 'GIT_CLONE_GIT_URL',
  username: 'GIT_CLONE_USER__USERNAME',
  oauthToken: 'GIT_CLONE_USER__OAUTH_TOKEN',
  fullName: 'GIT_CLONE_USER__FULL_NAME',
  email: 'GIT_CLONE_USER__EMAIL',
  gitAutosave: 'GIT_CLONE_GIT_AUTOSAVE',
  lfsAutoFetch: 'GIT_CLONE_LFS_AUTO_FETCH',
  mountPath: 'GIT_CLONE_MOUNT_PATH',
  /** Folder in which buckets are mounted; set only if the session has buckets. */
  storageMount: 'GIT_CLONE_S3_MOUNT',
  /** Port of `git-proxy`. The default is in containers.ts. */
  gitProxyPort: 'GIT_CLONE_GIT_PROXY_PORT',
  /** Seconds to wait for the git server before the exit with `gitServerUnavailable`. Not in 1.18.1. */
  timeoutSeconds: 'GIT_CLONE_TIMEOUT_SECONDS',
  /** `1` if the volume outlives the pod: then a restored autosave is deleted in the remote repository. Not in 1.18.1. */
  keepsVolume: 'NOTEBOOK_SESSIONS_KEEPS_VOLUME',
  /** `1`: clones without the contents of old files, which git fetches when it needs them. Not in 1.18.1. */
  partial: 'NOTEBOOK_SESSIONS_PARTIAL_CLONE',
  /** Folder into which the programs of the supervisor are copied; not set if the session has no supervisor. Not in 1.18.1. */
  supervisorPrograms: 'NOTEBOOK_SESSIONS_SUPERVISOR_PROGRAMS',
} as const;

/** Seconds that `git-clone` waits for the git server. */
export const cloneTimeoutSeconds = { default: 120, max: 86_400 } as const;

export const cloneExitCode = {
  success: 0,
  /** Any other error. */
  gitError: 200,
  gitServerUnavailable: 201,
  autosaveNameInvalid: 202,
  noDiskSpace: 203,
  /** The remote repository has no such branch or commit. */
  branchMissing: 204,
  /** Only `git-clone` of renku-notebooks exits with this code. This project's `git-clone` logs the error and continues. */
  submodules: 205,
  /** Only `git-clone` of later versions of renku-notebooks exits with this code. */
  storageOverwrites: 206,
  storagePathNotAbsolute: 207,
} as const;
