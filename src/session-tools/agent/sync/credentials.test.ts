import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { createVault } from './credentials.ts';

const credentials = { password: 'p w/+"ü' };
const key = randomBytes(32);

it('returns the credentials of a folder after a start with the same key', () => {
  const sealed = createVault(key).seal('a', credentials);
  expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('p w');
  expect(createVault(key).open('a', sealed)).toEqual(credentials);
  expect(createVault(key).seal('a', credentials)).not.toBe(sealed);
});

it('returns no credentials for another session or folder, or of a changed text', () => {
  const vault = createVault(key);
  const sealed = vault.seal('a', credentials);
  expect(createVault(randomBytes(32)).open('a', sealed)).toBeUndefined();
  expect(vault.open('b', sealed)).toBeUndefined();
  const bytes = Buffer.from(sealed, 'base64url');
  for (const index of [0, 12, 28, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(vault.open('a', changed.toString('base64url')), String(index)).toBeUndefined();
  }
  for (const text of ['', 'x', sealed.slice(0, 20)]) expect(vault.open('a', text)).toBeUndefined();
});
