import { expect, it } from 'vitest';
import { readComparison } from './shapes.ts';

it.each([
  [999, false, true],
  [1_000, false, false],
  [1, true, false],
])('a comparison with %d files and compare_timeout %s has all files: %s', (files, compare_timeout, hasAllFiles) => {
  const diffs = Array.from({ length: files }, (_, index) => ({ new_path: `${index}` }));
  expect(readComparison({ commits: [], diffs, compare_timeout })).toMatchObject({ hasAllFiles });
});
