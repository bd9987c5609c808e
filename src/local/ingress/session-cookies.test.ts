import { expect, test } from 'vitest';
import { SessionCookies } from './session-cookies.ts';

const make = () => new SessionCookies('localhost:8000');
const base = '/sessions/a/';

test('every session gets the cookies of Jupyter and those that the session has set', () => {
  const cookies = make();
  const raw = [
    'Cookie',
    '_xsrf=1; username-localhost-8000=2; username-localhost-8888=3; rstudio=4',
    'cookie',
    'pass=5; _xsrf=6',
  ];
  expect(cookies.toServer('uid-a', raw)).toBe('_xsrf=1; username-localhost-8000=2; _xsrf=6');
  cookies.fromServer('uid-a', 'rstudio=4; Path=/sessions/a/proxy/', base, 'pass');
  expect(cookies.toServer('uid-a', raw)).toContain('rstudio=4');
  expect(cookies.toServer('uid-b', raw)).not.toContain('rstudio');
  expect(cookies.toServer('uid-a', ['Cookie', 'other=1'])).toBeUndefined();
});

test.each([
  ['_xsrf=1; Path=/sessions/a/', '_xsrf=1; Path=/sessions/a/'],
  [
    'x=1; expires=Sat, 21 Nov 2026 12:00:00 GMT; HttpOnly; path=/sessions/a/proxy/',
    'x=1; expires=Sat, 21 Nov 2026 12:00:00 GMT; HttpOnly; Path=/sessions/a/proxy/',
  ],
  ['x=1; Path=/; Domain=localhost', 'x=1; Path=/sessions/a/'],
  ['x=1; Path=/sessions/a/; Path=/', 'x=1; Path=/sessions/a/'],
  ['x=1; Path=/sessions/b/', 'x=1; Path=/sessions/a/'],
  ['x=1', 'x=1; Path=/sessions/a/'],
  ['x=a=b', 'x=a=b; Path=/sessions/a/'],
])('%s is limited to the session', (sent, expected) => {
  expect(make().fromServer('uid', sent, base, 'pass')).toBe(expected);
});

test.each(['pass=stolen; Path=/sessions/a/', ' pass =x', '=x', 'novalue', ''])('the cookie %j is dropped', (sent) => {
  expect(make().fromServer('uid', sent, base, 'pass')).toBeUndefined();
});

test('the number of cookies that a server can set is limited', () => {
  const cookies = make();
  for (let i = 0; i < 500; i += 1) cookies.fromServer('uid', `c${i}=1`, base, 'pass');
  expect(cookies.toServer('uid', ['Cookie', 'c0=1; c499=1'])).toBe('c0=1');
  for (let i = 0; i < 3000; i += 1) cookies.fromServer(`uid-${i}`, 'c=1', base, 'pass');
  expect(cookies.toServer('uid', ['Cookie', 'c0=1'])).toBeUndefined();
});
