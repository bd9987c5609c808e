import type { CloneSettings } from './settings.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the credential helper finds the token. */
const tokenVariable = 'NOTEBOOK_SESSIONS_GIT_TOKEN';

/**
 * A credential helper is a shell function that git calls with `get`, `store` or `erase`. Its text holds no secret: the
 * token is in the environment, so it is in no file and in no process list.
 */
const helper = `!f() { if test "$1" = get; then printf 'username=oauth2\\npassword=%s\\n' "$${tokenVariable}"; fi; }; f`;

/** These say how to reach the network or which git to run; every other GIT_ variable would change what git does. */
const kept = new Set(['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'GIT_EXEC_PATH', 'GIT_PROXY_SSL_CAINFO']);

/**
 * The environment of every git command here. Nobody's configuration file counts: the machine's own credential helpers
 * would store the session's token. Everything that is not git's is handed on, for instance what marks the processes of
 * a session.
 */
export function gitEnvironment(settings: CloneSettings, inherited: Variables): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && (!name.startsWith('GIT_') || kept.has(name))) environment[name] = value;
  }
  const certificates = inherited['SSL_CERT_FILE'];
  return {
    // git built with GnuTLS does not know SSL_CERT_FILE.
    ...(certificates ? { GIT_SSL_CAINFO: certificates } : {}),
    ...environment,
    // No ~/.netrc, no ~/.gitconfig.
    HOME: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    LC_ALL: 'C',
    // For submodules: a repository must not make this machine read its own disk or start programs (file, ext, ssh).
    GIT_ALLOW_PROTOCOL: 'http:https',
    // git-lfs does not know GIT_ALLOW_PROTOCOL, and a repository may name an ssh address for its large files.
    GIT_SSH_COMMAND: 'false',
    // LFS files are fetched in a step of their own, all at once.
    GIT_LFS_SKIP_SMUDGE: '1',
    ...(settings.token === null ? {} : { [tokenVariable]: settings.token }),
    ...configuration(configurationOf(settings)),
  };
}

function configurationOf({ serverUrl, token }: CloneSettings): [string, string][] {
  const { origin, host } = new URL(serverUrl);
  return [
    // Nothing that the repository brings runs while it is cloned.
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['advice.detachedHead', 'false'],
    // A transfer of less than a byte per second for a minute has died.
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '60'],
    // An empty value forgets the helpers before it. git asks this one for the git server's origin alone: a submodule
    // or a redirect to another host does not get the token.
    ['credential.helper', ''],
    ...(token === null ? [] : [[`credential.${origin}.helper`, helper] as [string, string]]),
    // Submodules are often written with the SSH address of the same server, for which a session has no key.
    [`url.${serverUrl}/.insteadOf`, `git@${host}:`],
    [`url.${serverUrl}/.insteadOf`, `ssh://git@${host}/`],
  ];
}

/** `git -c` as environment variables (git >= 2.31): repeatable keys, inherited by git's own children. */
function configuration(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(pairs.length) };
  for (const [index, [key, value]] of pairs.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
