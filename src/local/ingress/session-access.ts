import { annotation } from '../../jupyter-server/labels.ts';
import { jupyterServers } from '../../jupyter-server/resource.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { type AccessToken, readAccessTokens } from '../../session-contract/access-tokens.ts';
import type { Cluster } from '../cluster.ts';

/** What the ingress has to know of a session. */
export interface SessionAccess {
  name: string;
  uid: string;
  /** The access tokens of its owner for programs, expired ones too. */
  tokens(): AccessToken[];
  state: 'starting' | 'running' | 'stopping' | 'failed' | 'hibernated';
  /**
   * Who may come in: `users` with one of these e-mail addresses, recognised here, as oauth2-proxy does in a cluster.
   * `token`: signed-in browsers, and programs of the platform's user, that send the token which Jupyter asks for.
   */
  entry: { kind: 'users'; emails: readonly string[] } | { kind: 'token' };
}

/** The access tokens that are noted in the object, expired ones too. */
export function tokensOf({ metadata }: JupyterServer): AccessToken[] {
  return readAccessTokens(metadata.annotations?.[annotation.accessTokens]);
}

/** undefined for a session that is not there, is on its way out, or was made by nobody who knew how. */
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
