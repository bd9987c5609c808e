import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hasCode } from './error-code.ts';

it('recognizes a system error that has one of several codes', () => {
  try {
    readFileSync('/nonexistent/file');
    expect.unreachable('the file exists');
  } catch (error) {
    expect(hasCode(error, 'EACCES', 'ENOENT')).toBe(true);
    expect(hasCode(error, 'EACCES')).toBe(false);
    expect(hasCode(error)).toBe(false);
  }
});

it.each([undefined, null, 'ENOENT', { code: 'ENOENT' }, new Error('ENOENT')])('rejects %j', (value) => {
  expect(hasCode(value, 'ENOENT')).toBe(false);
});
