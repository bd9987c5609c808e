import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistry, type Registry } from './registry.ts';

const description = 'Python 3.11.7, JupyterLab 4.5.11';
const name = 'images/jupyter';
const image = { name, description, architecture: 'amd64' };
const images = [
  { ...image, tag: 'latest' },
  { ...image, tag: 'python-3.11' },
];
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
const users: Record<string, string> = { 'adas-token': 'ada', 'bobs-token': 'bob' };
let registry: Registry;
let server: Server;
let origin: string;
let isService = false;

beforeAll(async () => {
  server = createServer((req, res) => void registry.handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  registry = createRegistry({ images, origin, userOf: (password) => users[password], isService: () => isService });
});
afterAll(() => void server.close());

const host = () => new URL(origin).host;

/** `null`: without credentials. */
function get(path: string, password: string | null = 'adas-token', method = 'GET'): Promise<Response> {
  const basic = `Basic ${Buffer.from(`oauth2:${password}`).toString('base64')}`;
  return fetch(origin + path, { method, headers: password === null ? {} : { authorization: basic } });
}

test('manifest and configuration of an image have the digests in their names', async () => {
  expect(registry.references).toEqual(['images/jupyter:latest', 'images/jupyter:python-3.11']);
  expect(registry.names).toEqual([
    ...registry.references,
    name,
    ...[1, 2].map(() => expect.stringMatching(/^images\/jupyter@sha256:[0-9a-f]{64}$/)),
  ]);
  for (const tag of ['latest', 'python-3.11']) {
    const response = await get(`/v2/${name}/manifests/${tag}`);
    const body = Buffer.from(await response.arrayBuffer());
    const digest = response.headers.get('docker-content-digest') ?? '';
    expect(response.headers.get('content-type')).toBe(manifestType);
    expect(digest).toBe(`sha256:${createHash('sha256').update(body).digest('hex')}`);
    const byDigest = await get(`/v2/${name}/manifests/${digest}`);
    expect(Buffer.from(await byDigest.arrayBuffer()).equals(body)).toBe(true);

    const { config } = JSON.parse(String(body)) as { config: { digest: string; size: number } };
    const blob = Buffer.from(await (await get(`/v2/${name}/blobs/${config.digest}`)).arrayBuffer());
    expect(blob.length).toBe(config.size);
    expect(config.digest).toBe(`sha256:${createHash('sha256').update(blob).digest('hex')}`);
    expect(JSON.parse(String(blob))).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
      config: { WorkingDir: '/home/jovyan' },
    });
  }
});

test('HEAD has the same headers without a body; tags are listed; /v2/ responds', async () => {
  const head = await get('/v2/images/jupyter/manifests/latest', undefined, 'HEAD');
  expect(head.status).toBe(200);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await head.text()).toBe('');
  expect(await (await get('/v2/images/jupyter/tags/list')).json()).toEqual({
    name: 'images/jupyter',
    tags: ['latest', 'python-3.11'],
  });
  const ping = await get('/v2/');
  expect([ping.status, ping.headers.get('docker-distribution-api-version')]).toEqual([200, 'registry/2.0']);
});

test.each([
  ['/v2/images/jupyter/manifests/other', 404, 'MANIFEST_UNKNOWN'],
  [`/v2/images/jupyter/manifests/sha256:${'0'.repeat(64)}`, 404, 'MANIFEST_UNKNOWN'],
  [`/v2/images/jupyter/blobs/sha256:${'0'.repeat(64)}`, 404, 'BLOB_UNKNOWN'],
  ['/v2/images/other/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/__proto__/manifests/constructor', 404, 'NAME_UNKNOWN'],
  ['/v2/_catalog', 404, 'UNSUPPORTED'],
])('%s is %d %s', async (path, status, code) => {
  const response = await get(path);
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ errors: [{ code }] });
});

test('the error for a missing image lists the available images; the registry is read-only', async () => {
  const text = await (await get('/v2/images/jupyter/manifests/other')).text();
  expect(text).toContain('images/jupyter:python-3.11');
  const push = await fetch(`${origin}/v2/images/jupyter/manifests/latest`, { method: 'PUT', body: '{}' });
  expect(push.status).toBe(405);
  expect(push.headers.get('allow')).toBe('GET, HEAD');
});

test('only the service needs no credentials, and its invalid credentials are rejected, too', async () => {
  const paths = ['/v2/', `/v2/${name}/manifests/latest`, `/v2/${name}/tags/list`, '/v2/_catalog'];
  for (const path of paths) {
    for (const password of [null, '', 'nonsense']) {
      const response = await get(path, password);
      expect(response.status, `${path} ${password}`).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(`Basic realm="${host()}"`);
      expect(await response.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] });
    }
    expect((await get(path, 'bobs-token')).status, path).toBe(path.endsWith('_catalog') ? 404 : 200);
  }
  isService = true;
  try {
    expect((await get(`/v2/${name}/manifests/latest`, null)).status).toBe(200);
    expect((await get(`/v2/${name}/manifests/latest`, 'nonsense')).status).toBe(401);
    const bearer = await fetch(`${origin}/v2/`, { headers: { authorization: 'Bearer adas-token' } });
    expect(bearer.status).toBe(401);
  } finally {
    isService = false;
  }
});

test('an image of a commit exists if the project has one, only for users with access to the project, and only by tag', async () => {
  const lookups: string[] = [];
  const commits = {
    architecture: 'amd64',
    has: async (project: string, tag: string) => {
      lookups.push(`${project}:${tag}`);
      return project !== 'group/empty' && tag === 'aaaaaaa';
    },
    mayPull: (project: string, user: string | undefined) =>
      project === 'group/open' || project === 'group/empty' || (project === 'group/closed' && user === 'ada'),
  };
  registry = createRegistry({ images, commits, origin, userOf: (password) => users[password], isService: () => true });
  const status = async (path: string, password: string | null = null) => (await get(path, password)).status;

  const manifest = await get('/v2/group/open/manifests/aaaaaaa', null);
  const { config } = (await manifest.json()) as { config: { digest: string } };
  const blob = await get(`/v2/group/open/blobs/${config.digest}`, null);
  expect(await blob.json()).toMatchObject({
    os: 'linux',
    architecture: 'amd64',
    config: { WorkingDir: '/home/jovyan' },
  });
  expect(await status(`/v2/group/open/manifests/${manifest.headers.get('docker-content-digest')}`)).toBe(404);
  expect(await status('/v2/group/open/manifests/bbbbbbb')).toBe(404);
  expect(await status('/v2/group/empty/manifests/aaaaaaa')).toBe(404);
  expect(await status('/v2/group/open/tags/list')).toBe(404);

  lookups.length = 0;
  expect(await status('/v2/group/closed/manifests/aaaaaaa', 'adas-token')).toBe(200);
  // A project that the user may not see looks like one that does not exist, and its repository is not read.
  for (const path of ['group/closed', 'group/none']) {
    for (const password of ['bobs-token', null]) {
      const response = await get(`/v2/${path}/manifests/aaaaaaa`, password);
      expect(response.status).toBe(401);
      // The credentials are valid: another token as the password would not help.
      expect(await response.text()).toContain('the project does not exist, or this token gives no access');
    }
  }
  expect(lookups).toEqual(['group/closed:aaaaaaa']);
  expect(await (await get('/v2/images/typo/manifests/latest', null)).text()).toContain('images/jupyter:latest');
});
