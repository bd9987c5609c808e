import type { Config, ManifestConfig } from '../../config/types.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { certificatesMount } from './certificates.ts';
import { credentialKey, fromCredentials } from './credential-keys.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput, serviceContainer, sessionsOrigin } from './input.ts';

/** Returns whether sessions have a git proxy, as configured. The local platform and small clusters do not need a git proxy. */
export const hasGitProxy = (kind: ManifestInput['user']['kind'], { sessions }: Pick<Config, 'sessions'>): boolean =>
  sessions.containers[kind].includes(sessionContainer.gitProxy.name);

/** A value for unused variables: the git proxy exits if a variable is empty. */
const none = 'None';

/** Adds the git proxy, which adds the user's credentials to git requests. The Jupyter container needs no credentials then. */
export function gitProxy(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (!hasGitProxy(input.user.kind, config)) return [];
  const { image, health_port } = config.sessions.git_proxy;
  const probe = { httpGet: { path: sessionContainer.gitProxy.probe.path, port: health_port }, initialDelaySeconds: 3 };
  return [
    jsonPatch(
      add('/containers/-', {
        name: sessionContainer.gitProxy.name,
        image,
        ...serviceContainer,
        env: [...plain(input, config), ...credentials(input, config)],
        livenessProbe: probe,
        readinessProbe: probe,
        volumeMounts: [certificatesMount],
        resources: { requests: { cpu: '50m', memory: '16Mi' } },
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
    RENKU_URL: sessionsOrigin(config),
    ANONYMOUS_SESSION: String(user.kind === 'anonymous'),
    SESSION_TERMINATION_GRACE_PERIOD_SECONDS: String(config.sessions.termination_grace_period_seconds),
  };
  return Object.entries(values).map(([name, value]) => ({ name, value }));
}

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
