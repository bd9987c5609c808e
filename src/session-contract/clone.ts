/**
 * What the service tells `git-clone` and what `git-clone` answers: names of environment variables and exit codes.
 * They are 1.18.1's, so that either side may be the original.
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
  /** Where buckets are mounted; set only where there are some. */
  storageMount: 'GIT_CLONE_S3_MOUNT',
  /** Of the git proxy beside the session; 8080 unless set. */
  gitProxyPort: 'GIT_CLONE_GIT_PROXY_PORT',
  /** Ours: how long to wait for the git server before giving up with `gitServerUnavailable`. 120 unless set. */
  timeoutSeconds: 'GIT_CLONE_TIMEOUT_SECONDS',
} as const;

export const cloneExitCode = {
  success: 0,
  /** Any other error. */
  gitError: 200,
  gitServerUnavailable: 201,
  autosaveNameInvalid: 202,
  noDiskSpace: 203,
  /** The branch or the commit is not (or no longer) on the remote. */
  branchMissing: 204,
  /** The original's. Ours goes on without the submodules that cannot be had, and says so in its log. */
  submodules: 205,
  /** Of later versions of the original's. */
  storageOverwrites: 206,
  storagePathNotAbsolute: 207,
} as const;
