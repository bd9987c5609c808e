import { digest } from '../lib/digest.ts';
import type { Identity } from './types.ts';

/** Many more than call within a minute. */
const maxKnown = 10_000;
const known = new Map<string, string>();

/**
 * Who owns what this identity makes, as a label value: 52 characters of base32. The kind of user (and, for anonymous
 * ones, where the id came from) is part of it, so that no choice of an id makes one kind of user another. Every request
 * asks, so the answers are remembered.
 */
export function ownerKey(identity: Identity): string {
  const kind = identity.kind === 'registered' ? 'registered' : `anonymous ${identity.source}`;
  const question = `${kind}\0${identity.id}`;
  let key = known.get(question);
  if (key === undefined) {
    key = digest([kind, identity.id]);
    if (known.size >= maxKnown) known.clear();
    known.set(question, key);
  }
  return key;
}
