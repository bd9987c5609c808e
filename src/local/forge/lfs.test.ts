import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ada, bob, type ServedForge, serveForge } from '../../../tests/support/local/forge/served-forge.ts';
import type { ForgeProject } from './records.ts';

let served: ServedForge;
let project: ForgeProject;
let adasToken: string;
let bobsToken: string;
const content = 'a large file\n'.repeat(10_000);
const oid = createHash('sha256').update(content).digest('hex');

beforeAll(async () => {
  served = await serveForge();
  adasToken = served.forge.issueToken(ada).token;
  bobsToken = served.forge.issueToken(bob).token;
  const members = [
    { username: 'ada', accessLevel: 30 },
    { username: 'bob', accessLevel: 20 },
  ];
  project = await served.forge.createProject({ namespace: 'team', path: 'data', members });
});
afterAll(() => served.close());

const basic = (token: string) => ({ authorization: `Basic ${btoa(`oauth2:${token}`)}` });
const batch = (operation: string, token: string | undefined, objects: unknown = [{ oid, size: content.length }]) =>
  fetch(`${served.url}/team/data.git/info/lfs/objects/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.git-lfs+json', ...(token ? basic(token) : {}) },
    body: JSON.stringify({ operation, objects }),
  });
interface BatchResponse {
  objects: {
    oid: string;
    error?: object;
    actions?: Record<string, { href: string; header: Record<string, string> }>;
  }[];
}
const action = async (operation: 'upload' | 'download', token: string) =>
  ((await (await batch(operation, token)).json()) as BatchResponse).objects[0]?.actions?.[operation];

describe('LFS objects', () => {
  it('are stored and served', async () => {
    const missing = (await (await batch('download', adasToken)).json()) as BatchResponse;
    expect(missing.objects[0]).toMatchObject({ oid, error: { code: 404 } });
    const upload = await action('upload', adasToken);
    const stored = await fetch(upload?.href ?? '', { method: 'PUT', body: content, headers: upload?.header ?? {} });
    expect(stored.status).toBe(200);
    expect(existsSync(join(project.gitDir, 'lfs/objects', oid.slice(0, 2), oid.slice(2, 4), oid))).toBe(true);
    const download = await action('download', bobsToken);
    expect(await (await fetch(download?.href ?? '', { headers: download?.header ?? {} })).text()).toBe(content);
    expect(await action('upload', adasToken)).toBeUndefined();
  });

  it('are rejected if the content does not match the name', async () => {
    const wrong = 'f'.repeat(64);
    const response = await fetch(`${served.url}/team/data.git/info/lfs/objects/${wrong}`, {
      method: 'PUT',
      body: content,
      headers: basic(adasToken),
    });
    expect(response.status).toBe(422);
    expect(
      ((await (await batch('download', adasToken, [{ oid: wrong, size: 1 }])).json()) as BatchResponse).objects[0],
    ).toHaveProperty('error');
  });

  it('can be read by users with read access, and written by users who can push', async () => {
    expect((await batch('download', undefined)).status).toBe(401);
    expect((await batch('upload', bobsToken)).status).toBe(403);
    const put = await fetch(`${served.url}/team/data.git/info/lfs/objects/${oid}`, {
      method: 'PUT',
      body: content,
      headers: basic(bobsToken),
    });
    expect(put.status).toBe(403);
    expect((await fetch(`${served.url}/team/data.git/info/lfs/objects/${oid}`)).status).toBe(401);
  });

  it('must have valid names', async () => {
    for (const name of ['..%2F..%2FHEAD', '../../HEAD', oid.toUpperCase(), oid.slice(1)]) {
      const response = await fetch(`${served.url}/team/data.git/info/lfs/objects/${name}`, {
        headers: basic(adasToken),
      });
      expect(response.status, name).toBe(404);
    }
    for (const objects of [[{ oid: '../../x', size: 1 }], [null], 'x', undefined]) {
      expect((await batch('download', adasToken, objects ?? null)).status).toBe(422);
    }
  });
});
