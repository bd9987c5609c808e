import { expect, test } from 'vitest';
import { insideSession, parseSessionPath } from './session-path.ts';

test.each([
  ['/sessions/a', 'a', ''],
  ['/sessions/ada-first-0123456789abcdef/', 'ada-first-0123456789abcdef', '/'],
  ['/sessions/a/lab/tree/x', 'a', '/lab/tree/x'],
  ['/sessions/a//double', 'a', '//double'],
  ['/sessions/a/api/contents/dir%2Ffile%20name.ipynb', 'a', '/api/contents/dir%2Ffile%20name.ipynb'],
  ['/sessions/a/files/..hidden/x..y/...', 'a', '/files/..hidden/x..y/...'],
  ['/sessions/a/sessions/b/', 'a', '/sessions/b/'],
])('the path %s belongs to the session %s', (path, name, rest) => {
  expect(parseSessionPath(path)).toEqual({ kind: 'session', name, rest });
});

test.each([
  '/',
  '/sessions',
  '/sessions/',
  '/sessions//a/',
  '//sessions/a/',
  '/Sessions/a/',
  '/sessions/A/',
  '/sessions/-a/',
  '/sessions/a-/',
  '/sessions/1a/',
  `/sessions/${'a'.repeat(53)}/`,
  '/sessions/a%2Fb/',
  '/sessions/%61/',
  '/sessions/../sessions/a/',
  '/sessions/./a/',
  '/sessions/a;x/',
  '/sessions/a\\b/',
  '/x/sessions/a/',
  '/sessions/a.b/',
])('the path %s does not belong to a session', (path) => {
  expect(parseSessionPath(path)).toEqual({ kind: 'other' });
});

test.each([
  '/sessions/a/../b/',
  '/sessions/a/..',
  '/sessions/a/./b',
  '/sessions/a/%2e%2e/b',
  '/sessions/a/.%2E/b',
  '/sessions/a/..%2Fb',
  '/sessions/a/x%2F..%2F..%2Fb',
  '/sessions/a/%252e%252e/b',
  '/sessions/a/..%5Cb',
  '/sessions/a/..\\b',
  '/sessions/a/%00',
  '/sessions/a/%',
  '/sessions/a/%zz',
  '/sessions/a/%ff',
])('the path %s is rejected', (path) => {
  expect(parseSessionPath(path)).toEqual({ kind: 'ambiguous' });
});

test.each([
  ['/sessions/a/lab?reset#x', '/sessions/a/lab?reset#x'],
  [null, '/sessions/a/'],
  ['', '/sessions/a/'],
  ['/sessions/a', '/sessions/a/'],
  ['/sessions/b/', '/sessions/a/'],
  ['//evil.test/sessions/a/', '/sessions/a/'],
  ['https://evil.test/sessions/a/', '/sessions/a/'],
  ['/sessions/a/../b/', '/sessions/a/'],
  ['/sessions/a/x\r\nSet-Cookie: y', '/sessions/a/'],
  [`/sessions/a/${'x'.repeat(5000)}`, '/sessions/a/'],
])('after signing in, %j redirects to %s', (next, expected) => {
  expect(insideSession('a', next)).toBe(expected);
});
