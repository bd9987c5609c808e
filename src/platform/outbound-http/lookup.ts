import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type ConcurrencyLimit, LimitReached } from '../../lib/concurrency-limit.ts';
import { AddressRefused } from './types.ts';

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<LookupAddress[]>;

/** Node's way to resolve a name for a connection, refusing names with an address that fails the check. */
export function lookupThat(check: (address: string) => boolean, resolve: Resolve): LookupFunction {
  return (host, { all }, callback) => {
    resolve(host).then(
      (addresses) => {
        const first = addresses[0];
        // One bad address among good ones is reason enough: which of them is tried is not ours to choose.
        if (!addresses.every(({ address }) => check(address))) callback(new AddressRefused(host), '');
        else if (!first) callback(new Error(`${host} has no address`), '');
        else if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), ''),
    );
  };
}

/** As every other program on this machine resolves names, with its hosts file. Cannot be aborted. */
export function systemAddresses(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

/**
 * The same within a limit. `currentOwner` names the owner whose request needs the name. Fails as a timeout when there is
 * no permit in time: by then the connection was given up, and nothing needs the name any more.
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
