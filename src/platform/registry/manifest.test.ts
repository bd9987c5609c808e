import { expect, test } from 'vitest';
import { matchesDigest, mediaType, readManifest, workingDirOf } from './manifest.ts';

const digest = (character: string) => `sha256:${character.repeat(64)}`;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const image = (config: object = { mediaType: mediaType.ociConfig, digest: digest('a') }) => ({
  schemaVersion: 2,
  config,
  layers: [],
});
const entry = (os: string, architecture: string, character: string) => ({
  digest: digest(character),
  platform: { os, architecture },
});

test.each([mediaType.dockerManifest, mediaType.ociManifest])(
  '%s is an image, told by the document or by the header',
  (type) => {
    const expected = { kind: 'image', configDigest: digest('a') };
    expect(readManifest(json(image()), `${type}; charset=utf-8`)).toEqual(expected);
    expect(readManifest(json({ ...image(), mediaType: type }), 'application/json')).toEqual(expected);
  },
);

test.each([mediaType.dockerList, mediaType.ociIndex])('%s: linux on amd64, else arm64, whatever the order', (type) => {
  const read = (...manifests: unknown[]) => readManifest(json({ manifests }), type);
  expect(read(entry('linux', 'arm64', '1'), entry('windows', 'amd64', '2'), entry('linux', 'amd64', '3'))).toEqual({
    kind: 'index',
    manifestDigest: digest('3'),
  });
  expect(read(entry('unknown', 'unknown', '4'), entry('linux', 'arm64', '5'))).toEqual({
    kind: 'index',
    manifestDigest: digest('5'),
  });
  expect(read({ digest: digest('6') })).toEqual({ kind: 'index', manifestDigest: digest('6') });
  expect(read(entry('windows', 'amd64', '7'), entry('linux', 's390x', '8'))).toEqual({ kind: 'other' });
});

test.each([
  ['no JSON', Buffer.from('<html>'), mediaType.ociManifest],
  ['a list', json([]), mediaType.ociManifest],
  ['null', json(null), mediaType.ociIndex],
  ['no config', json({}), mediaType.dockerManifest],
  [
    'a chart',
    json(image({ mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: digest('a') })),
    mediaType.ociManifest,
  ],
  [
    'a digest that leads elsewhere',
    json(image({ mediaType: mediaType.ociConfig, digest: '../../../secret' })),
    mediaType.ociManifest,
  ],
  [
    'such a digest in an index',
    json({ manifests: [{ ...entry('linux', 'amd64', '1'), digest: 'sha256:../x' }] }),
    mediaType.ociIndex,
  ],
  ['an index of nonsense', json({ manifests: [null, 5, 'x', [], {}] }), mediaType.ociIndex],
  ['an index that is no list', json({ manifests: { length: 3 } }), mediaType.ociIndex],
  ['an unknown type', json(image()), 'application/json'],
  ['no type', json(image()), undefined],
  [
    'an old manifest',
    json({ schemaVersion: 1, fsLayers: [] }),
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  ],
])('%s is no image', (_name, body, type) => {
  expect(readManifest(body, type)).toEqual({ kind: 'other' });
});

test.each([
  ['/home/jovyan', '/home/jovyan'],
  ['', '/'],
  [undefined, null],
  [null, null],
  [5, null],
  ['relative', null],
  ['/a/../../etc', null],
  ['/a\nb', null],
  ['/a"; import os; "', null],
  ['/$HOME', null],
  [`/${'a'.repeat(2000)}`, null],
  ['/päth with space', '/päth with space'],
])('working directory %j gives %j', (value, expected) => {
  expect(workingDirOf(json({ config: { WorkingDir: value } }))).toBe(expected);
});

test('a configuration that is none has no working directory', () => {
  for (const body of [json({}), json({ config: null }), json([]), Buffer.from('no')])
    expect(workingDirOf(body)).toBeNull();
});

test('content must be what its digest says', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(matchesDigest(Buffer.alloc(0), `sha256:${empty}`)).toBe(true);
  expect(matchesDigest(Buffer.from('x'), `sha256:${empty}`)).toBe(false);
});
