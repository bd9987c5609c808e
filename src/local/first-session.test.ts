import { expect, it } from 'vitest';
import { demoProject, firstProject, launchPageOf } from './first-session.ts';

const mine = { namespace: 'ada', project: 'mine' };

it.each([
  ['the first of the user’s own', [mine, { namespace: 'ada', project: 'other' }], true, mine],
  ['the user’s own, without a demo', [mine], false, mine],
  ['the demo', [], true, demoProject],
  ['none', [], false, undefined],
])('the first link opens the project: %s', (_what, own, demo, expected) => {
  expect(firstProject(own, demo)).toEqual(expected);
});

it('the path of a launch page encodes special characters in names of projects', () => {
  expect(launchPageOf({ namespace: 'group/sub', project: 'a b#?' })).toBe('/notebooks/launch/group/sub/a%20b%23%3F');
});
