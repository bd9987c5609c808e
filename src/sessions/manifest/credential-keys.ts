/** Keys of the credentials Secret. A key is in the Secret exactly when the object refers to it. */
export const credentialKey = {
  gitlabToken: 'gitlab-oauth-token',
  oidcClientSecret: 'oidc-client-secret',
  accessToken: 'access-token',
  refreshToken: 'refresh-token',
  gitProxyClientSecret: 'git-proxy-client-secret',
  environmentFile: 'Renviron',
  variable: (name: string): string => `env.${name}`,
} as const;

export const credentialsSecretName = (session: string): string => `${session}-credentials`;

export interface SecretKeyRef {
  name: string;
  key: string;
}

export const credentialRef = (session: string, key: string): SecretKeyRef => ({
  name: credentialsSecretName(session),
  key,
});

/** A variable whose value is in the credentials Secret. */
export const fromCredentials = (
  name: string,
  session: string,
  key: string,
): { name: string; valueFrom: { secretKeyRef: SecretKeyRef } } => ({
  name,
  valueFrom: { secretKeyRef: credentialRef(session, key) },
});
