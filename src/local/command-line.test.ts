import { expect, test } from 'vitest';
import { parseCommandLine } from './command-line.ts';
import { UserError } from './user-error.ts';

const parse = (...args: string[]) => parseCommandLine(args, {}, '/home/ada');
const errorOf = (...args: string[]): string => {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('The command line was accepted.');
};

test('repositories are private to the owner, except those of --public-project', () => {
  const { projects, publicProjects } = parse('--project', 'own', '--public-project', 'open', '--project', '/srv/x');
  expect(projects).toEqual(['/home/ada/own', '/srv/x', '/home/ada/open']);
  expect(publicProjects).toEqual(['/home/ada/open']);
});

test('kernels listen on TCP ports only with an option', () => {
  expect(parse().kernelsOnTcp).toBe(false);
  expect(parse('--kernels-on-tcp').kernelsOnTcp).toBe(true);
});

test('two public addresses are accepted together, as origins', () => {
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
  // The same host: cookies do not depend on the port.
  [['--public-url', 'https://a.example.org', '--public-sessions-url', 'https://A.example.org:8443']],
])('two public addresses with the same host, or a single one, are rejected with the reason: %j', (args) => {
  expect(errorOf(...args)).toContain('a script in a notebook could use the API');
});

test.each([
  ['notebooks.example.org', 'an address without a path'],
  ['https://a.example.org/path', 'an address without a path'],
  ['https://user@a.example.org', 'an address without a path'],
  ['https://a.example.org/?x', 'an address without a path'],
  ['ftp://a.example.org', 'an address without a path'],
  ['http://localhost:9000', 'Loopback names work without this option'],
  ['http://127.0.0.1:9000', 'Loopback names work without this option'],
  ['http://x.localhost', 'Loopback names work without this option'],
  ['http://[::1]:9000', 'Loopback names work without this option'],
])('%s is not a valid public address: %s', (address, reason) => {
  expect(errorOf('--public-url', address, '--public-sessions-url', 'https://b.example.org')).toContain(reason);
  expect(errorOf('--public-url', 'https://b.example.org', '--public-sessions-url', address)).toContain(reason);
});
