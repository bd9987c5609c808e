import { expect, test } from 'vitest';
import { createConcurrencyLimit } from './concurrency-limit.ts';

test('gives each owner its own permits, up to the limit', () => {
  const limit = createConcurrencyLimit();
  const first = limit.acquire('a', 2);
  expect(limit.acquire('a', 2)).toBeTypeOf('function');
  expect(limit.acquire('a', 2)).toBeUndefined();
  expect(limit.acquire('b', 2)).toBeTypeOf('function');
  expect([limit.of('a'), limit.of('b'), limit.total]).toEqual([2, 1, 3]);
  first?.();
  expect(limit.acquire('a', 2)).toBeTypeOf('function');
});

test('takes a permit back once', () => {
  const limit = createConcurrencyLimit();
  const release = limit.acquire('a', 2);
  limit.acquire('a', 2);
  release?.();
  release?.();
  expect([limit.of('a'), limit.of('b'), limit.total]).toEqual([1, 0, 1]);
});
