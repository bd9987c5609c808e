import { networkOf, withoutPort } from '../lib/address-ranges.ts';
import { ownerKey } from './owner.ts';
import type { Identity } from './types.ts';

/** Returns the key under which the work of a caller is counted: the user or, for an anonymous user, the network. */
export function limitKey(identity: Identity): string {
  const network = identity.kind === 'anonymous' ? networkKey(identity.address) : undefined;
  return network ?? ownerKey(identity);
}

/** Returns the key of requests from an address; undefined if `address` is not an IP address. */
export function networkKey(address: string | undefined): string | undefined {
  const network = address === undefined ? undefined : networkOf(withoutPort(address));
  return network && `network ${network}`;
}
