import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownerKey } from './owner.ts';
import { safeUsername } from './safe-username.ts';
import type { Identity } from './types.ts';

const git = { url: 'https://gitlab.example.org', token: null, tokenExpiresAt: 0 };
const registered = (id: string, username = 'john'): Identity => ({
  kind: 'registered',
  id,
  username,
  email: 'john@example.org',
  fullName: 'John',
  issuer: 'https://idp.example.org',
  accessToken: 'a',
  refreshToken: null,
  git,
});
const anonymous = (source: 'header' | 'cookie', id: string): Identity => ({
  kind: 'anonymous',
  source,
  id,
  username: id,
  git,
});

describe('the owner of a session', () => {
  it('is a valid label value, for any id', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (id) => {
        expect(ownerKey(registered(id))).toMatch(/^[a-z2-7]{52}$/);
      }),
    );
  });

  it('differs between the kinds of users, even for the same id', () => {
    const keys = ['registered', 'anonymous header', 'anonymous cookie', 'anon-1', ''].flatMap((id) => [
      ownerKey(registered(id)),
      ownerKey(anonymous('header', id)),
      ownerKey(anonymous('cookie', id)),
    ]);
    expect(new Set(keys).size).toBe(15);
  });

  it('depends on the id, and not on anything that a user can change', () => {
    expect(ownerKey(registered('id', 'john'))).toBe(ownerKey(registered('id', 'johnny')));
    expect(ownerKey(registered('id'))).not.toBe(ownerKey(registered('ID')));
    // Objects in the cluster have this label, so it must not change.
    expect(ownerKey(registered('f:1234:john'))).toBe('aayiwpdixznjrseluyiolxdm24sacqh6cb2tknuhqgo3ru7dmfnq');
  });
});

describe('a user name as the original writes it', () => {
  it.each([
    ['john.doe', 'john-2edoe'],
    ['John.Doe', 'john-2edoe'],
    ['a_b', 'a-5fb'],
    ['a-b', 'a-2db'],
    ['jürgen', 'j-c3-bcrgen'],
    ['user@example.org', 'user-40example-2eorg'],
    ['x y', 'x-20y'],
    ['a\nb', 'a-ab'],
    ['😀', '-f0-9f-98-80'],
    ['anon-abc123', 'anon-2dabc123'],
  ])('%s', (name, safe) => {
    expect(safeUsername(name)).toBe(safe);
  });
});
