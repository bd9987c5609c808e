import { BoundedMap } from '../lib/bounded-map.ts';
import { digest } from '../lib/digest.ts';
import type { Identity } from './types.ts';

/** Cache by kind and id of the owner. Every request needs a key, and a lookup is faster than a digest. */
const keys = new BoundedMap<string, string>({ maxSize: 10_000 });

/**
 * Returns the owner of the sessions that an identity launches, as a label value: 52 characters of base32. The kind of the
 * user, and the source of an anonymous id, is part of the key, so that no id makes one kind of user another.
 */
export function ownerKey(identity: Identity): string {
  const kind = identity.kind === 'registered' ? 'registered' : `anonymous ${identity.source}`;
  const owner = `${kind}\0${identity.id}`;
  const known = keys.get(owner);
  if (known !== undefined) return known;
  const key = digest([kind, identity.id]);
  keys.set(owner, key);
  return key;
}
