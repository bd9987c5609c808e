import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type ConcurrencyLimit, LimitReached } from '../../lib/concurrency-limit.ts';
import { AddressRefused } from './types.ts';

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
 * Returns `resolve` within a concurrency limit. `currentOwner` returns the owner of the request that needs the name.
 * Fails with the code ETIMEDOUT if there is no permit in time: the connection has timed out by then.
 */
export function limitLookups(limit: ConcurrencyLimit, currentOwner: () => string, resolve: Resolve): Resolve {
  return async (host) => {
    try {
      return await limit.run(currentOwner(), () => resolve(host));
    } catch (cause) {
      if (!(cause instanceof LimitReached)) throw cause;
      throw Object.assign(new Error(`no permit to look up ${host}`, { cause }), { code: 'ETIMEDOUT' });
    }
  };
}
