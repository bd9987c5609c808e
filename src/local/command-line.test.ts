import { expect, test } from 'vitest';
import { parseCommandLine, UsageError } from './command-line.ts';

const parse = (...args: string[]) => parseCommandLine(args, {}, '/home/ada');
const errorOf = (...args: string[]): string => {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('was taken');
};

test('repositories are private to the owner unless they are given as public ones', () => {
  const { projects, publicProjects } = parse('--project', 'own', '--public-project', 'open', '--project', '/srv/x');
  expect(projects).toEqual(['/home/ada/own', '/srv/x', '/home/ada/open']);
  expect(publicProjects).toEqual(['/home/ada/open']);
});

test('two public addresses are taken together, as origins', () => {
  expect(parse().published).toBeUndefined();
  const args = [
    '--public-url',
    'https://Notebooks.example.org/',
    '--public-sessions-url',
    'https://sessions.example.org:443',
  ];
  expect(parse(...args).published).toEqual({
    pages: 'https://notebooks.example.org',
    sessions: 'https://sessions.example.org',
  });
});

test.each([
  [['--public-url', 'https://a.example.org']],
  [['--public-sessions-url', 'https://a.example.org']],
  [['--public-url', 'https://a.example.org', '--public-sessions-url', 'https://a.example.org']],
  // Cookies know no ports: it would be the same site.
  [['--public-url', 'https://a.example.org', '--public-sessions-url', 'https://A.example.org:8443']],
])('public addresses on one host, or only one of them, are refused with the reason: %j', (args) => {
  expect(errorOf(...args)).toContain('A notebook’s script must be on another host than the API');
});

test.each([
  ['notebooks.example.org', 'an address without a path'],
  ['https://a.example.org/path', 'an address without a path'],
  ['https://user@a.example.org', 'an address without a path'],
  ['https://a.example.org/?x', 'an address without a path'],
  ['ftp://a.example.org', 'an address without a path'],
  ['http://localhost:9000', 'Loopback names work without it'],
  ['http://127.0.0.1:9000', 'Loopback names work without it'],
  ['http://x.localhost', 'Loopback names work without it'],
  ['http://[::1]:9000', 'Loopback names work without it'],
])('%s is no public address: %s', (address, reason) => {
  expect(errorOf('--public-url', address, '--public-sessions-url', 'https://b.example.org')).toContain(reason);
  expect(errorOf('--public-url', 'https://b.example.org', '--public-sessions-url', address)).toContain(reason);
});
