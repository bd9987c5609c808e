/**
 * What the service, git-clone, git-proxy, the agent and the kubelet of the local platform agree on about the git proxy. The proxy is a
 * reverse proxy on a loopback address: `http://127.0.0.1:8080/https/gitlab.example.org/group/project.git` is the address of
 * `https://gitlab.example.org/group/project.git` at the proxy.
 */

/** Environment variables of the git proxy. The names of the first group are those of renku-notebooks 1.18.1. */
export const gitProxyVariable = {
  repositoryUrl: 'REPOSITORY_URL',
  port: 'GIT_PROXY_PORT',
  healthPort: 'GIT_PROXY_HEALTH_PORT',
  gitTokenExpiresAt: 'GITLAB_OAUTH_TOKEN_EXPIRES_AT',
  platformUrl: 'RENKU_URL',
  realm: 'RENKU_REALM',
  clientId: 'RENKU_CLIENT_ID',
  gracePeriodSeconds: 'SESSION_TERMINATION_GRACE_PERIOD_SECONDS',
  anonymous: 'ANONYMOUS_SESSION',
  /** Credentials in variables: this project's proxy reads them from files (`credentialsFolder`). */
  gitToken: 'GITLAB_OAUTH_TOKEN',
  accessToken: 'RENKU_ACCESS_TOKEN',
  refreshToken: 'RENKU_REFRESH_TOKEN',
  clientSecret: 'RENKU_CLIENT_SECRET',

  /** Loopback address on which the proxy listens; 127.0.0.1 by default. Not in 1.18.1, like all that follow. */
  host: 'GIT_PROXY_HOST',
  /** Folder with the files of `credentialFile`: the environment of a process can be read by other programs of its user. */
  credentialsFolder: 'NOTEBOOK_SESSIONS_CREDENTIALS_FOLDER',
  /** Folder with the files of `gitProxyFile`. */
  privateFolder: 'NOTEBOOK_SESSIONS_PRIVATE_FOLDER',
  /** `1` if a sidecar saves the work at the end of the pod, and the proxy must run until then. */
  waitForAgent: 'GIT_PROXY_WAIT_FOR_AGENT',
  /** `0`: the proxy does not tunnel (CONNECT). */
  tunnel: 'GIT_PROXY_TUNNEL',
} as const;

/** Where the credentials Secret is mounted in git-clone and git-proxy. No other container has this folder. */
export const credentialsFolder = '/run/notebook-sessions-credentials';

/** Names of the files with credentials: the keys of the credentials Secret. A file may be missing. */
export const credentialFile = {
  gitToken: 'gitlab-oauth-token',
  /** Seconds since the epoch. At a resume, the service replaces the token and its expiry, and not the variables of the pod. */
  gitTokenExpiresAt: 'gitlab-oauth-token-expires-at',
  accessToken: 'access-token',
  refreshToken: 'refresh-token',
  clientSecret: 'git-proxy-client-secret',
} as const;

/** Path of the proxy for `PUT` of new tokens: the schema `Tokens` of agent.openapi.yaml, with the proxy's key (Basic). */
export const gitProxyTokensPath = '/tokens';
/** Path of the proxy, and of its health port for the same pod: the work of the session is saved, and the proxy may end. */
export const gitProxyShutdownPath = '/shutdown';

/** User name with which the proxy's key is sent. */
export const gitProxyUser = 'session';

/** Returns the address of a repository, or the prefix of addresses, at the proxy. */
export function gitProxyUrl(proxy: string, url: URL): string {
  return `${proxy}/${url.protocol.slice(0, -1)}/${url.host}${url.pathname}`;
}

/** Returns the origin of the proxy. */
export const gitProxyOrigin = (host: string, port: number): string => `http://${host}:${port}`;
