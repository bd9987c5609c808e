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
  { ...image, name: 'private/jupyter', tag: 'latest', readers: ['ada'] },
];
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
let registry: Registry;
let server: Server;
let origin: string;
let time = Date.now();
let isTrusted = true;

beforeAll(async () => {
  server = createServer((req, res) => void registry.handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const passwords: Record<string, string> = { 'adas-token': 'ada', 'bobs-token': 'bob' };
  registry = createRegistry({
    images,
    origin,
    userOf: (password) => passwords[password],
    mayBeAnonymous: () => isTrusted,
    now: () => time,
  });
});
afterAll(() => void server.close());

const host = () => new URL(origin).host;
const basic = (password: string) => `Basic ${Buffer.from(`oauth2:${password}`).toString('base64')}`;

function askForToken(scope: string, password?: string, service = host()): Promise<Response> {
  const query = new URLSearchParams([
    ['service', service] as [string, string],
    ...scope.split(' ').map((each): [string, string] => ['scope', each]),
  ]);
  return fetch(`${origin}/v2/token?${query}`, password ? { headers: { authorization: basic(password) } } : {});
}
async function tokenFor(repository: string, password?: string): Promise<string> {
  const answer = await askForToken(`repository:${repository}:pull`, password);
  return ((await answer.json()) as { token: string }).token;
}
async function get(path: string, token?: string, method = 'GET'): Promise<Response> {
  const headers = {
    authorization: `Bearer ${token ?? (await tokenFor(/\/v2\/(.+)\/[^/]+\/[^/]+$/.exec(path)?.[1] ?? ''))}`,
  };
  return fetch(origin + path, { method, headers });
}

test('an image’s manifest and configuration are what their digests say', async () => {
  expect(registry.references).toEqual([
    'images/jupyter:latest',
    'images/jupyter:python-3.11',
    'private/jupyter:latest',
  ]);
  expect(registry.names).toEqual([
    ...registry.references,
    name,
    ...[1, 2].map(() => expect.stringMatching(/^images\/jupyter@sha256:[0-9a-f]{64}$/)),
    'private/jupyter',
    expect.stringMatching(/^private\/jupyter@sha256:/),
  ]);
  const token = await tokenFor(name);
  for (const tag of ['latest', 'python-3.11']) {
    const answer = await get(`/v2/${name}/manifests/${tag}`, token);
    const body = Buffer.from(await answer.arrayBuffer());
    const digest = answer.headers.get('docker-content-digest') ?? '';
    expect(answer.headers.get('content-type')).toBe(manifestType);
    expect(digest).toBe(`sha256:${createHash('sha256').update(body).digest('hex')}`);
    const byDigest = await get(`/v2/${name}/manifests/${digest}`, token);
    expect(Buffer.from(await byDigest.arrayBuffer()).equals(body)).toBe(true);

    const { config } = JSON.parse(String(body)) as { config: { digest: string; size: number } };
    const blob = Buffer.from(await (await get(`/v2/${name}/blobs/${config.digest}`, token)).arrayBuffer());
    expect(blob.length).toBe(config.size);
    expect(config.digest).toBe(`sha256:${createHash('sha256').update(blob).digest('hex')}`);
    expect(JSON.parse(String(blob))).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
      config: { WorkingDir: '/home/jovyan' },
    });
  }
});

test('HEAD says the same without the body; tags are listed; the ping answers', async () => {
  const head = await get('/v2/images/jupyter/manifests/latest', undefined, 'HEAD');
  expect(head.status).toBe(200);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await head.text()).toBe('');
  expect(await (await get('/v2/images/jupyter/tags/list')).json()).toEqual({
    name: 'images/jupyter',
    tags: ['latest', 'python-3.11'],
  });
  const ping = await get('/v2/', await tokenFor(name));
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
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ errors: [{ code }] });
});

test('the answer for a missing image lists what everybody may have; writing is refused', async () => {
  const text = await (await get('/v2/images/jupyter/manifests/other')).text();
  expect(text).toContain('images/jupyter:python-3.11');
  expect(text).not.toContain('private');
  const push = await fetch(`${origin}/v2/images/jupyter/manifests/latest`, { method: 'PUT', body: '{}' });
  expect(push.status).toBe(405);
  expect(push.headers.get('allow')).toBe('GET, HEAD');
});

test('who comes without a token is told where to get one', async () => {
  const answer = await fetch(`${origin}/v2/images/jupyter/manifests/latest`);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ errors: [{ code: 'UNAUTHORIZED' }] });
  expect(answer.headers.get('www-authenticate')).toBe(
    `Bearer realm="${origin}/v2/token",service="${host()}",scope="repository:images/jupyter:pull"`,
  );
  const ping = await fetch(`${origin}/v2/`);
  expect(ping.headers.get('www-authenticate')).toBe(`Bearer realm="${origin}/v2/token",service="${host()}"`);
  const odd = await fetch(`${origin}/v2/a",x="b/manifests/latest`);
  expect(odd.headers.get('www-authenticate')).not.toContain('x=');
});

