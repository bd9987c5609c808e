import { isOwnProgram } from '../../config/own-program.ts';
import type { Config, ManifestConfig } from '../../config/types.ts';
import { gitProxyFile, privateFolder } from '../../session-contract/agent.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { credentialFile, credentialsFolder, gitProxyVariable } from '../../session-contract/git-proxy.ts';
import { credentialsSecretName } from './credential-keys.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const privateVolume = 'session-private';
const credentialsVolume = 'session-credentials';

type Sessions = Pick<Config, 'sessions'>;

/** Returns whether sessions have a git proxy, as configured. */
export const hasGitProxy = (kind: ManifestInput['user']['kind'], { sessions }: Sessions): boolean =>
  sessions.containers[kind].includes(sessionContainer.gitProxy.name);

/**
 * Returns whether sessions have this project's git proxy, which git finds in a configuration that git-clone writes into the pod's
 * private folder.
 */
export const hasOwnGitProxy = (kind: ManifestInput['user']['kind'], config: Sessions): boolean =>
  hasGitProxy(kind, config) && isOwnProgram(config.sessions.git_proxy) && isOwnProgram(config.sessions.git_clone);

/** Returns whether git-clone reads the git token from a file. */
export const hasTokenFile = ({ user }: ManifestInput, { sessions }: Sessions): boolean =>
  user.hasGitToken && isOwnProgram(sessions.git_clone);

export const privateMount = { name: privateVolume, mountPath: privateFolder };
export const privateVariable = { name: gitProxyVariable.privateFolder, value: privateFolder };
/** The variable of Jupyter and the agent by which git finds the git proxy. */
export const gitConfiguration = { name: 'GIT_CONFIG_SYSTEM', value: `${privateFolder}/${gitProxyFile.configuration}` };

export const credentialsMount = { name: credentialsVolume, mountPath: credentialsFolder, readOnly: true };
export const credentialsVariable = { name: gitProxyVariable.credentialsFolder, value: credentialsFolder };

/**
 * Adds the volumes with the files of git-clone and git-proxy: the configuration and key for git in the session, and the
 * credentials, as files, because other programs of the same user can read the environment of a process.
 */
export function privateVolumes(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const hasProxy = hasOwnGitProxy(input.user.kind, config);
  const hasCredentials = hasTokenFile(input, config) || (hasProxy && input.user.kind === 'registered');
  return [
    ...(hasProxy
      ? [
          jsonPatch(
            add('/volumes/-', { name: privateVolume, emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }),
            add(`/containers/${containerIndex.jupyterServer}/volumeMounts/-`, { ...privateMount, readOnly: true }),
            add(`/containers/${containerIndex.jupyterServer}/env/-`, gitConfiguration),
          ),
        ]
      : []),
    ...(hasCredentials
      ? [
          jsonPatch(
            add('/volumes/-', {
              name: credentialsVolume,
              secret: {
                secretName: credentialsSecretName(input.name),
                // Readable for the group of the pod's volumes (`fsGroup`).
                defaultMode: 0o440,
                items: credentialItems(input, config).map((key) => ({ key, path: key })),
              },
            }),
          ),
        ]
      : []),
  ];
}

/** Returns the keys of the credentials Secret that git-clone and git-proxy read. The pod does not start if one is missing. */
function credentialItems({ user }: ManifestInput, config: ManifestConfig): string[] {
  const hasTokens = user.kind === 'registered' && hasOwnGitProxy(user.kind, config);
  return [
    ...(user.hasGitToken ? [credentialFile.gitToken] : []),
    ...(user.hasGitToken && hasOwnGitProxy(user.kind, config) ? [credentialFile.gitTokenExpiresAt] : []),
    ...(hasTokens ? [credentialFile.accessToken] : []),
    ...(hasTokens && user.hasRefreshToken ? [credentialFile.refreshToken] : []),
    ...(hasTokens && config.sessions.git_proxy.renku_client_secret !== null ? [credentialFile.clientSecret] : []),
  ];
}
