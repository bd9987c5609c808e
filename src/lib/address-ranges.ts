import { BlockList, isIP } from 'node:net';

export interface AddressRange {
  readonly family: 'ipv4' | 'ipv6';
  readonly address: string;
  /** Bits of the prefix: 0 to 32 for IPv4, 0 to 128 for IPv6. */
  readonly prefix: number;
}

export interface AddressRanges {
  /**
   * Returns true if an IP address (without a zone) is in one of the ranges; an IPv4-mapped IPv6 address counts as the
   * IPv4 address that it contains. Returns false for text that is not an IP address.
   */
  includes(address: string): boolean;
}

/** Returns the address range in `text` (`10.0.0.0/8`, `fd00::/8`, or one address); undefined if `text` is not a range. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = '', length, ...more] = text.split('/');
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (family === 0 || more.length > 0 || !(prefix <= bits)) return undefined;
  return { family: family === 6 ? 'ipv6' : 'ipv4', address, prefix };
}

const mappedV4 = new BlockList();
mappedV4.addSubnet('::ffff:0:0', 96, 'ipv6');

/** Returns whether an IPv6 address (without a zone) is IPv4-mapped, in any notation: `::ffff:10.0.0.1`, `::ffff:a00:1`. */
export const isMappedV4 = (address: string): boolean => isIP(address) === 6 && mappedV4.check(address, 'ipv6');

/** Returns a set of address ranges in CIDR notation. Throws TypeError for a text that is not an address range. */
export function createAddressRanges(texts: readonly string[]): AddressRanges {
  // One list for each family: in a list of both, `::/0` would include every IPv4 address.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of texts) {
    const range = parseAddressRange(text);
    if (!range) throw new TypeError(`${text} is not an address range such as 10.0.0.0/8`);
    lists[range.family].addSubnet(range.address, range.prefix, range.family);
  }
  return {
    includes(address) {
      switch (isIP(address)) {
        case 4:
          return lists.ipv4.check(address, 'ipv4');
        case 6:
          // A list of IPv4 ranges finds mapped addresses, too.
          return lists[isMappedV4(address) ? 'ipv4' : 'ipv6'].check(address, 'ipv6');
        default:
          return false;
      }
    },
  };
}

/**
 * Returns the network that one client controls: an IPv4 address itself, and the /64 of an IPv6 address, of which a client can
 * use every address. Returns undefined for text that is not an IP address.
 */
export function networkOf(address: string): string | undefined {
  const family = isIP(address);
  if (family === 4) return address;
  if (family === 0 || address.includes('%')) return undefined;
  // The URL parser writes IPv6 addresses in their canonical form.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [first, last] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const groups = [
    ...(first ?? []),
    ...Array(8)
      .fill('0')
      .slice(0, 8 - (first ?? []).length - (last ?? []).length),
    ...(last ?? []),
  ];
  if (isMappedV4(address)) return [groups[6], groups[7]].flatMap(bytesOf).join('.');
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Returns an IP address without its port and brackets; other text unchanged. Some proxies write `10.0.0.1:4711`. */
export function withoutPort(address: string): string {
  return /^(?:(\d+(?:\.\d+){3}):\d+|\[([^\]]*)\](?::\d+)?)$/.exec(address)?.slice(1).find(Boolean) ?? address;
}

/** Returns the two bytes of a group of an IPv6 address. */
function bytesOf(group = '0'): number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}
