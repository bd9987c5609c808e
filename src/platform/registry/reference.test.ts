import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidReference, isDigest, parseReference } from './reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const hub = 'registry-1.docker.io';

test.each([
  // Forms that 1.18.1 accepted.
  ['nginx', hub, 'library/nginx', 'latest'],
  ['nginx:1.28', hub, 'library/nginx', '1.28'],
  [`nginx@${digest}`, hub, 'library/nginx', digest],
  ['user/img', hub, 'user/img', 'latest'],
  ['user/img:1.0', hub, 'user/img', '1.0'],
  [`user/img@${digest}`, hub, 'user/img', digest],
  ['host.tld/ns/path/deep', 'host.tld', 'ns/path/deep', 'latest'],
  ['host.tld:5050/ns/path:tag', 'host.tld:5050', 'ns/path', 'tag'],
  [`host.tld/ns/path@${digest}`, 'host.tld', 'ns/path', digest],
  ['registry.example.org/my-group/my_project:0123456', 'registry.example.org', 'my-group/my_project', '0123456'],
  // Valid forms that it rejected.
  ['user-name/img', hub, 'user-name/img', 'latest'],
  ['user_name/img:1', hub, 'user_name/img', '1'],
  ['host.tld/img', 'host.tld', 'img', 'latest'],
  ['docker.io/nginx', hub, 'library/nginx', 'latest'],
  ['localhost:5000/u/p', 'localhost:5000', 'u/p', 'latest'],
  ['localhost/u', 'localhost', 'u', 'latest'],
  ['a/b/c', hub, 'a/b/c', 'latest'],
  [`img:tag@${digest}`, hub, 'library/img', digest],
  // Completed as container tools do.
  ['docker.io/library/nginx:1', hub, 'library/nginx', '1'],
  ['index.docker.io/user/img', hub, 'user/img', 'latest'],
  ['Host.TLD/img', 'host.tld', 'img', 'latest'],
  ['127.0.0.1:8000/images/jupyter:latest', '127.0.0.1:8000', 'images/jupyter', 'latest'],
  ['[::1]:5000/img', '[::1]:5000', 'img', 'latest'],
  ['a__b/c--d.e', hub, 'a__b/c--d.e', 'latest'],
  ['nginx:A_b.c-D', hub, 'library/nginx', 'A_b.c-D'],
])('%s', (text, host, repository, target) => {
  expect(parseReference(text)).toMatchObject({ host, repository, target });
});

test.each([
  '',
  ' nginx',
  'nginx\n',
  'nginx:',
  'nginx:-tag',
  `nginx:${'a'.repeat(129)}`,
  'nginx@',
  'nginx@sha256:abc',
  `nginx@sha256:${'AB'.repeat(32)}`,
  `nginx@md5:${'ab'.repeat(16)}`,
  `nginx@${digest}@${digest}`,
  'NGINX',
  'host.tld/Upper/case',
  'host.tld/',
  'host.tld/../../secret',
  'host.tld/a//b',
  'host.tld/a/./b',
  'host.tld/a/b/',
  '/nginx',
  'https://host.tld/img',
  'host.tld:port/img',
  'host.tld:123456/img',
  'host.tld:65536/img',
  '1.2.3.4.5/img',
  '300.1.1.1/img',
  '[1:2]/img',
  '-host.tld/img',
  'user@host.tld/img',
  'host.tld/img?x=1',
  'host.tld/img#x',
  'host.tld/a b',
  'host.tld/a%2fb',
  'host.tld\\evil/img',
  'a.b/c_-d',
  'a.b/___c',
  `host.tld/${'a'.repeat(256)}`,
  'ab'.repeat(32),
  'a'.repeat(5000),
  'nginx\u0000',
  'ng\u0131nx',
])('rejects %j', (text) => {
  expect(() => parseReference(text)).toThrow(InvalidReference);
});

test('every accepted reference is safe in a URL', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '0',
    '.',
    '..',
    '/',
    ':',
    '@',
    '-',
    '_',
    '%2f',
    '\\',
    '?',
    '#',
    ' ',
    '[',
    ']',
    digest,
    'host.tld',
    ':443',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let parsed: ReturnType<typeof parseReference>;
      try {
        parsed = parseReference(text);
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidReference);
        return;
      }
      const path = `/v2/${parsed.repository}/manifests/${parsed.target}`;
      const url = new URL(`https://${parsed.host}${path}`);
      expect(url.pathname).toBe(path);
      expect(url.search + url.hash + url.username).toBe('');
    }),
    { numRuns: 2000 },
  );
});

test('rejects long hostile names quickly', () => {
  const before = process.cpuUsage();
  for (const text of [
    `${'a-'.repeat(500)}!`,
    `${'a.'.repeat(500)}/x`,
    `x/${'a__'.repeat(300)}_`,
    `h.t/${'-'.repeat(900)}`,
  ]) {
    expect(() => parseReference(text)).toThrow(InvalidReference);
  }
  expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
});

test('recognizes digests', () => {
  expect(isDigest(digest)).toBe(true);
  expect(isDigest(`sha512:${'0'.repeat(128)}`)).toBe(true);
  for (const text of [
    `sha256:${'0'.repeat(63)}`,
    `sha1:${'0'.repeat(40)}`,
    'sha256:../../x',
    `constructor:${'0'.repeat(64)}`,
    '',
  ]) {
    expect(isDigest(text), text).toBe(false);
  }
});
