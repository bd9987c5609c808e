import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { Cluster } from '@kubernetes/client-node';
import type { Authenticator } from '@kubernetes/client-node/dist/auth.js';
import type { ClusterUser } from './kubeconfig.ts';

/**
 * Returns a function that reads the certificates and the credentials of a kubeconfig's user: token, client certificate, password,
 * and the credential plug-ins of client-node. Files are read again each time, because their content may change.
 */
export function createCredentialReader(cluster: Cluster, user: ClusterUser): () => Promise<RequestOptions> {
  // A plug-in caches its token until the token expires.
  let plugIn: Promise<Authenticator | undefined> | undefined;
  const tokenFile = user.tokenFile ?? fileOf(user.authProvider?.config?.tokenFile);

  return async () => {
    const ca = contentOf(cluster.caFile, cluster.caData);
    const cert = contentOf(user.certFile, user.certData);
    const key = contentOf(user.keyFile, user.keyData);
    const options: RequestOptions = {
      ...(cluster.skipTLSVerify && { rejectUnauthorized: false }),
      ...(cluster.tlsServerName && { servername: cluster.tlsServerName }),
      ...(ca && { ca }),
      ...(cert && { cert }),
      ...(key && { key }),
      ...(user.username && { auth: `${user.username}:${user.password ?? ''}` }),
      headers: user.impersonateUser ? { 'Impersonate-User': user.impersonateUser } : {},
    };
    const token = user.token ?? (tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8'));
    if (token) return { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } };
    plugIn ??= plugInOf(user);
    await (await plugIn)?.applyAuthentication(user, options);
    return options;
  };
}

const fileOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Returns the content of a certificate or key. As for kubectl, data in the kubeconfig are preferred to a file. */
function contentOf(file: string | undefined, data: string | undefined): Buffer | undefined {
  if (data) return Buffer.from(data, 'base64');
  return file ? readFileSync(file) : undefined;
}

/** Imports the credential plug-in of a user. Throws an Error if the kubeconfig names an unknown one. */
async function plugInOf({ name, exec, authProvider }: ClusterUser): Promise<Authenticator | undefined> {
  const provider: unknown = authProvider?.name;
  if (exec || provider === 'exec' || authProvider?.config?.exec)
    return new (await import('@kubernetes/client-node/dist/exec_auth.js')).ExecAuth();
  switch (provider) {
    case undefined:
      return undefined;
    case 'oidc':
      return new (await import('@kubernetes/client-node/dist/oidc_auth.js')).OpenIDConnectAuth();
    case 'gcp':
      return new (await import('@kubernetes/client-node/dist/gcp_auth.js')).GoogleCloudPlatformAuth();
    case 'azure':
      return new (await import('@kubernetes/client-node/dist/azure_auth.js')).AzureAuth();
    default:
      throw new Error(`the user "${name}" of the kubeconfig has the unknown auth-provider "${String(provider)}"`);
  }
}
