import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegistry } from './registry.ts';

const description = 'Python 3.11.7, JupyterLab 4.5.11';
const name = 'images/jupyter';
const images = ['latest', 'python-3.11'].map((tag) => ({ name, tag, description, architecture: 'amd64' }));
const registry = createRegistry({ images });
const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';
let server: Server;
let origin: string;

beforeAll(async () => {
  server = createServer((req, res) => registry.handle(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

test('an image’s manifest and configuration are what their digests say', async () => {
  expect(registry.references).toEqual(['images/jupyter:latest', 'images/jupyter:python-3.11']);
  for (const { tag } of images) {
    const answer = await fetch(`${origin}/v2/${name}/manifests/${tag}`);
    const body = Buffer.from(await answer.arrayBuffer());
    const digest = answer.headers.get('docker-content-digest') ?? '';
    expect(answer.headers.get('content-type')).toBe(manifestType);
    expect(digest).toBe(`sha256:${createHash('sha256').update(body).digest('hex')}`);
    const byDigest = await fetch(`${origin}/v2/${name}/manifests/${digest}`);
    expect(Buffer.from(await byDigest.arrayBuffer()).equals(body)).toBe(true);

    const { config } = JSON.parse(String(body)) as { config: { digest: string; size: number } };
    const blob = Buffer.from(await (await fetch(`${origin}/v2/${name}/blobs/${config.digest}`)).arrayBuffer());
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
  const head = await fetch(`${origin}/v2/images/jupyter/manifests/latest`, { method: 'HEAD' });
  expect(head.status).toBe(200);
  expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
  expect(await head.text()).toBe('');
  expect(await (await fetch(`${origin}/v2/images/jupyter/tags/list`)).json()).toEqual({
    name: 'images/jupyter',
    tags: ['latest', 'python-3.11'],
  });
  const ping = await fetch(`${origin}/v2/`);
  expect(ping.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
});

test.each([
  ['/v2/images/jupyter/manifests/other', 404, 'MANIFEST_UNKNOWN'],
  [`/v2/images/jupyter/manifests/sha256:${'0'.repeat(64)}`, 404, 'MANIFEST_UNKNOWN'],
  [`/v2/images/jupyter/blobs/sha256:${'0'.repeat(64)}`, 404, 'BLOB_UNKNOWN'],
  ['/v2/images/other/manifests/latest', 404, 'NAME_UNKNOWN'],
  ['/v2/__proto__/manifests/constructor', 404, 'NAME_UNKNOWN'],
  ['/v2/_catalog', 404, 'UNSUPPORTED'],
])('%s is %d %s', async (path, status, code) => {
  const answer = await fetch(origin + path);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ errors: [{ code }] });
});

test('the answer for a missing image lists what there is; writing is refused', async () => {
  expect(await (await fetch(`${origin}/v2/images/jupyter/manifests/other`)).text()).toContain(
    'images/jupyter:python-3.11',
  );
  const push = await fetch(`${origin}/v2/images/jupyter/manifests/latest`, { method: 'PUT', body: '{}' });
  expect(push.status).toBe(405);
  expect(push.headers.get('allow')).toBe('GET, HEAD');
});
