import { credentialFile } from '../../session-contract/git-proxy.ts';

/** Keys of the credentials Secret. The Secret contains exactly the keys to which the object refers. */
export const credentialKey = {
  gitlabToken: credentialFile.gitToken,
  gitlabTokenExpiresAt: credentialFile.gitTokenExpiresAt,
  oidcClientSecret: 'oidc-client-secret',
  accessToken: credentialFile.accessToken,
  refreshToken: credentialFile.refreshToken,
  gitProxyClientSecret: credentialFile.clientSecret,
  /** The key of the session's agent, base64url. */
  agentKey: 'agent-key',
  /** The uid of the JupyterServer, which the manifest cannot contain. */
  sessionUid: 'session-uid',
} as const;

/** Keys of the variables Secret. The Secret contains exactly the keys to which the object refers. */
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

/** Returns a variable with a value from the credentials Secret. */
export const fromCredentials = (name: string, session: string, key: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: credentialRef(session, key) },
});

/** Returns a variable of the user, with the value from the variables Secret. */
export const fromVariables = (name: string, session: string): SecretVariable => ({
  name,
  valueFrom: { secretKeyRef: { name: variablesSecretName(session), key: variableKey.variable(name) } },
});
