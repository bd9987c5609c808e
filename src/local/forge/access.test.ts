import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createForgeAccess } from './access.ts';
import { createForge, type Forge } from './forge.ts';

const ada = { username: 'ada', name: 'Ada', email: 'ada@localhost.localdomain' };
let directory: string;
let server: Server;
let forge: Forge;
let url: string;
/** The gateway's result for a request without a token. */
let signedIn: { token: string | null } | undefined;
let fromService = false;
let token: string;
let reader: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'forge-access-'));
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = pino({ level: 'silent' });
  forge = await createForge({ directory: join(directory, 'forge'), publicUrl: url, localUser: ada, log });
  await forge.ensureDemoProject();
  await forge.createProject({ namespace: 'demo', path: 'second', visibility: 'public' });
  await forge.createProject({ namespace: 'demo', path: 'secret' });
  const error = { status: 401, message: 'Sign in first.', detail: null };
  const access = createForgeAccess({
    forge,
    gitAccess: async () => signedIn ?? { error },
    isService: () => fromService,
  });
  server.on('request', (req, res) => void access(req, res, { pages: url, sessions: url }));
  token = forge.issueToken(ada).token;
  reader = forge.issueReadToken(`${url}/demo/first-light.git`, new Date(Date.now() + 60_000)) ?? '';
});
afterAll(async () => {
  server.close();
  await forge.close();
  rmSync(directory, { recursive: true });
});

const basic = (password: string) => ({
  Authorization: `Basic ${Buffer.from(`oauth2:${password}`).toString('base64')}`,
});
const statusOf = async (path: string, headers: Record<string, string> = {}, body?: string): Promise<number> => {
  const response = await fetch(url + path, { headers, ...(body === undefined ? {} : { method: 'POST', body }) });
  await response.arrayBuffer();
  return response.status;
};

const api = '/api/v4/projects/demo%2Ffirst-light';
const page = '/demo/first-light';
const refs = '/demo/first-light.git/info/refs?service=git-upload-pack';
const batch = '/demo/first-light.git/info/lfs/objects/batch';
const download = JSON.stringify({ operation: 'download', objects: [] });

test('public projects require a valid credential', async () => {
  for (const [path, body] of [[api], [page], [refs], ['/'], ['/api/v4/version'], [batch, download]] as const) {
    expect(await statusOf(path, {}, body), path).toBe(401);
    for (const wrong of ['nonsense', '', token.slice(1)]) {
      expect(await statusOf(path, basic(wrong), body), path).toBe(401);
      expect(await statusOf(path, { 'Private-Token': wrong }, body), path).toBe(401);
      expect(await statusOf(path, { Authorization: `Bearer ${wrong}` }, body), path).toBe(401);
    }
    expect(await statusOf(path, { Authorization: 'Negotiate x' }, body), path).toBe(401);
  }
  const challenge = (await fetch(url + refs)).headers.get('www-authenticate');
  expect(challenge).toBe('Basic realm="forge"');
  const person = await fetch(url + page, { headers: { accept: 'text/html' } });
  expect([person.status, person.headers.get('www-authenticate')]).toEqual([401, null]);
});

test('accepts a user’s token in every header that GitLab accepts', async () => {
  for (const headers of [{ Authorization: `Bearer ${token}` }, { 'Private-Token': token }]) {
    expect(await statusOf(api, headers)).toBe(200);
    expect(await statusOf(page, headers)).toBe(200);
  }
  expect(await statusOf(refs, basic(token))).toBe(200);
  expect(await statusOf(batch, basic(token), download)).toBe(200);
});

test('a signed-in browser has the access of its user, and an anonymous visitor sees public projects', async () => {
  try {
    signedIn = { token };
    expect(await statusOf(api)).toBe(200);
    expect(await statusOf('/api/v4/user')).toBe(200);
    signedIn = { token: null };
    expect(await statusOf(api)).toBe(200);
    expect(await statusOf('/api/v4/user')).toBe(401);
    expect(await statusOf('/api/v4/projects/demo%2Fsecret')).toBe(404);
  } finally {
    signedIn = undefined;
  }
});

test('the service needs no token in requests for anonymous users', async () => {
  try {
    fromService = true;
    expect(await statusOf(api)).toBe(200);
    expect(await statusOf('/api/v4/user')).toBe(401);
    expect(await statusOf(api, { Authorization: 'Bearer x' })).toBe(401);
  } finally {
    fromService = false;
  }
});

test('the token of an anonymous session can read only one project', async () => {
  const clone = promisify(execFile);
  const env = { PATH: process.env['PATH'], HOME: directory, FORGE_TOKEN: reader, GIT_TERMINAL_PROMPT: '0' };
  const helper = 'credential.helper=!f() { echo username=oauth2; echo "password=$FORGE_TOKEN"; }; f';
  const target = join(directory, 'clone');
  await clone('git', ['-c', helper, 'clone', '--quiet', `${url}/demo/first-light.git`, target], { env });
  await expect(
    clone('git', ['-C', target, '-c', helper, 'push', '--quiet', 'origin', 'HEAD:refs/heads/x'], { env }),
  ).rejects.toThrow(/This token can read one project only/);
  const object = `/demo/first-light.git/info/lfs/objects/${createHash('sha256').digest('hex')}`;
  expect(await statusOf(batch, basic(reader), download)).toBe(200);
  expect(await statusOf(batch, basic(reader), JSON.stringify({ operation: 'upload', objects: [] }))).toBe(401);
  // The request reaches the forge, which does not have the object.
  expect(await statusOf(object, basic(reader))).toBe(404);
  for (const path of [
    api,
    page,
    '/api/v4/projects',
    refs.replace('first-light', 'second'),
    refs.replace('first-light', 'secret'),
    refs.replace('upload', 'receive'),
    refs.replace('/demo', '/demo/..//demo'),
    `${refs}&service=git-receive-pack`,
    '/demo/first-light.git/HEAD',
  ]) {
    for (const headers of [basic(reader), { Authorization: `Bearer ${reader}` }, { 'Private-Token': reader }]) {
      expect(await statusOf(path, headers), path).toBe(404);
    }
  }
  expect(forge.userOf(reader)).toBeUndefined();
  const later = new Date(Date.now() + 60_000);
  expect(forge.issueReadToken(`${url}/demo/secret.git`, later)).toBeUndefined();
  expect(forge.issueReadToken('https://gitlab.example.org/demo/first-light.git', later)).toBeUndefined();
  const old = forge.issueReadToken(`${url}/demo/first-light.git`, new Date(Date.now() - 1)) ?? '';
  expect(await statusOf(refs, basic(old))).toBe(401);
});
