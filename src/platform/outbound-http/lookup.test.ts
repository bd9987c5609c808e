import { expect, test } from 'vitest';
import { createConcurrencyLimit } from '../../lib/concurrency-limit.ts';
import { checkedLookup, limitLookups } from './lookup.ts';
import { AddressRefused } from './types.ts';

const address = (text: string) => ({ address: text, family: 4 });

test('fails with a timeout if there is no permit in time', async () => {
  const slow = Promise.withResolvers<void>();
  const limit = createConcurrencyLimit({ perOwner: 1, waitMs: 20 });
  let owner = 'a';
  const resolve = limitLookups(
    limit,
    () => owner,
    async (host) => {
      if (host === 'slow') await slow.promise;
      if (host === 'unknown') throw new Error('no such name');
      return [address(host)];
    },
  );
  const first = resolve('slow');
  await expect(resolve('next')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  owner = 'b';
  await expect(resolve('unknown')).rejects.toThrow('no such name');
  expect(await resolve('other')).toEqual([address('other')]);
  slow.resolve();
  expect(await first).toEqual([address('slow')]);
});

test.each([
  [['1.1.1.1', '2.2.2.2'], undefined],
  [['1.1.1.1', '10.0.0.1'], AddressRefused],
  [[], Error],
])('%j', async (addresses, failure) => {
  const lookup = checkedLookup(
    (text) => !text.startsWith('10.'),
    async () => addresses.map(address),
  );
  const answer = new Promise((resolve, reject) => {
    lookup('host.test', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  if (failure) await expect(answer).rejects.toThrow(failure);
  else expect(await answer).toEqual(addresses.map(address));
});
