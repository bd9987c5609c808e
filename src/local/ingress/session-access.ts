import { annotation } from '../../jupyter-server/labels.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { type AccessToken, readAccessTokens } from '../../session-contract/access-tokens.ts';
import type { Cluster } from '../cluster.ts';

/** The part of a session that the ingress needs. */
export interface SessionAccess {
  name: string;
  uid: string;
  /** Returns the owner's access tokens for programs, expired ones included. */
  tokens(): AccessToken[];
  state: 'starting' | 'running' | 'stopping' | 'failed' | 'hibernated';
  /**
   * The callers that have access. `users`: users with one of these e-mail addresses; the ingress authenticates them, as
   * oauth2-proxy does in a cluster. `token`: signed-in browsers, and programs of the platform's user, with the token that
   * Jupyter checks.
   */
  entry: { kind: 'users'; emails: readonly string[] } | { kind: 'token' };
}

/** Returns the access tokens in the annotation of the object, expired ones included. */
export function tokensOf({ metadata }: JupyterServer): AccessToken[] {
  return readAccessTokens(metadata.annotations?.[annotation.accessTokens]);
}

/** Returns undefined for a session that does not exist or is being deleted. */
export function findSession(cluster: Pick<Cluster, 'get'>, namespace: string, name: string): SessionAccess | undefined {
  const server = cluster.get<JupyterServer>(jupyterServers, namespace, name);
  const { uid, deletionTimestamp } = server?.metadata ?? {};
  if (!server || uid === undefined || deletionTimestamp !== undefined) return undefined;
  const { oidc } = server.spec?.auth ?? {};
  const emails = Array.isArray(oidc?.authorizedEmails) ? oidc.authorizedEmails : [];
  return {
    name,
    uid,
    tokens: () => tokensOf(server),
    state: server.status?.state ?? 'starting',
    entry: oidc?.enabled === true ? { kind: 'users', emails } : { kind: 'token' },
  };
}
