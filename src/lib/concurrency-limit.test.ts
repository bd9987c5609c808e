import { expect, test, vi } from 'vitest';
import { patience } from '../../tests/support/wait-for.ts';
import { createConcurrencyLimit, LimitReached } from './concurrency-limit.ts';

/** Calls that the test ends; `begun` lists the started calls in order. */
function calls() {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  return {
    begun,
    work: (name: string) => async () => {
      const end = Promise.withResolvers<void>();
      ends.set(name, end);
      begun.push(name);
      await end.promise;
      return name;
    },
    end: (name: string, error?: Error) => (error ? ends.get(name)?.reject(error) : ends.get(name)?.resolve()),
  };
}

test('immediately rejects a call of an owner at the limit, with the number of running calls, and runs calls of other owners', async () => {
  const { begun, work, end } = calls();
  const limit = createConcurrencyLimit({ perOwner: 2 });
  const running = [limit.run('a', work('a1')), limit.run('a', work('a2')), limit.run('b', work('b1'))];
  await expect(limit.run('a', work('a3'))).rejects.toEqual(new LimitReached(2));
  expect(begun).toEqual(['a1', 'a2', 'b1']);
  end('a1');
  await running[0];
  const next = limit.run('a', work('a4'));
  for (const name of ['a2', 'b1', 'a4']) end(name);
  expect(await Promise.all([...running, next])).toEqual(['a1', 'a2', 'b1', 'a4']);
});

test('releases the permit of a failed call', async () => {
  const limit = createConcurrencyLimit({ perOwner: 1 });
  await expect(limit.run('a', async () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await limit.run('a', async () => 'next')).toBe('next');
});

test('gives permits round-robin, so that an owner with many waiting calls does not delay another', async () => {
  const { begun, work, end } = calls();
  const limit = createConcurrencyLimit({ perOwner: 1, total: 2, waitMs: 60_000 });
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2'].map((name) => limit.run(name.slice(0, 1), work(name)));
  // An owner has one permit, although there are two.
  expect(begun).toEqual(['a1', 'b1']);
  end('a1');
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'b1', 'c1']), patience);
  end('b1');
  await vi.waitFor(() => expect(begun).toEqual(['a1', 'b1', 'c1', 'a2']), patience);
  end('c1');
  await vi.waitFor(() => expect(begun.at(-1)).toBe('c2'), patience);
  end('a2');
  await vi.waitFor(() => expect(begun.at(-1)).toBe('a3'), patience);
  for (const name of ['c2', 'a3']) end(name);
  await vi.waitFor(() => expect(begun.at(-1)).toBe('a4'), patience);
  end('a4');
  expect(await Promise.all(all)).toHaveLength(7);
});

test('rejects a call that has waited too long, and does not give it a permit later', async () => {
  const { begun, work, end } = calls();
  const limit = createConcurrencyLimit({ perOwner: 1, total: 1, waitMs: 20 });
  const slow = limit.run('a', work('slow'));
  const others = await Promise.allSettled([limit.run('a', work('a2')), limit.run('b', work('b1'))]);
  expect(others).toMatchObject([{ reason: { name: 'LimitReached' } }, { reason: { name: 'LimitReached' } }]);
  end('slow');
  await slow;
  const last = limit.run('b', work('b2'));
  end('b2');
  await last;
  expect(begun).toEqual(['slow', 'b2']);
});
