import type { ManifestConfig } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { findAgentKey } from '../../session-contract/agent-key.ts';
import { credentialKey, credentialsSecretName } from './credential-keys.ts';
import type { ManifestInput } from './input.ts';
import { hasGitProxy, hasOwnGitProxy } from './private-folder.ts';
import { ownedSecret, type Secret, type SecretOwner } from './secrets.ts';
import { variableValues } from './variables.ts';

/** Returns whether the session needs a credentials Secret. An anonymous session of a public project does not. */
export const isCredentialsSecretNeeded = ({ user }: ManifestInput): boolean =>
  user.kind === 'registered' || user.hasGitToken;

/**
 * Returns the Secret with the user's credentials. A restart writes it again, with the caller's credentials at that time.
 * @param environment the user's variables if the session has no variables Secret: an earlier release stored them here
 */
export function credentialsSecret(
  owner: SecretOwner & Pick<Session, 'agentSecret'>,
  identity: Identity,
  environment: Readonly<Record<string, string>>,
  config: ManifestConfig,
): Secret {
  const values = {
    ...gitToken(identity, config),
    ...(identity.kind === 'registered' ? registered(identity, config) : {}),
    ...agentKeys(owner, config),
    ...variableValues(environment),
  };
  return ownedSecret(owner, config, credentialsSecretName(owner.name), 'Opaque', values);
}

function gitToken({ kind, git }: Identity, config: ManifestConfig): Record<string, string> {
  if (git.token === null) return {};
  return {
    [credentialKey.gitlabToken]: git.token,
    ...(hasOwnGitProxy(kind, config) ? { [credentialKey.gitlabTokenExpiresAt]: String(git.tokenExpiresAt) } : {}),
  };
}

/** Returns the key of the session's agent. A session whose secret the platform no longer has gets none. */
function agentKeys(
  { uid, agentSecret }: SecretOwner & Pick<Session, 'agentSecret'>,
  { sessions }: ManifestConfig,
): Record<string, string> {
  const key = agentSecret === undefined ? undefined : findAgentKey(sessions.agent_secrets, agentSecret, uid);
  if (key === undefined) return {};
  return { [credentialKey.agentKey]: key.toString('base64url'), [credentialKey.sessionUid]: uid };
}

function registered(
  { accessToken, refreshToken }: Extract<Identity, { kind: 'registered' }>,
  config: ManifestConfig,
): Record<string, string> {
  const oidc = { [credentialKey.oidcClientSecret]: config.sessions.oidc.client_secret };
  if (!hasGitProxy('registered', config)) return oidc;
  const clientSecret = config.sessions.git_proxy.renku_client_secret;
  return {
    ...oidc,
    [credentialKey.accessToken]: accessToken,
    ...(refreshToken === null ? {} : { [credentialKey.refreshToken]: refreshToken }),
    ...(clientSecret === null ? {} : { [credentialKey.gitProxyClientSecret]: clientSecret }),
  };
}
