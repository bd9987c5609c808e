import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCallerLimits } from '../../src/caller-limit.ts';
import type { Identity } from '../../src/identity/types.ts';
import { createImageChecker } from '../../src/images/image-checker.ts';
import { imagesRoutes } from '../../src/images/routes.ts';
import { createOutboundHttp } from '../../src/platform/outbound-http/outbound-http.ts';
import type { OutboundHttp } from '../../src/platform/outbound-http/types.ts';
import { mediaType } from '../../src/platform/registry/manifest.ts';
import { startApp, type TestApp, type TestResponse } from '../support/app.ts';
import { type DockerRegistry, dockerRegistryProgram, startDockerRegistry } from '../support/docker-registry.ts';
import { testConfig } from '../support/sessions/config.ts';

/** The image check with token authentication at the registry of the distribution project, the base of most registries. */

const program = dockerRegistryProgram();
const inCi = process.env['CI'] !== undefined;

it.runIf(program === undefined)('needs a docker-registry', () => {
  process.stderr.write(
    '\nNOT TESTED: there is no docker-registry on this machine (see tests/docker-registry/install)\n',
  );
  expect(inCi, 'in CI a docker-registry must be there').toBe(false);
});

describe.runIf(program !== undefined)('an image in a registry of the distribution project', () => {
  let registry: DockerRegistry;
  let http: OutboundHttp;
  let app: TestApp;
  let caller: Identity;
  const digests: Record<string, string> = {};
  const tokens = { ada: 'adas-token', bob: 'bobs-token' };
  const git = (token: string | null) => ({ url: registry.gitUrl, token, tokenExpiresAt: -1 });
  const anonymous = (): Identity => ({
    kind: 'anonymous',
    source: 'cookie',
    id: 'anon-1',
    username: 'anon-1',
    git: git(null),
  });
  const user = (token: string): Identity => ({
    kind: 'registered',
    id: token,
    username: token,
    email: 'u@example.org',
    fullName: 'U',
    issuer: 'i',
    accessToken: 'a',
    refreshToken: null,
    git: git(token),
  });

  beforeAll(async () => {
    registry = await startDockerRegistry({
      program: program as string,
      tokens,
      mayPull: (repository, who) => repository.startsWith('public/') || who === 'ada',
    });
    const image = { workingDir: '/home/jovyan', layerBytes: 2000 };
    await registry.push('public/docker', '1', { format: 'docker', ...image });
    await registry.push('public/oci', '1', { format: 'oci', workingDir: '' });
    await registry.push('public/plain', 'latest', { format: 'oci', architecture: 'arm64' });
    const configType = 'application/octet-stream';
    await registry.push('public/old', '2', { format: 'docker', ...image, configType });
    await registry.push('public/windows', '1', { format: 'docker', os: 'windows' });
    await registry.push('private/project', '1a2b3c4', { format: 'docker', ...image });
    await registry.push('private/seen-once', '1', { format: 'docker', ...image });
    for (const [name, format, type, manifestType] of [
      ['index', 'oci', mediaType.ociIndex, mediaType.ociManifest],
      ['list', 'docker', mediaType.dockerList, mediaType.dockerManifest],
    ] as const) {
      const repository = `public/${name}`;
      const manifests = [];
      for (const architecture of ['arm64', 'amd64']) {
        const digest = await registry.push(repository, undefined, { format, ...image, architecture });
        manifests.push({ mediaType: manifestType, digest, size: 500, platform: { os: 'linux', architecture } });
      }
      digests[name] = await registry.pushManifest(repository, '1', type, {
        schemaVersion: 2,
        mediaType: type,
        manifests,
      });
    }
    http = createOutboundHttp({ allowedNetworks: [], exemptHosts: [registry.host, new URL(registry.gitUrl).host] });
    const checker = createImageChecker({ config: { git: { url: registry.gitUrl, registry: registry.host } }, http });
    app = await startApp({
      routes: [imagesRoutes({ checker, limit: createCallerLimits(testConfig().limits).imageChecks })],
      parts: { identify: async () => ({ identity: caller }) },
    });
  });
  beforeEach(() => {
    caller = anonymous();
    registry.tokenRequests.splice(0);
  });
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]();
    await http?.close();
    await registry?.[Symbol.asyncDispose]();
  });

  const check = (image: string, accept?: string): Promise<TestResponse> =>
    app.send({
      path: `/notebooks/images?image_url=${encodeURIComponent(`${registry.host}/${image}`)}`,
      headers: accept === undefined ? {} : { accept },
    });
  const explain = async (image: string) => (await check(image, 'application/json')).json();

  it('is known by its format, platforms, size and working directory', async () => {
    const found = { exists: true, private: false, workingDir: '/home/jovyan' };
    const both = ['linux/arm64', 'linux/amd64'];
    const docker = await explain('public/docker:1');
    expect(docker).toEqual({ ...found, platforms: ['linux/amd64'], size: expect.any(Number) });
    expect(docker['size']).toBeGreaterThan(2000);
    // redis:2 has this type, for example.
    expect(await explain('public/old:2')).toEqual({ ...docker, size: expect.any(Number) });
    expect(await explain('public/index:1')).toMatchObject({ ...found, platforms: both });
    expect(await explain('public/list:1')).toMatchObject({ ...found, platforms: both });
    expect(await explain('public/oci:1')).toMatchObject({ ...found, platforms: ['linux/amd64'], workingDir: '/' });
    expect(await explain('public/plain')).toMatchObject({ ...found, platforms: ['linux/arm64'], workingDir: null });
    expect(await explain(`public/index@${digests['index']}`)).toMatchObject({ ...found, platforms: both });
    expect(await explain(`public/list:1@${digests['list']}`)).toMatchObject({ ...found, platforms: both });
    expect(registry.tokenRequests.every((line) => line.endsWith(' -'))).toBe(true);
  });

  it('is 200 or 404 without a body, as in 1.18.1', async () => {
    for (const [image, status] of [
      ['public/docker:1', 200],
      ['public/index:1', 200],
      ['public/docker:2', 404],
      ['private/seen-once:1', 404],
    ] as const) {
      expect((await check(image)).status, image).toBe(status);
      const response = await check(image, 'text/plain');
      expect([response.status, response.text], image).toEqual([status, '']);
    }
  });

  it('that is private is found with the token of a user who has access, and with no other token', async () => {
    const image = 'private/project:1a2b3c4';
    caller = user(tokens.ada);
    expect(await explain(image)).toMatchObject({ exists: true, private: true, workingDir: '/home/jovyan' });
    expect(registry.tokenRequests).toEqual([
      'repository:private/project:pull -',
      'repository:private/project:pull ada',
    ]);
    for (const [who, name] of [
      [user(tokens.bob), 'bob'],
      [user('expired-token'), '?'],
      [anonymous(), '-'],
    ] as const) {
      caller = who;
      expect(await explain(image)).toMatchObject({ exists: false, reason: 'needs-login', error: { code: 1404 } });
      expect(registry.tokenRequests.at(-1)).toBe(`repository:private/project:pull ${name}`);
    }
  });

  it.each([
    ['public/docker:2', 'not-found'],
    ['public/nothing:1', 'not-found'],
    [`public/docker@sha256:${'0'.repeat(64)}`, 'not-found'],
    ['public/windows:1', 'not-found'],
    ['private/nothing:1', 'needs-login'],
  ])('%s is %s', async (image, reason) => {
    expect(await explain(image)).toMatchObject({ exists: false, reason, error: { message: expect.any(String) } });
  });

  it('is unreachable and not missing when its registry is gone, and a recent result is still used', async () => {
    await explain('public/docker:1');
    await registry.kill();
    expect(await explain('public/other:1')).toMatchObject({
      reason: 'unreachable',
      error: { message: expect.stringContaining(registry.host) },
    });
    expect(await explain('public/docker:1')).toMatchObject({ exists: true });
  });
});
