import { isIP } from 'node:net';
import { type AddressRanges, createAddressRanges, isMappedV4 } from './address-ranges.ts';

/**
 * Addresses that are not on the public internet: IANA's special-purpose registries (RFC 6890 and its updates) without the
 * globally reachable ranges, and the addresses at which clouds give credentials to their machines.
 */
const specialPurposeV4 = createAddressRanges([
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // carrier-grade NAT
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // Azure's host
  '169.254.0.0/16', // link-local, and the metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments, and Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]);

/** IPv6 addresses outside of global unicast are never on the public internet. */
const globalUnicast = createAddressRanges(['2000::/3']);
/** Ranges inside global unicast that are not on the public internet. */
const specialPurposeV6 = createAddressRanges([
  '2001::/23', // protocol assignments, Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: holds any IPv4 address
  '3fff::/20', // documentation
]);
/** The address of a translator holds an IPv4 address (RFC 6052); DNS64 answers with such addresses. */
const translatedV4 = createAddressRanges(['64:ff9b::/96']);

/**
 * Returns whether a connection to an IP address (perhaps with a zone) is allowed: to the public internet, and to the
 * ranges in `allowed`. false for anything that is not an IP address.
 */
export function mayConnect(text: string, allowed: AddressRanges): boolean {
  const address = text.replace(/%.*$/s, '');
  const family = isIP(address);
  if (family === 0) return false;
  if (allowed.includes(address)) return true;
  if (family === 4 || isMappedV4(address)) return !specialPurposeV4.includes(address);
  if (translatedV4.includes(address)) return mayConnect(lastFourBytes(address), allowed);
  return globalUnicast.includes(address) && !specialPurposeV6.includes(address);
}

/** Returns the last 32 bits of an IPv6 address in `64:ff9b::/96`, written as an IPv4 address. */
function lastFourBytes(address: string): string {
  // The URL parser writes the shortest form of the address: at most two groups follow its "::".
  const [, end = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = end.split(':').map((group) => Number.parseInt(group || '0', 16));
  const low = groups.at(-1) ?? 0;
  const high = groups.at(-2) ?? 0;
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
