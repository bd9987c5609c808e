import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefName } from './ref-name.ts';

const gitAccepts = (name: string) => spawnSync('git', ['check-ref-format', `refs/heads/${name}`]).status === 0;

describe('a name of a branch or tag', () => {
  it.each(['main', 'feature/with/slashes', 'ünïcode', 'a-b_c.d', 'x@y', '1', 'a{b', 'renku/autosave/ada/main/1/2'])(
    '%j is a valid branch name',
    (name) => {
      expect(isRefName(name)).toBe(true);
      expect(gitAccepts(name)).toBe(true);
    },
  );

  it.each(['', '@', '-d', '--all', '.hidden', 'a/.b', 'a..b', 'a//b', '/a', 'a/', 'a.', 'a.lock', 'a.lock/b', 'a b'])(
    '%j is not a valid branch name',
    (name) => expect(isRefName(name)).toBe(false),
  );

  it.each(['a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a@{1}', 'a\nb', 'a\u007f', 'a\u0000', '\ud800'])(
    '%j is not accepted, because git has another meaning for a character',
    (name) => expect(isRefName(name)).toBe(false),
  );

  it('is invalid with more than 1024 characters, or 255 between slashes', () => {
    const parts = (count: number) => Array.from({ length: count }, () => 'x'.repeat(255)).join('/');
    expect(isRefName(parts(4))).toBe(true);
    expect(isRefName(`${parts(4)}/x`)).toBe(false);
    expect(isRefName(`a/${'x'.repeat(256)}/b`)).toBe(false);
  });

  it('that isRefName accepts is valid for git', () => {
    const pieces = fc.constantFrom('a', 'Z', '.', '/', '..', '@', '{', '-', ' ', '~', '.lock', '*', 'ä', '\\', '\t');
    const names = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(names, (name) => {
        if (isRefName(name)) expect(gitAccepts(name), name).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
