import { digest } from '../digest.ts';
import type { Identity } from './types.ts';

/**
 * Who owns what this identity makes, as a label value: 52 characters of base32. The kind of user (and, for anonymous
 * ones, where the id came from) is part of it, so that no choice of an id makes one kind of user another.
 */
export function ownerKey(identity: Identity): string {
  const kind = identity.kind === 'registered' ? 'registered' : `anonymous ${identity.source}`;
  return digest([kind, identity.id]);
}
