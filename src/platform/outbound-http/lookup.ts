import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
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
 * The same, `max` at a time; whoever comes later waits, for `waitMs` milliseconds at the most: by then their connection
 * was given up, and to ask for a name that nobody needs would only make those behind them wait, too.
 */
export function inTurn(max: number, waitMs: number, resolve: Resolve): Resolve {
  let running = 0;
  const waiting = new Set<() => void>();

  function turn(host: string): Promise<void> {
    return new Promise((go, fail) => {
      const wake = (): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        go();
      };
      const timer = setTimeout(() => {
        waiting.delete(wake);
        fail(Object.assign(new Error(`too many names are looked up for ${host} to be one`), { code: 'ETIMEDOUT' }));
      }, waitMs);
      waiting.add(wake);
    });
  }

  return async (host) => {
    if (running >= max) await turn(host);
    else running += 1;
    try {
      return await resolve(host);
    } finally {
      // The place goes straight to who waits longest.
      const [next] = waiting;
      if (next) next();
      else running -= 1;
    }
  };
}
