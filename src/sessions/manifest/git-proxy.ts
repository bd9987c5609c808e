import type { ManifestConfig } from '../../config/types.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { gitProxyVariable } from '../../session-contract/git-proxy.ts';
import { certificatesFile, certificatesMount } from './certificates.ts';
import { credentialKey, fromCredentials } from './credential-keys.ts';
import { hasGitSidecar } from './git-sidecar.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput, serviceContainer, sessionsOrigin } from './input.ts';
import {
  credentialsMount,
  credentialsVariable,
  hasGitProxy,
  hasOwnGitProxy,
  privateMount,
  privateVariable,
} from './private-folder.ts';
import { toolProbes, toolProgram } from './session-tools.ts';

/** A value for unused variables: the git proxy exits if a variable is empty. */
const none = 'None';

/** Adds the git proxy, which adds the user's credentials to git requests. The Jupyter container needs no credentials then. */
export function gitProxy(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (!hasGitProxy(input.user.kind, config)) return [];
  const { image, health_port } = config.sessions.git_proxy;
  const { path } = sessionContainer.gitProxy.probe;
  const probe = { httpGet: { path, port: health_port }, initialDelaySeconds: 3 };
  const isOwn = hasOwnGitProxy(input.user.kind, config);
  return [
    jsonPatch(
      add('/containers/-', {
        name: sessionContainer.gitProxy.name,
        image,
        ...(isOwn ? { args: [toolProgram('gitProxy')] } : {}),
        ...serviceContainer,
        env: [...plain(input, config), ...(isOwn ? own(input, config) : credentials(input, config))],
        ...(isOwn ? toolProbes(path, health_port) : { livenessProbe: probe, readinessProbe: probe }),
        volumeMounts: [certificatesMount, ...(isOwn ? ownMounts(input) : [])],
        resources: { requests: { cpu: '50m', memory: isOwn ? '32Mi' : '16Mi' } },
      }),
    ),
  ];
}

function plain({ user, repository }: ManifestInput, config: ManifestConfig): { name: string; value: string }[] {
  const { port, health_port, renku_client_id } = config.sessions.git_proxy;
  const values = {
    REPOSITORY_URL: repository.httpUrl,
    GIT_PROXY_PORT: String(port),
    GIT_PROXY_HEALTH_PORT: String(health_port),
    GITLAB_OAUTH_TOKEN_EXPIRES_AT: String(user.gitTokenExpiresAt),
    RENKU_REALM: config.keycloak_realm,
    RENKU_CLIENT_ID: renku_client_id,
    RENKU_URL: config.sessions.git_proxy.platform_url ?? sessionsOrigin(config),
    ANONYMOUS_SESSION: String(user.kind === 'anonymous'),
    SESSION_TERMINATION_GRACE_PERIOD_SECONDS: String(config.sessions.termination_grace_period_seconds),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

/** Returns the variables of this project's proxy, which reads the credentials from files. */
function own(input: ManifestInput, config: ManifestConfig): { name: string; value: string }[] {
  return [
    { name: gitProxyVariable.waitForAgent, value: hasGitSidecar(input, config) ? '1' : '0' },
    { name: 'SSL_CERT_FILE', value: certificatesFile },
    privateVariable,
    credentialsVariable,
  ];
}

const hasCredentials = ({ kind, hasGitToken }: ManifestInput['user']): boolean => kind === 'registered' || hasGitToken;

const ownMounts = ({ user }: ManifestInput): object[] => [
  { ...privateMount, readOnly: true },
  ...(hasCredentials(user) ? [credentialsMount] : []),
];

function credentials({ name, user }: ManifestInput, config: ManifestConfig): object[] {
  const isRegistered = user.kind === 'registered';
  const variable = (variable: string, key: string, isThere: boolean) =>
    isThere ? fromCredentials(variable, name, key) : { name: variable, value: none };
  const isClientSecretSet = config.sessions.git_proxy.renku_client_secret !== null;
  return [
    variable('GITLAB_OAUTH_TOKEN', credentialKey.gitlabToken, user.hasGitToken),
    variable('RENKU_ACCESS_TOKEN', credentialKey.accessToken, isRegistered),
    variable('RENKU_REFRESH_TOKEN', credentialKey.refreshToken, isRegistered && user.hasRefreshToken),
    // The client secret belongs to the platform. Only a proxy that is configured to need it gets it, in registered sessions.
    variable('RENKU_CLIENT_SECRET', credentialKey.gitProxyClientSecret, isRegistered && isClientSecretSet),
  ];
}
