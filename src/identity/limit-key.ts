import { networkOf, withoutPort } from '../lib/address-ranges.ts';
import { ownerKey } from './owner.ts';
import type { Identity } from './types.ts';

/** Returns the key under which the work of a caller is counted: the user or, for an anonymous user, the network. */
export function limitKey(identity: Identity): string {
  return identity.kind === 'anonymous' ? networkKey(identity.address) : ownerKey(identity);
}

/**
 * Returns the key of requests from an address. All requests without an IP address have the same key, because a caller can get many
 * anonymous ids.
 */
export function networkKey(address: string | undefined): string {
  const network = address === undefined ? undefined : networkOf(withoutPort(address));
  return `network ${network ?? 'unknown'}`;
}
