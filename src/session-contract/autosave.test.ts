import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Autosave, autosaveBranch, autosavePrefix, parseAutosave } from './autosave.ts';

describe('the name of an autosave', () => {
  it('has the user, the branch and the commits', () => {
    expect(parseAutosave('renku/autosave/john.doe/main/0123456/abcdef0')).toEqual({
      username: 'john.doe',
      rootBranch: 'main',
      rootCommit: '0123456',
      finalCommit: 'abcdef0',
    });
  });

  it('may contain a branch with slashes, and with parts that have the form of commits', () => {
    expect(parseAutosave('renku/autosave/ada/feature/a/1234567/0123456/abcdef0')).toEqual({
      username: 'ada',
      rootBranch: 'feature/a/1234567',
      rootCommit: '0123456',
      finalCommit: 'abcdef0',
    });
    expect(parseAutosave('renku/autosave/ada/renku/autosave/bob/main/1234567/7654321/0123456/abcdef0')).toMatchObject({
      username: 'ada',
      rootBranch: 'renku/autosave/bob/main/1234567/7654321',
    });
  });

  it.each([
    'main',
    'renku/autosave/ada',
    'renku/autosave/ada/0123456/abcdef0',
    'renku/autosave//main/0123456/abcdef0',
    'renku/autosave/ada//0123456/abcdef0',
    'renku/autosave/ada/main/012345/abcdef0',
    'renku/autosave/ada/main/01234567/abcdef0',
    'renku/autosave/ada/main/0123456/abcdef-',
    'renku/autosave/ada/main/0123456/abcdef0/',
    'renku/autosave/ada/main/0123456/abcdef0\n',
    'renku/autosave/ada/main\nx/0123456/abcdef0',
    'xrenku/autosave/ada/main/0123456/abcdef0',
    'renku/autosave/ada/../../../main/0123456/abcdef0',
    'renku/autosave/ada/ma in/0123456/abcdef0',
    'RENKU/autosave/ada/main/0123456/abcdef0',
  ])('cannot be %j', (name) => expect(parseAutosave(name)).toBeUndefined());

  it('is parsed to the same parts from which it was written', () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/).filter((text) => !text.startsWith('-'));
    const sha = fc.stringMatching(/^[0-9a-f]{7}$/);
    const branch = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const autosave: fc.Arbitrary<Autosave> = fc.record({
      username: name,
      rootBranch: branch,
      rootCommit: sha,
      finalCommit: sha,
    });
    fc.assert(
      fc.property(autosave, (value) => {
        const written = autosaveBranch(value);
        expect(parseAutosave(written)).toEqual(value);
        expect(written.startsWith(autosavePrefix(value.username))).toBe(true);
      }),
    );
  });

  it('has the first 7 characters of full commit ids', () => {
    const rootCommit = '0123456789abcdef0123456789abcdef01234567';
    const finalCommit = 'abcdef0123456789abcdef0123456789abcdef01';
    expect(autosaveBranch({ username: 'ada', rootBranch: 'a/b', rootCommit, finalCommit })).toBe(
      'renku/autosave/ada/a/b/0123456/abcdef0',
    );
  });
});
