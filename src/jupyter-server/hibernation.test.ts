import { expect, it } from 'vitest';
import { cleanWork } from '../../tests/support/session-agent/fake-agent.ts';
import { hibernation } from './hibernation.ts';
import { annotation } from './labels.ts';

it.each([
  [{}, 'true'],
  [{ files: { count: 1, bytes: 1, names: ['a'] } }, 'true'],
  [{ branches: [{ name: 'main', commits: 1 }] }, 'false'],
  [{ tags: { count: 1, names: ['v1'] } }, 'false'],
  [{ stashes: 1 }, 'false'],
  [{ lfs: { objects: 1, bytes: 1 } }, 'false'],
  [{ submodules: [{ path: 'lib', files: { count: 0, bytes: 0, names: [] }, commits: 1 }] }, 'false'],
  [{ submodules: [{ path: 'lib', files: { count: 0, bytes: 0, names: [] }, commits: 0, tags: 1 }] }, 'false'],
])('a hibernated session records whether all commits are pushed: %j', (changes, isSynchronized) => {
  const { annotations } = hibernation(new Date(), { ...cleanWork, ...changes }).metadata;
  expect(annotations[annotation.hibernationSynchronized]).toBe(isSynchronized);
});
