/** Keys of the credentials Secret. A key is in the Secret exactly when the object refers to it. */
export const credentialKey = {
  gitlabToken: 'gitlab-oauth-token',
  oidcClientSecret: 'oidc-client-secret',
  accessToken: 'access-token',
  refreshToken: 'refresh-token',
  gitProxyClientSecret: 'git-proxy-client-secret',
} as const;

/** Keys of the variables Secret, for which the same holds. */
export const variableKey = {
  environmentFile: 'Renviron',
  variable: (name: string): string => `env.${name}`,
} as const;

export const credentialsSecretName = (session: string): string => `${session}-credentials`;
export const variablesSecretName = (session: string): string => `${session}-variables`;

export interface SecretKeyRef {
  name: string;
  key: string;
}

export const credentialRef = (session: string, key: string): SecretKeyRef => ({
  name: credentialsSecretName(session),
  key,
});

interface SecretVariable {
  name: string;
  valueFrom: { secretKeyRef: SecretKeyRef };
}

/** A variable whose value is in the credentials Secret. */
export const fromCredentials = (name: string, session: string, key: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: credentialRef(session, key) },
});

/** A variable of the user's: its value is in the variables Secret. */
export const fromVariables = (name: string, session: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: variablesSecretName(session), key: variableKey.variable(name) } },
});
