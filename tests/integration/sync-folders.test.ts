import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SyncFolder, SyncOperation } from '../../src/generated/openapi.ts';
import { localUser } from '../../src/local/command-line.ts';
import { filesIn } from '../support/files-in.ts';
import {
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../support/local/forge/served-forge.ts';
import { commandLine, markedProcesses, type Platform, startPlatform } from '../support/platform.ts';
import { password, type RcloneServer, startRcloneServer } from '../support/rclone/servers.ts';
import { waitForState } from '../support/session.ts';
import { call, launchSession, volumeOf } from '../support/session-work.ts';
import { patience } from '../support/wait-for.ts';

/** A folder of a session on the local platform that is synchronized with a WebDAV server. */

const me = localUser();
let served: ServedForge;
let platform: Platform;
let server: RcloneServer;
let name: string;
let tree: string;

const start = (where: { stateDir?: string; port?: number } = {}) =>
  startPlatform({
    ...where,
    args: ['--no-demo', '--git-url', served.url],
    env: { GITLAB_TOKEN: served.forge.issueToken(me).token },
  });

beforeAll(async () => {
  [served, server] = await Promise.all([serveForge({ localUser: me }), startRcloneServer('webdav', '1s')]);
  const { token } = served.forge.issueToken(me);
  const source = await makeRepository(join(served.scratch, 'sync'), { 'a.txt': 'a\n' });
  await served.forge.createProject({
    namespace: 'team',
    path: 'sync',
    members: [{ username: me.username, accessLevel: 30 }],
  });
  await runGit(source, 'push', '--quiet', '--all', withToken(`${served.url}/team/sync.git`, token));
  platform = await start();
  const commit_sha = await runGit(source, 'rev-parse', 'main');
  ({ name } = await launchSession(platform, { namespace: 'team', project: 'sync', branch: 'main', commit_sha }));
  tree = join(volumeOf(platform, name), 'sync');
});
afterAll(async () => {
  await platform?.dispose();
  await server?.[Symbol.asyncDispose]();
  await served?.close();
});

const folders = (path = '') => `/servers/${name}/sync-folders${path}`;
const put = (changes: object = {}) =>
  call<SyncFolder>(platform, 'PUT', folders('/notes'), {
    ...{ path: 'notes', remote: server.remote, credentials: server.credentials, intervalSeconds: 5 },
    ...changes,
  });
const get = async () => (await call<SyncFolder>(platform, 'GET', folders('/notes'))).body;

/** Starts a round, and returns its operation when it has ended. */
async function round(): Promise<SyncOperation> {
  const { status, body } = await call<SyncOperation>(platform, 'POST', folders('/notes/sync'));
  expect(status, JSON.stringify(body)).toBe(202);
  let operation = body;
  const read = async () => {
    operation = (await call<SyncOperation>(platform, 'GET', folders(`/notes/operations/${body.id}`))).body;
    return operation.finishedAt;
  };
  await expect.poll(read, patience).not.toBeNull();
  return operation;
}

it('has the files of both sides on both sides, with the states and the rounds in the API', async () => {
  writeFileSync(join(server.folder, 'from the cloud.txt'), 'cloud');
  const created = await put();
  expect(created, JSON.stringify(created.body)).toMatchObject({ body: { id: 'notes', hasCredentials: true } });
  const inSession = (path: string) => join(tree, 'notes', path);
  await expect.poll(() => existsSync(inSession('from the cloud.txt')), patience).toBe(true);
  expect(readFileSync(inSession('from the cloud.txt'), 'utf8')).toBe('cloud');
  mkdirSync(inSession('deep/Öß'), { recursive: true });
  writeFileSync(inSession('deep/Öß/mine.ipynb'), '{}');
  expect(await round()).toMatchObject({ state: 'succeeded', error: null });
  expect(readFileSync(join(server.folder, 'deep/Öß/mine.ipynb'), 'utf8')).toBe('{}');
  writeFileSync(inSession('noticed.txt'), 'without a request');
  await expect.poll(() => existsSync(join(server.folder, 'noticed.txt')), patience).toBe(true);
  expect(await get()).toMatchObject({ status: { conflictCount: 0, error: null, lastSuccessAt: expect.any(String) } });
});

it('reports a conflict, which the owner resolves', async () => {
  // No round sees only one of the changes.
  await server.stop();
  writeFileSync(join(tree, 'notes/noticed.txt'), 'mine');
  writeFileSync(join(server.folder, 'noticed.txt'), 'theirs!');
  await server.start();
  expect(await round()).toMatchObject({ state: 'succeeded' });
  expect((await get()).status.conflictCount).toBe(1);
  const [conflict] = (await get()).status.conflicts;
  expect(conflict).toMatchObject({ path: 'noticed.txt', kind: 'both-changed' });
  const copy = conflict?.copy ?? '';
  expect(readFileSync(join(tree, 'notes', copy), 'utf8')).toBe('theirs!');
  const resolved = await call(platform, 'POST', folders(`/notes/conflicts/${conflict?.id}`), { resolution: 'theirs' });
  expect(resolved.status, JSON.stringify(resolved.body)).toBe(200);
  await expect.poll(() => readFileSync(join(server.folder, 'noticed.txt'), 'utf8'), patience).toBe('theirs!');
  await expect.poll(() => existsSync(join(server.folder, copy)), patience).toBe(false);
  expect((await get()).status.conflictCount).toBe(0);
});

it('4.4.10: keeps the credentials out of processes, logs, responses and readable files, and reports wrong ones', async () => {
  expect((await call(platform, 'GET', folders())).body).not.toContain(password);
  for (const pid of markedProcesses(platform.stateDir)) {
    const texts = [
      commandLine(pid) ?? '',
      existsSync(`/proc/${pid}/environ`) ? readFileSync(`/proc/${pid}/environ`, 'utf8') : '',
    ];
    for (const text of texts) expect(text).not.toContain(password);
  }
  const files = filesIn(platform.stateDir);
  expect(files.length).toBeGreaterThan(10);
  for (const { path, content } of files) expect(content.includes(password), path).toBe(false);
  expect(platform.output()).not.toContain(password);
  await put({ credentials: { password: 'a wrong password' } });
  await expect
    .poll(async () => (await get()).status.error, patience)
    .toMatchObject({ reason: 'unauthorized', retryAt: expect.anything() });
  expect((await get()).status.error?.message).not.toContain('a wrong password');
  await put();
  expect(await round()).toMatchObject({ state: 'succeeded' });
});

it.each([
  [
    { type: 'webdav', options: { url: 'http://127.0.0.1/', user: 'a', bearer_token_command: 'id' } },
    'bearer_token_command',
  ],
  [{ type: 'local', options: { folder: '/etc' } }, 'does not permit'],
  [{ type: 'alias', options: { remote: '/' } }, 'remote.type'],
])('rejects the remote %j', async (remote, reason) => {
  const { status, body } = await put({ path: 'other', remote: { ...server.remote, ...remote }, credentials: {} });
  expect({ status, text: JSON.stringify(body) }).toMatchObject({ status: 422, text: expect.stringContaining(reason) });
});

it('continues after a restart of the platform, without credentials from the owner', async () => {
  const { stateDir, port } = platform;
  await platform.stop();
  writeFileSync(join(server.folder, 'meanwhile.txt'), 'meanwhile');
  platform = await start({ stateDir, port });
  await waitForState(platform, name, ['running']);
  await expect.poll(() => existsSync(join(tree, 'notes/meanwhile.txt')), patience).toBe(true);
  expect(await get()).toMatchObject({ hasCredentials: true });
});
