import { isOwnProgram } from '../../config/own-program.ts';
import type { ManifestConfig } from '../../config/types.ts';
import { cloneTimeoutSeconds, cloneVariable } from '../../session-contract/clone.ts';
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
import { hasSupervisor, programsMount, programsVariable } from './supervisor.ts';

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
    ...timeout(config),
    ...ownVariables(config),
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
        ...(hasSupervisor(input, config) ? [programsMount] : []),
      ],
      env: [
        ...Object.entries(values).map(([name, value]) => ({ name, value })),
        ...(hasProxy ? [privateVariable] : []),
        ...(hasSupervisor(input, config) ? [programsVariable] : []),
        ...(user.hasGitToken ? [token] : []),
      ],
    }),
  );
}

/** Returns the variables that only this project's program knows. */
function ownVariables({ sessions }: ManifestConfig): Record<string, string> {
  if (!isOwnProgram(sessions.git_clone)) return {};
  return {
    ...(sessions.storage.pvs_enabled ? { [cloneVariable.keepsVolume]: '1' } : {}),
    ...(sessions.git_clone.partial ? { [cloneVariable.partial]: '1' } : {}),
  };
}

/** `git-clone` of renku-notebooks has no such setting, and rejects the variable. */
function timeout({ sessions: { git_clone } }: ManifestConfig): Record<string, string> {
  const seconds = git_clone.timeout_seconds;
  const isSet = seconds !== cloneTimeoutSeconds.default && isOwnProgram(git_clone);
  return isSet ? { [cloneVariable.timeoutSeconds]: String(seconds) } : {};
}

/** `git-clone` of renku-notebooks always uses the default port, and exits if the port is set. */
function proxyPort({ user }: ManifestInput, config: ManifestConfig): Record<string, string> {
  const { git_clone, git_proxy } = config.sessions;
  const { port } = git_proxy;
  const isSet = hasGitProxy(user.kind, config) && isOwnProgram(git_clone) && port !== sessionContainer.gitProxy.port;
  return isSet ? { [cloneVariable.gitProxyPort]: String(port) } : {};
}
