import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefName } from './ref-name.ts';

const gitAccepts = (name: string) => spawnSync('git', ['check-ref-format', `refs/heads/${name}`]).status === 0;

describe('a name', () => {
  it.each(['main', 'feature/with/slashes', 'ünïcode', 'a-b_c.d', 'x@y', '1', 'a{b', 'renku/autosave/ada/main/1/2'])(
    '%j can be a branch',
    (name) => {
      expect(isRefName(name)).toBe(true);
      expect(gitAccepts(name)).toBe(true);
    },
  );

  it.each(['', '@', '-d', '--all', '.hidden', 'a/.b', 'a..b', 'a//b', '/a', 'a/', 'a.', 'a.lock', 'a.lock/b', 'a b'])(
    '%j can not',
    (name) => expect(isRefName(name)).toBe(false),
  );

  it.each(['a~1', 'a^', 'a:b', 'a?', 'a*', 'a[b', 'a\\b', 'a@{1}', 'a\nb', 'a\u007f', 'a\u0000', '\ud800'])(
    '%j can not',
    (name) => expect(isRefName(name)).toBe(false),
  );

  it('of more than 1024 characters can not', () => {
    expect(isRefName('x'.repeat(1024))).toBe(true);
    expect(isRefName('x'.repeat(1025))).toBe(false);
  });

  it('that passes is one for git', () => {
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
