import { expect, test } from 'vitest';
import { inTurn, lookupThat } from './lookup.ts';
import { AddressRefused } from './types.ts';

const address = (text: string) => ({ address: text, family: 4 });

test('so many names at a time, the others in the order of their coming, also after failures', async () => {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const resolve = inTurn(2, 60_000, (host) => {
    begun.push(host);
    return new Promise((done, fail) => ends.set(host, (error) => (error ? fail(error) : done([address(host)]))));
  });
  const answers = ['a', 'b', 'c', 'd'].map((host) =>
    resolve(host).then(
      ([first]) => first?.address,
      () => 'failed',
    ),
  );
  await expect.poll(() => begun).toEqual(['a', 'b']);
  ends.get('b')?.(new Error('no such name'));
  await expect.poll(() => begun).toEqual(['a', 'b', 'c']);
  ends.get('c')?.();
  await expect.poll(() => begun).toEqual(['a', 'b', 'c', 'd']);
  ends.get('a')?.();
  ends.get('d')?.();
  expect(await Promise.all(answers)).toEqual(['a', 'failed', 'c', 'd']);
  const again = resolve('e');
  await expect.poll(() => begun.at(-1)).toBe('e');
  ends.get('e')?.();
  await again;
});

test('who has waited too long is told so, and does not make the next ones wait', async () => {
  const begun: string[] = [];
  const slow = Promise.withResolvers<void>();
  const resolve = inTurn(1, 20, async (host) => {
    begun.push(host);
    if (host === 'slow') await slow.promise;
    return [address(host)];
  });
  const first = resolve('slow');
  const others = await Promise.allSettled(['a', 'b', 'c'].map(resolve));
  expect(others).toMatchObject(Array.from({ length: 3 }, () => ({ reason: { code: 'ETIMEDOUT' } })));
  slow.resolve();
  await first;
  expect(await resolve('d')).toEqual([address('d')]);
  expect(begun).toEqual(['slow', 'd']);
});

test.each([
  [['1.1.1.1', '2.2.2.2'], undefined],
  [['1.1.1.1', '10.0.0.1'], AddressRefused],
  [[], Error],
])('%j', async (addresses, failure) => {
  const lookup = lookupThat(
    (text) => !text.startsWith('10.'),
    async () => addresses.map(address),
  );
  const answer = new Promise((resolve, reject) => {
    lookup('host.test', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  if (failure) await expect(answer).rejects.toThrow(failure);
  else expect(await answer).toEqual(addresses.map(address));
});
