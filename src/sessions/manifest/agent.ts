import type { ManifestConfig } from '../../config/types.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import { agentFolder, agentKeyFile, agentKeyFolder, agentPort, agentVariable } from '../../session-contract/agent.ts';
import { sessionUser, unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { defaultRemoteTypes } from '../../session-contract/sync-remote.ts';
import { certificatesFile, certificatesMount } from './certificates.ts';
import { credentialsSecretName } from './credential-keys.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput, repositoryPath } from './input.ts';
import { hasGitProxy, hasOwnGitProxy, privateMount, privateVariable } from './private-folder.ts';
import { toolProbes, toolProgram } from './session-tools.ts';
import { agentMounts, agentSupervisorVariable } from './supervisor.ts';

const workspace = '/work';
const keyVolume = 'session-agent';

/**
 * Returns the patch with this project's agent. The agent has the whole workspace: it stores saves that could not be pushed beside the
 * repository. Its key is a file, because other programs of the same user can read the environment of a process.
 * @param hasKey whether the credentials Secret has the key of the session
 */
export function agent(input: ManifestInput, config: ManifestConfig, hasKey: boolean): JsonPatch {
  const { image, port } = config.sessions.git_rpc_server;
  return jsonPatch(
    ...(hasKey ? [add('/volumes/-', keyVolumeOf(input))] : []),
    add('/containers/-', {
      name: sessionContainer.gitSidecar.name,
      image,
      args: [toolProgram('agent')],
      ports: [
        { name: 'git-port', containerPort: port, protocol: 'TCP' },
        { name: 'agent', containerPort: agentPort, protocol: 'TCP' },
      ],
      securityContext: unprivileged(sessionUser),
      ...withLogInStatus,
      env: variables(input, config),
      volumeMounts: [
        { name: 'workspace', mountPath: workspace },
        certificatesMount,
        ...(hasOwnGitProxy(input.user.kind, config) ? [{ ...privateMount, readOnly: true }] : []),
        ...(hasKey ? [{ name: keyVolume, mountPath: agentKeyFolder, readOnly: true }] : []),
        ...agentMounts(input, config),
      ],
      ...toolProbes('/health', agentPort),
      lifecycle: { preStop: { exec: { command: ['/usr/local/bin/node', toolProgram('agent', 'pre-stop')] } } },
      resources: { requests: { cpu: '100m', memory: '84Mi' } },
    }),
  );
}

/** Returns the variables of file sync that differ from the defaults of the agent. */
function syncVariables({
  remotes,
  local_folders,
  allowed_networks,
}: ManifestConfig['sessions']['sync']): Record<string, string> {
  const isDefault = remotes.join() === defaultRemoteTypes.join();
  return {
    ...(isDefault ? {} : { [agentVariable.syncTypes]: remotes.join() }),
    ...(local_folders.length === 0 ? {} : { [agentVariable.syncLocalFolders]: JSON.stringify(local_folders) }),
    ...(allowed_networks.length === 0 ? {} : { [agentVariable.syncNetworks]: allowed_networks.join() }),
  };
}

/** Readable for the group of the pod's volumes (`fsGroup`). The keys are those of the Secret, and the names of the files. */
const keyVolumeOf = ({ name }: ManifestInput) => ({
  name: keyVolume,
  secret: {
    secretName: credentialsSecretName(name),
    defaultMode: 0o440,
    // The Secret has no key if the platform no longer has the secret from which the key was derived.
    optional: true,
    items: Object.values(agentKeyFile).map((key) => ({ key, path: key })),
  },
});

function variables(input: ManifestInput, config: ManifestConfig): object[] {
  const { git_rpc_server, git_proxy, autosave_minimum_lfs_file_size_bytes } = config.sessions;
  const { repository, user, name } = input;
  const withProxy = hasGitProxy(user.kind, config);
  const values = {
    GIT_RPC_MOUNT_PATH: repositoryPath(repository),
    GIT_RPC_PORT: String(git_rpc_server.port),
    // Only oauth2-proxy, in the same pod, uses the JSON-RPC.
    GIT_RPC_HOST: '127.0.0.1',
    GIT_RPC_URL_PREFIX: `${sessionPath(name)}/sidecar/`,
    CI_COMMIT_SHA: repository.commitSha,
    RENKU_USERNAME: user.username,
    AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES: String(autosave_minimum_lfs_file_size_bytes),
    [agentVariable.port]: String(agentPort),
    [agentVariable.branch]: repository.branch,
    [agentVariable.repositoryUrl]: repository.httpUrl,
    [agentVariable.mayPush]: repository.mayPush ? '1' : '0',
    [agentVariable.jupyterUrl]: `http://127.0.0.1:${sessionContainer.jupyter.port}${sessionPath(name)}`,
    [agentVariable.savesFolder]: `${workspace}/${agentFolder}`,
    ...agentSupervisorVariable(input, config),
    // For the remotes of file sync.
    SSL_CERT_FILE: certificatesFile,
    ...syncVariables(config.sessions.sync),
    ...(withProxy
      ? {
          GIT_RPC_GIT_PROXY_HEALTH_PORT: String(git_proxy.health_port),
          [agentVariable.gitProxyUrl]: `http://127.0.0.1:${git_proxy.port}`,
        }
      : {}),
  };
  const ofPod = (variable: string, fieldPath: string) => ({ name: variable, valueFrom: { fieldRef: { fieldPath } } });
  return [
    ...Object.entries(values).map(([variable, value]) => ({ name: variable, value })),
    ...(hasOwnGitProxy(user.kind, config) ? [privateVariable] : []),
    ofPod(agentVariable.host, 'status.podIP'),
    ofPod(agentVariable.podUid, 'metadata.uid'),
  ];
}
