import type { Config } from '../../config/types.ts';
import type { Identity } from '../../identity/types.ts';
import type { JupyterServer, KubernetesObject } from '../../jupyter-server/types.ts';
import type { ManifestInput } from './input.ts';

export interface Secret extends KubernetesObject {
  type: 'Opaque';
  /** base64. */
  data: Record<string, string>;
}

/** Keys of the credentials Secret. A key is in the Secret exactly when the object refers to it. */
export const credentialKey = {
  gitlabToken: 'gitlab-oauth-token',
  oidcClientSecret: 'oidc-client-secret',
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

/** An anonymous session without variables has nothing to hide. */
export const isCredentialsSecretNeeded = (input: ManifestInput): boolean =>
  input.user.kind === 'registered' || input.user.hasGitToken || Object.keys(input.environment).length > 0;

/**
 * The Secret with what the session needs of the launching user. It belongs to the JupyterServer and goes when that goes.
 */
export function credentialsSecret(
  server: JupyterServer,
  identity: Identity,
  environment: Readonly<Record<string, string>>,
  config: Config,
): Secret {
  const { name = '', namespace = '', uid = '' } = server.metadata;
  const values: Record<string, string> = {
    ...(identity.git.token === null ? {} : { [credentialKey.gitlabToken]: identity.git.token }),
    ...(identity.kind === 'registered' ? { [credentialKey.oidcClientSecret]: config.sessions.oidc.client_secret } : {}),
    ...Object.fromEntries(Object.entries(environment).map(([key, value]) => [credentialKey.variable(key), value])),
  };
  const { group, version } = config.amalthea;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      name: credentialsSecretName(name),
      namespace,
      labels: { app: 'jupyter', component: 'singleuser-server' },
      ownerReferences: [
        // The object must not be gone before its Secret is, or a new session of this name would find the old one.
        { apiVersion: `${group}/${version}`, kind: 'JupyterServer', name, uid, blockOwnerDeletion: true },
      ],
    },
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    ),
  };
}
