import type { Config } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { credentialKey, credentialsSecretName } from './credential-keys.ts';
import { hasGitProxy } from './git-proxy.ts';
import type { ManifestInput } from './input.ts';
import { environmentFile } from './r-environment.ts';
import { ownedSecret, type Secret } from './secrets.ts';

/** An anonymous session without variables has nothing to hide. */
export const isCredentialsSecretNeeded = (input: ManifestInput): boolean =>
  input.user.kind === 'registered' || input.user.hasGitToken || Object.keys(input.environment).length > 0;

/** The Secret with what the session needs of the launching user. */
export function credentialsSecret(
  server: JupyterServer,
  identity: Identity,
  environment: Readonly<Record<string, string>>,
  config: Config,
): Secret {
  const file = environmentFile(environment);
  const values = {
    ...(identity.git.token === null ? {} : { [credentialKey.gitlabToken]: identity.git.token }),
    ...(identity.kind === 'registered' ? registered(identity, config) : {}),
    ...Object.fromEntries(Object.entries(environment).map(([key, value]) => [credentialKey.variable(key), value])),
    ...(file === '' ? {} : { [credentialKey.environmentFile]: file }),
  };
  return ownedSecret(server, config, credentialsSecretName(server.metadata.name ?? ''), 'Opaque', values);
}

function registered(
  { accessToken, refreshToken }: Extract<Identity, { kind: 'registered' }>,
  config: Config,
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
