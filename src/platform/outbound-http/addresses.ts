import { isIP } from 'node:net';

/** An address as a number of 32 or 128 bits, with its family. */
interface Address {
  family: 4 | 6;
  value: bigint;
}

interface Network extends Address {
  /** Bits of the prefix. */
  prefix: number;
}

/**
 * IANA's special-purpose registries (RFC 6890 and its updates) without what is globally reachable, and addresses at
 * which clouds answer their machines with credentials.
 */
const refusedV4 = networks(
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
);

/** Outside of global unicast nothing is reachable; inside it, these are not what they seem. */
const globalUnicast = network('2000::/3');
const refusedV6 = networks(
  '2001::/23', // protocol assignments, Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: holds any IPv4 address
  '3fff::/20', // documentation
);
const mappedV4 = network('::ffff:0:0/96');
/** A translator's address holds the IPv4 address it stands for (RFC 6052); DNS64 answers with such. */
const translatedV4 = network('64:ff9b::/96');

/**
 * Whether a connection to `text` (an IP address, perhaps with a zone) may be made: to the public internet, and to
 * `allowed`. Anything that is no address is refused.
 */
export function mayConnect(text: string, allowed: readonly Network[]): boolean {
  const address = parseAddress(text.replace(/%.*$/s, ''));
  if (!address) return false;
  const plain = contains(mappedV4, address) ? embedded(address) : address;
  if (allowed.some((net) => contains(net, plain))) return true;
  if (plain.family === 4) return !refusedV4.some((net) => contains(net, plain));
  if (contains(translatedV4, plain)) return mayConnect(formatV4(embedded(plain)), allowed);
  return contains(globalUnicast, plain) && !refusedV6.some((net) => contains(net, plain));
}

/** `10.0.0.0/8`, `fd00::/8` or a single address. Throws where it is none of these. */
export function network(text: string): Network {
  const [host = '', length, ...rest] = text.split('/');
  const address = parseAddress(host);
  const bits = address?.family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (!address || rest.length > 0 || !(prefix <= bits))
    throw new TypeError(`${text} is not a network such as 10.0.0.0/8`);
  return { ...address, prefix };
}

export type { Network };

function networks(...texts: string[]): Network[] {
  return texts.map(network);
}

function contains(net: Network, address: Address): boolean {
  if (net.family !== address.family) return false;
  const shift = BigInt((net.family === 4 ? 32 : 128) - net.prefix);
  return net.value >> shift === address.value >> shift;
}

function embedded(address: Address): Address {
  return { family: 4, value: address.value & 0xffff_ffffn };
}

function formatV4({ value }: Address): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

function parseAddress(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return { family, value: v4Value(text) };
  if (family === 6) return { family, value: v6Value(text) };
  return undefined;
}

function v4Value(text: string): bigint {
  return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

/** `text` is known to be an IPv6 address without a zone. */
function v6Value(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const low = v4Value(dotted[2] as string);
    return v6Value(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
