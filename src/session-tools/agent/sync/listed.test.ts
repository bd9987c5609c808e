import { expect, it } from 'vitest';
import { listed } from './listed.ts';

it('lists the first 100 entries, and fewer of long paths, so that a response has the lists of all folders', () => {
  const entries = Array.from({ length: 300 }, (_, index) => ({ path: `${index}` }));
  expect(listed(entries)).toEqual(entries.slice(0, 100));
  const long = entries.map(({ path }) => ({ path: path.padEnd(2048, 'ü') }));
  const found = listed(long);
  expect(found).toEqual(long.slice(0, found.length));
  expect(Buffer.byteLength(JSON.stringify(found)) * 2 * 10).toBeLessThan(1024 * 1024);
  expect(listed([{ path: 'x'.repeat(100_000) }])).toHaveLength(1);
  expect(listed([])).toEqual([]);
});
