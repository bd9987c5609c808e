import { expect, test } from 'vitest';
import { matchesDigest, mediaType, readConfig, readManifest, runsSessions } from './manifest.ts';

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
    const expected = { kind: 'image', configDigest: digest('a'), configType: 'image', size: null };
    expect(readManifest(json(image()), `${type}; charset=utf-8`)).toEqual(expected);
    expect(readManifest(json({ ...image(), mediaType: type }), 'application/json')).toEqual(expected);
  },
);

test.each([mediaType.dockerList, mediaType.ociIndex])('%s selects linux on amd64, else arm64, in any order', (type) => {
  const read = (...manifests: unknown[]) => readManifest(json({ manifests }), type);
  expect(read(entry('linux', 'arm64', '1'), entry('windows', 'amd64', '2'), entry('linux', 'amd64', '3'))).toEqual({
    kind: 'index',
    manifestDigest: digest('3'),
    platforms: ['linux/arm64', 'windows/amd64', 'linux/amd64'],
  });
  const variant = { ...entry('linux', 'arm64', '5'), platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } };
  expect(read(entry('unknown', 'unknown', '4'), variant)).toEqual({
    kind: 'index',
    manifestDigest: digest('5'),
    platforms: ['linux/arm64/v8'],
  });
  expect(read({ digest: digest('6') })).toEqual({ kind: 'index', manifestDigest: digest('6'), platforms: [] });
  expect(read({ digest: digest('6') }, { digest: digest('7') })).toEqual({ kind: 'other' });
  expect(read(entry('windows', 'amd64', '7'), entry('linux', 's390x', '8'))).toEqual({ kind: 'other' });
});

test.each([
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
  ['an unknown type', json(image()), 'application/vnd.example.manifest.v1+json'],
  ['an unknown type in the document', json({ ...image(), mediaType: 'application/vnd.x+json' }), mediaType.ociManifest],
  ['JSON without a type that is nothing like a manifest', json({ manifests: 5 }), 'application/json'],
  [
    'an old manifest',
    json({ schemaVersion: 1, fsLayers: [] }),
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  ],
])('%s is not an image', (_name, body, type) => {
  expect(readManifest(body, type)).toEqual({ kind: 'other' });
});

test.each([Buffer.from('<html>'), json([]), json(null), Buffer.alloc(0)])(
  '%s is not a response of a registry',
  (body) => {
    expect(readManifest(body, mediaType.ociIndex)).toEqual({ kind: 'invalid' });
  },
);

test('the size is the sum of all parts if all of them have a size', () => {
  const config = { mediaType: mediaType.ociConfig, digest: digest('a'), size: 7 };
  const sizeOf = (...layers: unknown[]) =>
    readManifest(json({ ...image(config), layers }), mediaType.ociManifest) as { size: number | null };
  expect(sizeOf({ size: 100 }, { size: 0 }).size).toBe(107);
  expect(sizeOf().size).toBe(7);
  for (const size of [undefined, null, '5', -1, 1.5, Number.MAX_SAFE_INTEGER, 1e300]) {
    expect(sizeOf({ size: 100 }, { size }).size, String(size)).toBeNull();
  }
});

test('platforms are well-formed names of a limited number', () => {
  const entries = Array.from({ length: 500 }, (_, n) => entry('linux', `arch-${n}`, '1'));
  const odd = [entry('linux', '<script>', '2'), entry('', 'amd64', '3'), entry('linux', 'x'.repeat(33), '4')];
  const manifests = [...odd, ...entries, entry('linux', 'amd64', '5')];
  const read = readManifest(json({ manifests }), mediaType.ociIndex) as { platforms: string[]; manifestDigest: string };
  expect(read.platforms).toHaveLength(100);
  expect(read.platforms[0]).toBe('linux/arch-0');
  expect(read.manifestDigest).toBe(digest('5'));
});

test.each([
  ['linux/amd64', true],
  ['linux/arm64/v8', true],
  ['linux/arm', false],
  ['linux/amd64x', false],
  ['windows/amd64', false],
])('sessions can run on %s: %s', (platform, expected) => {
  expect(runsSessions(platform)).toBe(expected);
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
  const config = { os: 'linux', architecture: 'arm64', variant: 'v8', config: { WorkingDir: value } };
  expect(readConfig(json(config), 'image')).toEqual({
    platform: 'linux/arm64/v8',
    workingDir: expected,
    jupyter: null,
    runsArguments: true,
  });
});

