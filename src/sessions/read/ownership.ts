import { ownerKey } from '../../identity/owner.ts';
import type { Identity } from '../../identity/types.ts';
import { ownerOfOriginal } from '../../jupyter-server/owner.ts';
import type { Session } from '../../jupyter-server/session.ts';

/**
 * Returns the owners whose sessions belong to the caller. A caller with an anonymous cookie never owns a session of
 * renku-notebooks, which had no such cookies.
 */
export function ownersOf(identity: Identity): string[] {
  const own = ownerKey(identity);
  const hasOriginals = identity.kind === 'registered' || identity.source === 'header';
  return identity.id !== '' && hasOriginals ? [own, ownerOfOriginal(identity.kind, identity.id)] : [own];
}

/** Returns whether the caller may see the session, read its logs, and change or delete it. */
export const owns = (identity: Identity, { owner }: Session): boolean =>
  owner !== undefined && ownersOf(identity).includes(owner);
