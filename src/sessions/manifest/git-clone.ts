import { isOwnProgram } from '../../config/own-program.ts';
import type { ManifestConfig } from '../../config/types.ts';
import { cloneVariable } from '../../session-contract/clone.ts';
import { sessionUser, unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { certificatesFile, certificatesMount } from './certificates.ts';
import { credentialKey, fromCredentials } from './credential-keys.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput, repositoryPath, sentryVariables } from './input.ts';
import {
  credentialsMount,
  credentialsVariable,
  hasGitProxy,
  hasOwnGitProxy,
  hasTokenFile,
  privateMount,
  privateVariable,
} from './private-folder.ts';

/** Clones the repository into the workspace before the main containers start. */
export function gitClone(input: ManifestInput, config: ManifestConfig): JsonPatch {
  const { repository, user } = input;
  const values: Record<string, string> = {
    [cloneVariable.mountPath]: repositoryPath(repository),
    [cloneVariable.repositoryUrl]: repository.httpUrl,
    [cloneVariable.lfsAutoFetch]: input.lfsAutoFetch ? '1' : '0',
    [cloneVariable.commitSha]: repository.commitSha,
    [cloneVariable.branch]: repository.branch,
    [cloneVariable.username]: user.username,
    [cloneVariable.gitAutosave]: repository.mayPush ? '1' : '0',
    [cloneVariable.gitUrl]: user.gitUrl,
    REQUESTS_CA_BUNDLE: certificatesFile,
    SSL_CERT_FILE: certificatesFile,
    ...(user.profile
      ? { [cloneVariable.email]: user.profile.email, [cloneVariable.fullName]: user.profile.fullName }
      : {}),
    ...sentryVariables('GIT_CLONE_', config.sessions.git_clone.sentry, config),
    ...(input.cloudStorage.length > 0 ? { [cloneVariable.storageMount]: config.cloud_storage.mount_folder } : {}),
    ...proxyPort(input, config),
    ...(isOwnProgram(config.sessions.git_clone) && config.sessions.storage.pvs_enabled
      ? { [cloneVariable.keepsVolume]: '1' }
      : {}),
  };
  const hasProxy = hasOwnGitProxy(user.kind, config);
  const readsFile = hasTokenFile(input, config);
  const token = readsFile
    ? credentialsVariable
    : fromCredentials(cloneVariable.oauthToken, input.name, credentialKey.gitlabToken);
  return jsonPatch(
    add('/initContainers/-', {
      name: sessionContainer.gitClone.name,
      image: config.sessions.git_clone.image,
      resources: { requests: { cpu: '100m', memory: '100Mi' } },
      securityContext: unprivileged(sessionUser),
      ...withLogInStatus,
      volumeMounts: [
        { name: 'workspace', mountPath: '/work' },
        certificatesMount,
        ...(hasProxy ? [privateMount] : []),
        ...(readsFile ? [credentialsMount] : []),
      ],
      env: [
        ...Object.entries(values).map(([name, value]) => ({ name, value })),
        ...(hasProxy ? [privateVariable] : []),
        ...(user.hasGitToken ? [token] : []),
      ],
    }),
  );
}

/** `git-clone` of renku-notebooks always uses the default port, and exits if the port is set. */
function proxyPort({ user }: ManifestInput, config: ManifestConfig): Record<string, string> {
  const { git_clone, git_proxy } = config.sessions;
  const { port } = git_proxy;
  const isSet = hasGitProxy(user.kind, config) && isOwnProgram(git_clone) && port !== sessionContainer.gitProxy.port;
  return isSet ? { [cloneVariable.gitProxyPort]: String(port) } : {};
}
