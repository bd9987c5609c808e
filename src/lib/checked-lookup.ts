import { type LookupAddress, lookup } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

/**
 * The host is, or its name resolves to, an address that is not on the public internet. The message names the host as the
 * request does, and nothing else.
 */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly host: string;
  constructor(host: string) {
    super(`${host} is not on the public internet, and not in a network that the platform allows`);
    this.host = host;
  }
}

/** Milliseconds until the second and last attempt of a lookup; the second attempt gets twice the time. */
const attemptMs = 2_000;

/** Returns all addresses of a host. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

/** Returns the lookup function of a connection; it fails with AddressRefused if any address of the host fails the check. */
export function checkedLookup(check: (address: string) => boolean, resolve: Resolve): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then(
      (addresses) => {
        const first = addresses[0];
        // One rejected address is enough to fail, because Node.js chooses the address to connect to.
        if (!addresses.every(({ address }) => check(address))) callback(new AddressRefused(host), '');
        else if (!first) callback(new Error(`${host} has no address`), '');
        else if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}

/** Returns the addresses as the operating system resolves the name, with its hosts file. Cannot be aborted. */
export function systemAddresses(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

/**
 * Returns a lookup that asks the name servers of the DNS, and occupies no thread: a slow name server delays only the lookups of
 * its own names. (A lookup by the operating system occupies one of four threads, and cannot be aborted.) The hosts file and
 * search domains are not used.
 * @param servers by default those of the operating system
 */
export function createDnsLookup(servers?: readonly string[]): Resolve {
  return async (host) => {
    // A resolver reads the name servers of the operating system once, and a computer may change its network.
    const resolver = new Resolver({ timeout: attemptMs, tries: 2 });
    if (servers) resolver.setServers(servers);
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [
      ...(v4.status === 'fulfilled' ? v4.value.map((address) => ({ address, family: 4 })) : []),
      ...(v6.status === 'fulfilled' ? v6.value.map((address) => ({ address, family: 6 })) : []),
    ];
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason;
    return found;
  };
}
