import { annotation, label } from './labels.ts';
import { at, type Fields, text } from './untrusted.ts';

export type UserKind = 'registered' | 'anonymous';

/**
 * Returns the owner of a session as a string, which is also the key in the cache's index; undefined if the owner is unknown.
 * A session of this service has a label for the owner. The owner of a session of renku-notebooks is its user id with the kind
 * of user: registered if the session uses OIDC, anonymous if it uses a token. User names do not identify owners.
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

/** Returns the owner of a session of renku-notebooks. The slashes avoid a conflict with owners in labels, which have none. */
export const ownerOfOriginal = (kind: UserKind, userId: string): string => `original/${kind}/${userId}`;