test.each([
  ['ada', 'adas-token', 200],
  ['another user', 'bobs-token', 401],
  ['anybody', undefined, 401],
])('the private image is there for its reader alone: %s gets %3$d', async (_who, password, status) => {
  const token = await tokenFor('private/jupyter', password);
  const answer = await get('/v2/private/jupyter/manifests/latest', token);
  expect(answer.status).toBe(status);
  expect(answer.headers.get('www-authenticate') ?? '').toContain(status === 401 ? 'error="insufficient_scope"' : '');
  // A token is for what it was asked for.
  expect((await get('/v2/images/jupyter/manifests/latest', token)).status).toBe(401);
});

test('a token is short-lived, for pulling only, and for this registry only', async () => {
  const answer = await askForToken(
    `repository:${name}:pull,push,* repository:private/jupyter:pull nonsense`,
    'adas-token',
  );
  const { token, access_token, expires_in } = (await answer.json()) as Record<string, string>;
  expect([answer.headers.get('cache-control'), access_token, expires_in]).toEqual(['no-store', token, 300]);
  const payload = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as { access: unknown };
  expect(payload.access).toEqual(
    [name, 'private/jupyter'].map((each) => ({ type: 'repository', name: each, actions: ['pull'] })),
  );
  expect((await get(`/v2/${name}/tags/list`, token)).status).toBe(200);
  time += 301_000;
  const late = await get(`/v2/${name}/tags/list`, token);
  expect([late.status, late.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('invalid_token')]);
  expect((await askForToken(`repository:${name}:pull`, undefined, 'other.test')).status).toBe(400);
});

test('credentials that are nobody’s, and tokens that are none, are refused', async () => {
  const answer = await askForToken(`repository:${name}:pull`, 'stolen');
  expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, `Basic realm="${host()}"`]);
  const other = createRegistry({ images, origin, userOf: () => 'ada', mayBeAnonymous: () => true, now: () => time });
  const elsewhere = createServer((req, res) => void other.handle(req, res)).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  const { port } = elsewhere.address() as AddressInfo;
  const forged = await fetch(`http://127.0.0.1:${port}/v2/token?scope=repository:${name}:pull`);
  const { token } = (await forged.json()) as { token: string };
  elsewhere.close();
  for (const each of [token, 'x', 'eyJhbGciOiJub25lIn0.e30.', `${await tokenFor(name)}x`]) {
    expect((await get(`/v2/${name}/manifests/latest`, each)).status, each).toBe(401);
  }
});

test('no token is given out without credentials, but to who the platform says', async () => {
  isTrusted = false;
  try {
    const scope = `repository:${name}:pull`;
    const refused = await askForToken(scope);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe(`Basic realm="${host()}"`);
    expect(await refused.text()).not.toContain('"token"');
    expect((await askForToken(scope, 'nonsense')).status).toBe(401);
    expect((await askForToken(scope, 'bobs-token')).status).toBe(200);
  } finally {
    isTrusted = true;
  }
});

test('images of commits are there where the project has one, for who may pull from it, by tag only', async () => {
  const asked: string[] = [];
  const commits = {
    architecture: 'amd64',
    has: async (project: string, tag: string) => {
      asked.push(`${project}:${tag}`);
      return project !== 'group/empty' && tag === 'aaaaaaa';
    },
    mayPull: (project: string, user: string | undefined) =>
      project === 'group/open' || project === 'group/empty' || (project === 'group/closed' && user === 'ada'),
  };
  const passwords: Record<string, string> = { 'adas-token': 'ada', 'bobs-token': 'bob' };
  registry = createRegistry({
    images,
    commits,
    origin,
    userOf: (password) => passwords[password],
    mayBeAnonymous: () => true,
    now: () => time,
  });
  const status = async (path: string, password?: string) => {
    const project = /^\/v2\/(.+)\/[^/]+\/[^/]+$/.exec(path)?.[1] ?? '';
    return (await get(path, await tokenFor(project, password))).status;
  };

  const manifest = await get('/v2/group/open/manifests/aaaaaaa');
  const { config } = (await manifest.json()) as { config: { digest: string } };
  const blob = await get(`/v2/group/open/blobs/${config.digest}`);
  expect(await blob.json()).toMatchObject({
    os: 'linux',
    architecture: 'amd64',
    config: { WorkingDir: '/home/jovyan' },
  });
  expect(await status(`/v2/group/open/manifests/${manifest.headers.get('docker-content-digest')}`)).toBe(404);
  expect(await status('/v2/group/open/manifests/bbbbbbb')).toBe(404);
  expect(await status('/v2/group/empty/manifests/aaaaaaa')).toBe(404);
  expect(await status('/v2/group/open/tags/list')).toBe(404);

  asked.length = 0;
  expect(await status('/v2/group/closed/manifests/aaaaaaa', 'adas-token')).toBe(200);
  // Who may not see a project cannot tell it from one that is not there, and its repository is not looked into.
  for (const path of ['group/closed', 'group/none']) {
    for (const password of ['bobs-token', undefined]) {
      expect(await status(`/v2/${path}/manifests/aaaaaaa`, password)).toBe(401);
    }
  }
  expect(asked).toEqual(['group/closed:aaaaaaa']);
  // Of the images of this machine, as before: the answer for a missing one says what there is.
  expect(await (await get('/v2/images/typo/manifests/latest')).text()).toContain('images/jupyter:latest');
});