test.each([
  [['tini', '-g', '--', 'jupyter', 'lab', '--no-browser'], [], 'entrypoint'],
  [['/usr/local/bin/jupyter-lab'], null, 'entrypoint'],
  [['tini', '--', '/usr/local/bin/start-notebook.sh'], [], 'entrypoint'],
  [['jupyter'], ['lab'], 'entrypoint'],
  [['tini', '-g', '--', '/entrypoint.sh'], ['jupyter', 'lab', '--ip', '0.0.0.0'], 'lab'],
  [undefined, ['/opt/conda/bin/jupyter-lab'], 'lab'],
  [['tini', '-g', '--', 'start.sh'], ['start-notebook.py'], null],
  [['tini', '-g', '--', '/entrypoint.sh'], ['jupyter', 'notebook'], null],
  [['jupyter'], ['kernelspec'], null],
  ['jupyter lab', { 0: 'jupyter' }, null],
  [[5, null], [['jupyter', 'lab']], null],
])('entrypoint %j with command %j: %s', (Entrypoint, Cmd, expected) => {
  const config = { os: 'linux', architecture: 'amd64', config: { Entrypoint, Cmd } };
  expect(readConfig(json(config), 'image')).toMatchObject({ jupyter: expected });
});

test.each([
  [undefined, true],
  [null, true],
  [[], true],
  [['tini', '-g', '--'], true],
  [['/usr/bin/tini', '-g', '--'], true],
  [['/tini-static', '-p', 'SIGTERM', '-s', '-e', '143', '--'], true],
  [['tini'], true],
  [['tini', '-g', '--', 'start.sh'], true],
  [['/usr/local/bin/tini', 'start.sh'], true],
  [['tini', '--', '/usr/local/bin/start.sh'], true],
  [['tini', '--', '/start.sh'], false],
  [['tini', '--', 'start.sh', 'jupyter'], false],
  [['start.sh'], false],
  [['tini', '-g', '--', '/entrypoint.sh'], false],
  [['tini', '--', 'start-notebook.sh'], false],
  [['/init'], false],
  [['/usr/local/bin/repo2docker-entrypoint'], false],
  [['/bin/sh', '-c', 'exec "$@"'], false],
  [['not tini'], false],
  ['tini', false],
  [[5], false],
  [{ 0: 'tini' }, false],
])('entrypoint %j is known to run its arguments: %s', (Entrypoint, expected) => {
  const config = { os: 'linux', architecture: 'amd64', config: { Entrypoint } };
  expect(readConfig(json(config), 'image')).toMatchObject({ runsArguments: expected });
});

test('a document that is not a configuration has no values', () => {
  for (const body of [json({}), json({ config: null, os: 5 }), json([]), Buffer.from('no')])
    expect(readConfig(body, 'image')).toEqual({ platform: null, workingDir: null, jupyter: null, runsArguments: null });
});

// The types that Docker takes, too (`imageTypes` of its pull), and what registries serve that know only JSON.
test.each(['application/octet-stream', 'application/json', 'text/html', 'text/plain; charset=utf-8', '', undefined])(
  'a type that says nothing, %s, leaves it to the content what something is',
  (type) => {
    const mediaTypeOfConfig = type?.split(';')[0];
    const found = readManifest(json(image({ mediaType: mediaTypeOfConfig, digest: digest('a') })), type);
    expect(found).toEqual({ kind: 'image', configDigest: digest('a'), configType: 'unspecific', size: null });
    const index = json({ manifests: [entry('linux', 'amd64', '3')] });
    expect(readManifest(index, type)).toMatchObject({ kind: 'index', manifestDigest: digest('3') });
    const config = { os: 'linux', architecture: 'amd64' };
    expect(readConfig(json(config), 'unspecific')).toBeUndefined();
    expect(readConfig(json({ ...config, rootfs: { type: 'layers' } }), 'unspecific')).toMatchObject({
      platform: 'linux/amd64',
    });
  },
);

test('content must match its digest', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  expect(matchesDigest(Buffer.alloc(0), `sha256:${empty}`)).toBe(true);
  expect(matchesDigest(Buffer.from('x'), `sha256:${empty}`)).toBe(false);
});
