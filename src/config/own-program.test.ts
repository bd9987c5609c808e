import { expect, test } from 'vitest';
import { isOwnProgram } from './own-program.ts';

test.each([
  ['renku/git-clone:1.18.1', false],
  ['docker.io/renku/git-clone:1.18.1', false],
  ['notebook-sessions/git-clone', true],
  ['registry.example.org/notebook-sessions/git-clone:0.2.0', true],
  ['registry.example.org:5000/me/notebook-sessions-git-clone@sha256:0', true],
  ['localhost:5000/notebook-sessions:1', true],
  ['notebook-sessions.example.org/renku/git-clone:1', false],
  ['notebook-sessions:5000/renku/git-clone:1', false],
  ['me/my-notebook-sessions-fork/git-clone', false],
  ['', false],
])('determines whether the image %j is from this project: %s', (image, expected) => {
  expect(isOwnProgram({ image, program: 'auto' })).toBe(expected);
  expect(isOwnProgram({ image, program: 'notebook-sessions' })).toBe(true);
  expect(isOwnProgram({ image, program: 'renku' })).toBe(false);
});
