import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

test('reads a bearer challenge as registries send it', () => {
  const [challenge] = parseChallenges(
    'Bearer realm="https://gitlab.example.org/jwt/auth",service="container_registry",scope="repository:a/b:pull,push"',
  );
  expect(challenge).toEqual({
    scheme: 'bearer',
    parameters: {
      realm: 'https://gitlab.example.org/jwt/auth',
      service: 'container_registry',
      scope: 'repository:a/b:pull,push',
    },
  });
});

test('reads several challenges, escapes, spaces and unquoted values', () => {
  expect(parseChallenges('Basic realm="a \\"b\\", c" , BEARER  Realm = "r" ,service=s')).toEqual([
    { scheme: 'basic', parameters: { realm: 'a "b", c' } },
    { scheme: 'bearer', parameters: { realm: 'r', service: 's' } },
  ]);
});

test('uses the first of two equal parameters, and accepts names of prototype members', () => {
  const [challenge] = parseChallenges('Bearer realm="a", realm="b", __proto__="c"');
  expect(challenge?.parameters['realm']).toBe('a');
  expect(Object.keys(challenge?.parameters ?? {})).toEqual(['realm', '__proto__']);
});

test.each(['', '   ', '=', '"', 'Bearer realm="unterminated', ',,,', `Bearer ${'a="'.repeat(5000)}`])(
  '%j does no harm',
  (header) => {
    expect(Array.isArray(parseChallenges(header))).toBe(true);
  },
);
