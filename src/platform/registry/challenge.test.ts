import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

test('a bearer challenge as registries send it', () => {
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

test('several challenges, escapes, spaces and unquoted values', () => {
  expect(parseChallenges('Basic realm="a \\"b\\", c" , BEARER  Realm = "r" ,service=s')).toEqual([
    { scheme: 'basic', parameters: { realm: 'a "b", c' } },
    { scheme: 'bearer', parameters: { realm: 'r', service: 's' } },
  ]);
});

test('the first of two equal parameters counts, and prototype names are names', () => {
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
