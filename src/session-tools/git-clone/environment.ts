import { join } from 'node:path';
import type { Git } from './git.ts';
import type { CloneSettings } from './settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The variables in which the credential helper finds the file with the token, or the token itself. */
const tokenFileVariable = 'NOTEBOOK_SESSIONS_GIT_TOKEN_FILE';
const tokenVariable = 'NOTEBOOK_SESSIONS_GIT_TOKEN';
/** The variable with the name of a file that the credential helper creates when the git server has rejected the token. */
const rejectedVariable = 'NOTEBOOK_SESSIONS_GIT_TOKEN_REJECTED';

/**
 * The credential helper: a shell function that git calls with `get`, `store` or `erase`. The token is not in this text, so that
 * it appears in no configuration and in no process list. After `erase`, the helper has no token: Git LFS would repeat a request with the
 * same token for ever.
 */
const helper = (token: string) =>
  `!f() { case $1 in erase) : > "$${rejectedVariable}" ;; get) test -e "$${rejectedVariable}" || printf 'username=oauth2\\npassword=%s\\n' "${token}" ;; esac; }; f`;

/** Returns git with a file for each command in which the credential helper finds whether the token was rejected. */
export function rememberRejected(git: Git, folder: string): Git {
  let number = 0;
  return (args, options) => {
    const environment = { [rejectedVariable]: join(folder, String(number++)), ...options?.environment };
    return git(args, { ...options, environment });
  };
}

/** Variables for certificates and for the location of git. Other GIT_ variables would change the behaviour of git. */
const kept = new Set(['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_EXEC_PATH', 'GIT_PROXY_SSL_CAINFO']);

/**
 * Returns the environment of all git commands. Configuration files of the user and the system are not used: credential helpers
 * in them would store the session's token. Variables that are not git's are passed on, for example the marker of the session's
 * processes.
 */
export const gitEnvironment = (settings: CloneSettings, inherited: Variables): Record<string, string> => ({
  ...isolatedEnvironment(inherited, configurationOf(settings)),
  ...tokenSource(settings),
});

/** Returns the environment of git with this configuration, and with no other configuration than that of the repository. */
export function isolatedEnvironment(
  inherited: Variables,
  pairs: readonly (readonly [string, string])[],
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && (!name.startsWith('GIT_') || kept.has(name))) environment[name] = value;
  }
  const certificates = inherited['SSL_CERT_FILE'];
  return {
    // git with GnuTLS ignores SSL_CERT_FILE.
    ...(certificates ? { GIT_SSL_CAINFO: certificates } : {}),
    ...environment,
    // So that ~/.netrc and ~/.gitconfig are not used.
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    LC_ALL: 'C',
    // A submodule's URL must not make git read local files or start programs (file, ext, ssh).
    GIT_ALLOW_PROTOCOL: 'http:https',
    // git-lfs ignores GIT_ALLOW_PROTOCOL, and a repository may contain an ssh URL for its large files.
    GIT_SSH_COMMAND: 'false',
    // A later step fetches all LFS files together.
    GIT_LFS_SKIP_SMUDGE: '1',
    ...configuration(pairs),
  };
}

/** Configuration with which no program of a repository runs, and transfers end. */
export const safeConfiguration: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['advice.detachedHead', 'false'],
  // A transfer of less than one byte per second for a minute has failed.
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
];

function tokenSource({ token, tokenFile }: CloneSettings): Record<string, string> {
  if (tokenFile !== null) return { [tokenFileVariable]: tokenFile };
  return token === null ? {} : { [tokenVariable]: token };
}

function configurationOf({ serverUrl, token, tokenFile }: CloneSettings): (readonly [string, string])[] {
  const { origin, host } = new URL(serverUrl);
  const source = tokenFile === null ? `$${tokenVariable}` : `$(cat "$${tokenFileVariable}")`;
  const own: [string, string][] = token === null ? [] : [[`credential.${origin}.helper`, helper(source)]];
  return [
    ...safeConfiguration,
    // An empty value removes earlier helpers. git calls this helper for the git server's origin only, so that a submodule
    // or a redirect to another host does not get the token.
    ['credential.helper', ''],
    ...own,
    // Submodules often have the SSH URL of the same server, for which a session has no key.
    [`url.${serverUrl}/.insteadOf`, `git@${host}:`],
    [`url.${serverUrl}/.insteadOf`, `ssh://git@${host}/`],
  ];
}

/** Returns variables for git's configuration (git >= 2.31). Unlike `git -c`, keys can repeat, and children inherit them. */
function configuration(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(pairs.length) };
  for (const [index, [key, value]] of pairs.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
