import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { annotation, label } from '../../jupyter-server/labels.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';

/**
 * Who a session belongs to, as one text that is also the key of the cache's index. A session that this service made
 * says so in a label. One that the original made is known by its way of signing in (OIDC or a token), which tells the
 * kind of user, and by the user id; a user name is never enough. undefined belongs to nobody.
 */
export function ownerOf(server: JupyterServer): string | undefined {
  const own = server.metadata.labels?.[label.owner];
  if (own) return own;
  const inLabel = server.metadata.labels?.[label.userId];
  const inAnnotation = server.metadata.annotations?.[annotation.userId];
  if (inLabel && inAnnotation && inLabel !== inAnnotation) return undefined;
  const userId = inLabel || inAnnotation;
  if (!userId) return undefined;
  return originalOwner(server.spec?.auth?.oidc?.enabled === true ? 'registered' : 'anonymous', userId);
}

/** Every owner that the caller is. An anonymous cookie never names a session of the original: it had no cookies. */
export function ownersOf(identity: Identity): string[] {
  const own = ownerKey(identity);
  if (identity.id === '') return [own];
  if (identity.kind === 'registered') return [own, originalOwner('registered', identity.id)];
  return identity.source === 'header' ? [own, originalOwner('anonymous', identity.id)] : [own];
}

/** The one question that decides whether a caller may see, read the logs of, or delete a session. */
export function owns(identity: Identity, server: JupyterServer): boolean {
  const owner = ownerOf(server);
  return owner !== undefined && ownersOf(identity).includes(owner);
}

/** A slash is in no label value, so this can never equal the key of a session of ours. */
const originalOwner = (kind: Identity['kind'], userId: string): string => `original/${kind}/${userId}`;
