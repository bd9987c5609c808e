import type { ManifestConfig } from '../../config/types.ts';
import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { credentialKey, credentialRef } from './credential-keys.ts';
import type { ManifestInput } from './input.ts';

/**
 * Returns how users sign in to the session. Registered users sign in through oauth2-proxy, and Jupyter has no token. Anonymous
 * users have Jupyter's token, in clear text, because the operator needs the token to read the session's activity.
 */
export function auth(input: ManifestInput, config: ManifestConfig): NonNullable<JupyterServerSpec['auth']> {
  const { profile } = input.user;
  if (!profile) return { token: input.sessionToken, oidc: { enabled: false } };
  return {
    token: '',
    oidc: {
      enabled: true,
      clientId: config.sessions.oidc.client_id,
      clientSecret: { secretKeyRef: credentialRef(input.name, credentialKey.oidcClientSecret) },
      issuerUrl: profile.issuer,
      authorizedEmails: [profile.email],
    },
  };
}
