import { isOwnProgram } from '../../config/own-program.ts';
import type { Config, ManifestConfig } from '../../config/types.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { agent } from './agent.ts';
import {
  add,
  containerIndex,
  type JsonPatch,
  jsonPatch,
  type ManifestInput,
  repositoryPath,
  sentryVariables,
  serviceContainer,
} from './input.ts';
import { gitConfiguration, hasOwnGitProxy, privateMount } from './private-folder.ts';

export const hasGitSidecar = ({ user }: ManifestInput, { sessions }: Pick<Config, 'sessions'>): boolean =>
  user.kind === 'registered' && sessions.containers.registered.includes(sessionContainer.gitSidecar.name);

/** Returns whether the session has an agent that the service and the operator can call. The sidecar of renku-notebooks has no such API. */
export const hasAgent = (input: ManifestInput, config: Pick<Config, 'sessions'>): boolean =>
  config.sessions.agent_secrets.length > 0 &&
  hasGitSidecar(input, config) &&
  isOwnProgram(config.sessions.git_rpc_server);

/**
 * Adds the sidecar that reports the state of the repository, and saves unpushed work when the session ends. Only oauth2-proxy
 * forwards requests to the sidecar. renku-notebooks also created a Service for the sidecar, and any pod in the cluster could
 * discard a user's work with a request to that Service.
 */
export function gitSidecar(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (!hasGitSidecar(input, config)) return [];
  if (isOwnProgram(config.sessions.git_rpc_server))
    return [agent(input, config, hasAgent(input, config)), throughProxy(input, config)];
  const { image, port } = config.sessions.git_rpc_server;
  const probe = {
    httpGet: { path: sessionPath(input.name) + sessionContainer.gitSidecar.probe.path, port },
    periodSeconds: 10,
  };
  const { folder } = input.repository;
  return [
    jsonPatch(
      add('/containers/-', {
        name: sessionContainer.gitSidecar.name,
        image,
        ports: [{ name: 'git-port', containerPort: port, protocol: 'TCP' }],
        ...serviceContainer,
        env: variables(input, config),
        volumeMounts: [
          { name: 'workspace', mountPath: repositoryPath(input.repository), subPath: folder },
          ...(hasOwnGitProxy(input.user.kind, config) ? [{ ...privateMount, readOnly: true }] : []),
        ],
        livenessProbe: { ...probe, failureThreshold: 2 },
        readinessProbe: { ...probe, failureThreshold: 6 },
        startupProbe: { ...probe, failureThreshold: 30 },
        lifecycle: {
          preStop: { exec: { command: ['.venv/bin/python', '-m', 'git_services.sidecar.run_command', 'autosave'] } },
        },
        resources: { requests: { cpu: '100m', memory: '84Mi' } },
      }),
    ),
    throughProxy(input, config),
  ];
}

const sidecarPath = ({ name }: ManifestInput): string => `${sessionPath(name)}/sidecar/`;

function variables(input: ManifestInput, config: ManifestConfig): object[] {
  const { git_rpc_server, git_proxy, autosave_minimum_lfs_file_size_bytes } = config.sessions;
  const values = {
    GIT_RPC_MOUNT_PATH: repositoryPath(input.repository),
    GIT_RPC_PORT: String(git_rpc_server.port),
    GIT_RPC_HOST: git_rpc_server.host,
    GIT_RPC_URL_PREFIX: sidecarPath(input),
    ...sentryVariables('GIT_RPC_', git_rpc_server.sentry, config),
    CI_COMMIT_SHA: input.repository.commitSha,
    RENKU_USERNAME: input.user.username,
    GIT_RPC_GIT_PROXY_HEALTH_PORT: String(git_proxy.health_port),
    AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES: String(autosave_minimum_lfs_file_size_bytes),
  };
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    ...(hasOwnGitProxy(input.user.kind, config) ? [gitConfiguration] : []),
  ];
}

/**
 * Gives signed-in users and clients with an access token access to the sidecar, below the session's path. oauth2-proxy uses
 * the upstream with the longest matching path, so the order of its arguments does not matter.
 */
function throughProxy(input: ManifestInput, config: ManifestConfig): JsonPatch {
  const path = sidecarPath(input);
  const { git_rpc_server, git_proxy } = config.sessions;
  const argument = (value: string) => add(`/containers/${containerIndex.proxy}/args/-`, value);
  return jsonPatch(
    argument(`--upstream=http://127.0.0.1:${git_rpc_server.port}${path}`),
    argument(`--skip-auth-route=^${path}health/?$`),
    argument(`--skip-auth-route=^${path}jsonrpc/map$`),
    argument('--skip-jwt-bearer-tokens=true'),
    argument(`--oidc-extra-audience=${git_proxy.renku_client_id}`),
  );
}
