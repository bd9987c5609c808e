import { annotation, label } from './labels.ts';
import { at, type Fields, text } from './untrusted.ts';

export type UserKind = 'registered' | 'anonymous';

/**
 * Returns the owner of a session as one text, which is also the key of the cache's index. A session of this service has
 * the owner in a label. A session of renku-notebooks has a user id, and its way of signing in (OIDC or a token) tells
 * the kind of user; a user name is never enough. Returns undefined for a session without a known owner.
 */
export function ownerOf(metadata: Fields, isOidc: boolean): string | undefined {
  const own = text(at(metadata, 'labels', label.owner));
  if (own) return own;
  const inLabel = text(at(metadata, 'labels', label.userId));
  const inAnnotation = text(at(metadata, 'annotations', annotation.userId));
  if (inLabel && inAnnotation && inLabel !== inAnnotation) return undefined;
  const userId = inLabel || inAnnotation;
  return userId ? ownerOfOriginal(isOidc ? 'registered' : 'anonymous', userId) : undefined;
}

/** Returns the owner of sessions of renku-notebooks. No label can hold a slash, so no label of ours equals it. */
export const ownerOfOriginal = (kind: UserKind, userId: string): string => `original/${kind}/${userId}`;
