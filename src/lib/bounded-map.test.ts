import { expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.ts';

test('evicts the least recently used entry when a new one exceeds the maximum size', () => {
  const map = new BoundedMap<string, number>({ maxSize: 2 });
  map.set('a', 1);
  map.set('b', 2);
  expect(map.get('a')).toBe(1);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
  map.set('a', 4);
  map.set('d', 5);
  expect([map.get('a'), map.get('c'), map.get('d')]).toEqual([4, undefined, 5]);
});

test('returns an entry until it expires, and then removes it', () => {
  let time = 0;
  const map = new BoundedMap<string, number>({ maxSize: 10, ttlMs: 100, now: () => time });
  map.set('a', 1);
  map.set('short', 2, 10);
  time = 10;
  expect([map.get('a'), map.get('short'), map.size]).toEqual([1, undefined, 1]);
  time = 99;
  expect(map.get('a')).toBe(1);
  // Reading does not extend the time to live.
  time = 100;
  expect([map.get('a'), map.size]).toEqual([undefined, 0]);
});

test('take returns a value once, and delete removes an entry', () => {
  const map = new BoundedMap<string, string>({ maxSize: 10 });
  map.set('a', 'first');
  map.set('b', 'second');
  expect([map.take('a'), map.take('a')]).toEqual(['first', undefined]);
  map.delete('b');
  expect(map.get('b')).toBeUndefined();
});
