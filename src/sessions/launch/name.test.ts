import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type NameParts, sessionName } from './name.ts';

const parts = fc.record<NameParts>({
  user: fc.string({ unit: 'binary' }),
  owner: fc.string({ unit: 'binary' }),
  projectPath: fc.string({ unit: 'binary' }),
  branch: fc.string({ unit: 'binary' }),
  commit: fc.string({ unit: 'binary' }),
});

const example: NameParts = {
  user: 'John.Doe',
  owner: 'registered-abc',
  projectPath: 'my-group/my-project',
  branch: 'feature/x',
  commit: '0123456789abcdef',
};

describe('sessionName', () => {
  it('is readable, and the same in every release', () => {
    expect(sessionName(example)).toBe('john-doe-my-project-3rdkwftvh3lixjsc');
  });

  it.each([
    ['jürgen', 'jurgen-'],
    ['7user', 'n7user-'],
    ['_bob', 'bob-'],
    ['---', 'user-'],
    ['', 'user-'],
    ['山田', 'user-'],
    ['averyveryverylongname', 'averyveryv-'],
    ['null', 'null-'],
  ])('a user called %j is recognised in it', (user, start) => {
    expect(sessionName({ ...example, user })).toMatch(new RegExp(`^${start}my-project-[a-z2-7]{16}$`));
  });

  it('is a valid name of every child object for any input', () => {
    fc.assert(
      fc.property(parts, (input) => {
        const name = sessionName(input);
        expect(name).toMatch(/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/);
        expect(name).not.toContain('--');
        expect(parse(name)).toBe(name);
      }),
    );
  });

  it('is the same for the same session, and different for any other', () => {
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = (['owner', 'projectPath', 'branch', 'commit'] as const).every((key) => one[key] === other[key]);
        expect(sessionName(one)).toBe(sessionName({ ...one }));
        expect(sessionName(one) === sessionName({ ...other, user: one.user })).toBe(same);
      }),
    );
  });

  it('is different for inputs that differ only in the place of a separator', () => {
    const shifted = [
      { projectPath: 'a/b', branch: 'c' },
      { projectPath: 'a/bc', branch: '' },
      { projectPath: 'a/', branch: 'bc' },
      { projectPath: 'a/b-c', branch: '' },
    ].map((fields) => sessionName({ ...example, ...fields }).slice(-16));
    expect(new Set(shifted).size).toBe(shifted.length);
  });
});
