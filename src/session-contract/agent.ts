/** What service, operator, agent and git proxy agree on, besides the API of the agent (agent.openapi.yaml). */

/** TCP port of the agent's API on the pod's address. */
export const agentPort = 4001;

/** Header with the signature of a response. */
export const agentSignatureHeader = 'Agent-Signature';

/** Environment variables of the agent, in addition to those of renku-notebooks' git-rpc sidecar. */
export const agentVariable = {
  /** Folder with the files of `agentKeyFile`: the environment of a process can be read by other programs of its user. */
  keyFolder: 'NOTEBOOK_SESSIONS_AGENT_KEY_FOLDER',
  /** TCP port of the API. */
  port: 'NOTEBOOK_SESSIONS_AGENT_PORT',
  /** Address on which the API listens. */
  host: 'NOTEBOOK_SESSIONS_AGENT_HOST',
  podUid: 'NOTEBOOK_SESSIONS_POD_UID',
  /** The branch of the launch, a part of the names of autosaves. */
  branch: 'NOTEBOOK_SESSIONS_BRANCH',
  /** http(s) URL of the session's repository, to which saves are pushed. */
  repositoryUrl: 'NOTEBOOK_SESSIONS_REPOSITORY_URL',
  /** `1` if the user may push to the repository. */
  mayPush: 'NOTEBOOK_SESSIONS_MAY_PUSH',
  /** URL of the Jupyter server on the loopback address, with the session's path. */
  jupyterUrl: 'NOTEBOOK_SESSIONS_JUPYTER_URL',
  /** Address of git-proxy, without a slash at the end; not set without git-proxy. */
  gitProxyUrl: 'NOTEBOOK_SESSIONS_GIT_PROXY_URL',
  /**
   * File with the address and the token of the Jupyter server (`JupyterAddress` as JSON), instead of `jupyterUrl`. Then callers of
   * the JSON-RPC send this token, too. Only the local platform sets it: other users of one machine can connect to loopback addresses.
   */
  jupyterFile: 'NOTEBOOK_SESSIONS_JUPYTER_FILE',
  /** Folder on the session's volume for saves that could not be pushed. */
  savesFolder: 'NOTEBOOK_SESSIONS_SAVES_FOLDER',
  /** The Unix socket of the supervisor; not set if the session has none. */
  supervisorSocket: 'NOTEBOOK_SESSIONS_SUPERVISOR_SOCKET',
  /** Why the session has no supervisor: a key of `supervisorAbsence`. Not set with `supervisorSocket`. */
  supervisorAbsence: 'NOTEBOOK_SESSIONS_SUPERVISOR_ABSENCE',
  /** The path of rclone; by default `rclone`, which is in the image. */
  rclone: 'NOTEBOOK_SESSIONS_RCLONE',
  /** A command as a JSON array that installs rclone if necessary and prints its path; instead of `rclone`. Only the local platform sets it. */
  rcloneInstall: 'NOTEBOOK_SESSIONS_RCLONE_INSTALL',
  /** Types of remotes that the platform permits, separated by commas; by default `defaultRemoteTypes`. */
  syncTypes: 'NOTEBOOK_SESSIONS_SYNC_TYPES',
  /** Folders that remotes of the type `local` may be or be below, as a JSON array. */
  syncLocalFolders: 'NOTEBOOK_SESSIONS_SYNC_LOCAL_FOLDERS',
  /** Ranges of private addresses that remotes may have, separated by commas. */
  syncNetworks: 'NOTEBOOK_SESSIONS_SYNC_NETWORKS',
  /** Folder with the files of git-proxy; see `gitProxyFile`. */
  privateFolder: 'NOTEBOOK_SESSIONS_PRIVATE_FOLDER',
} as const;

/** The content of the file that `agentVariable.jupyterFile` names. */
export interface JupyterAddress {
  /** URL of the server, with the session's path. */
  readonly url: string;
  readonly token: string;
}

/** Where the key is mounted in the agent's container; the files have the names of keys of the credentials Secret. */
export const agentKeyFolder = '/run/notebook-sessions-agent';
export const agentKeyFile = {
  /** The key of the session, base64url. */
  key: 'agent-key',
  /** The uid of the JupyterServer. */
  sessionUid: 'session-uid',
} as const;

/**
 * Files in the pod's private folder, an emptyDir of the pod's user that is not on the session's volume. `git-clone` writes them.
 */
export const privateFolder = '/run/notebook-sessions';
export const gitProxyFile = {
  /** The value of `GIT_CONFIG_SYSTEM` for Jupyter and the agent: git's requests go through the git proxy. */
  configuration: 'gitconfig',
  /** The key that git sends to the git proxy, mode 0600. */
  key: 'git-proxy-key',
  /** The credential helper for the git proxy, a program of the shell. */
  helper: 'git-credential',
} as const;

/** Folder on the session's volume for files of the agent, beside the repository and not in it; mode 0700. */
export const agentFolder = '.notebook-sessions';

/** File in the folder of the agent: the report of git-clone about a recovery, which the agent takes over and removes. */
export const recoveryFile = 'recovery.json';

export interface RecoveryReport {
  /** The autosave that was restored. */
  readonly recovered: {
    readonly branch: string;
    /** Full id of the commit. */
    readonly commit: string;
    /** `volume`: the autosave could not be pushed, and is in the folder of the agent. */
    readonly location: 'remote' | 'volume';
    /** RFC 3339; null if it is unknown. */
    readonly savedAt: string | null;
    /** Whether everything was restored. */
    readonly isComplete: boolean;
    /** Whether the autosave was deleted in the remote repository. */
    readonly isDeleted: boolean;
    /** Why nothing or not everything was restored; null after a complete recovery. */
    readonly error: string | null;
  };
  /** Older autosaves of the same user, branch and commit, which are in the remote repository. */
  readonly others: readonly { readonly branch: string; readonly commit: string }[];
}
