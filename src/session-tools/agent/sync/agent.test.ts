import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ada, runGit, type ServedForge, serveForge } from '../../../../tests/support/local/forge/served-forge.ts';
import {
  type AgentProcess,
  makeSessionTree,
  type SessionTree,
  startAgentProcess,
} from '../../../../tests/support/session-agent/agent-process.ts';
import type { components } from '../../../generated/agent-api.ts';
import { agentVariable } from '../../../session-contract/agent.ts';

/** File sync of the agent's program, through its API. */

type Schemas = components['schemas'];

let served: ServedForge;
let token: string;
let session: SessionTree;
let agent: AgentProcess;
let cloud: string;
let number = 0;

beforeAll(async () => {
  served = await serveForge();
  token = served.forge.issueToken(ada).token;
});
afterAll(() => served.close());
const start = () =>
  startAgentProcess(
    session,
    { [agentVariable.syncTypes]: 'local', [agentVariable.syncLocalFolders]: JSON.stringify([cloud]) },
    `uid-${number}`,
  );
beforeEach(async () => {
  number += 1;
  session = await makeSessionTree(served, token, `synced-${number}`);
  cloud = join(served.scratch, `cloud-${number}`);
  mkdirSync(cloud);
  agent = await start();
});
afterEach(() => agent.stop('SIGKILL'));

const body = () => ({
  path: 'docs',
  remote: { name: 'Mine', type: 'local', path: '', options: { folder: cloud } },
  intervalSeconds: 3600,
});
const put = () => agent.api<Schemas['SyncFolder']>('sync', 'PUT', '/v1/sync-folders/docs', body());
const status = async () => (await agent.api<Schemas['SyncFolder']>('sync', 'GET', '/v1/sync-folders/docs')).body.status;

async function round(request?: object): Promise<Schemas['SyncOperation']> {
  const started = await agent.api<Schemas['SyncOperation']>('sync', 'POST', '/v1/sync-folders/docs/sync', request);
  expect(started.status).toBe(202);
  let operation = started.body;
  while (operation.finishedAt === null) {
    const path = `/v1/sync-folders/docs/operations/${operation.id}?wait=20&version=${operation.version}`;
    operation = (await agent.api<Schemas['SyncOperation']>('sync', 'GET', path)).body;
  }
  return operation;
}

it('4.4.9: a folder is synchronized by the API, and the agent continues after kill -9', async () => {
  writeFileSync(join(cloud, 'a.txt'), 'theirs');
  expect(await put()).toMatchObject({ status: 201, body: { id: 'docs', path: 'docs', hasCredentials: false } });
  expect(await round()).toMatchObject({ state: 'succeeded', error: null });
  expect(readFileSync(join(session.tree, 'docs/a.txt'), 'utf8')).toBe('theirs');
  await agent.stop('SIGKILL');
  writeFileSync(join(session.tree, 'docs/a.txt'), 'mine!!');
  writeFileSync(join(cloud, 'b.txt'), 'new');
  agent = await start();
  expect(await round()).toMatchObject({ state: 'succeeded' });
  expect(readFileSync(join(cloud, 'a.txt'), 'utf8')).toBe('mine!!');
  expect(readFileSync(join(session.tree, 'docs/b.txt'), 'utf8')).toBe('new');
  expect(await status()).toMatchObject({ state: 'idle', counters: { downloaded: 2, uploaded: 1 } });
  const removed = await agent.api('sync', 'DELETE', '/v1/sync-folders/docs');
  expect([removed.status, existsSync(join(session.tree, 'docs/b.txt'))]).toEqual([204, true]);
  expect(await agent.api('sync', 'GET', '/v1/sync-folders')).toEqual({
    status: 200,
    body: { folders: [], unusable: [] },
  });
});

it('versions that were replaced are in the folders that the API names', async () => {
  writeFileSync(join(cloud, 'mine.txt'), 'old');
  writeFileSync(join(cloud, 'theirs.txt'), 'old');
  const { backups } = (await put()).body;
  await round();
  writeFileSync(join(session.tree, 'docs/mine.txt'), 'newer');
  writeFileSync(join(cloud, 'theirs.txt'), 'newer');
  await round();
  for (const [folder, name] of [
    [join(cloud, backups.remote), 'mine.txt'],
    [backups.session, 'theirs.txt'],
  ] as const) {
    const [time = ''] = readdirSync(folder);
    expect(readFileSync(join(folder, time, name), 'utf8')).toBe('old');
  }
  await agent.api('sync', 'DELETE', '/v1/sync-folders/docs');
  expect([existsSync(join(cloud, backups.remote)), existsSync(backups.session)]).toEqual([true, false]);
});

it('a tracked file that a round changes is a modified one for git, and no work; the index stays as it is', async () => {
  mkdirSync(join(session.tree, 'docs'));
  writeFileSync(join(session.tree, 'docs/tracked.txt'), 'old\n');
  await runGit(session.tree, 'add', 'docs');
  await runGit(session.tree, 'commit', '--quiet', '-m', 'A file');
  await runGit(session.tree, 'push', '--quiet', session.url.replace('://', `://oauth2:${token}@`), 'HEAD:main');
  await runGit(
    session.tree,
    'fetch',
    '--quiet',
    session.url.replace('://', `://oauth2:${token}@`),
    'main:refs/remotes/origin/main',
  );
  const index = await runGit(session.tree, 'ls-files', '--stage');
  await put();
  await round();
  writeFileSync(join(cloud, 'tracked.txt'), 'changed\n');
  await round();
  expect(readFileSync(join(session.tree, 'docs/tracked.txt'), 'utf8')).toBe('changed\n');
  expect(await agent.work()).toMatchObject({ isClean: true, files: { count: 0 } });
  expect(await runGit(session.tree, 'ls-files', '--stage')).toBe(index);
  expect(await runGit(session.tree, 'status', '--porcelain')).toContain('M docs/tracked.txt');
});

it('a conflict is listed and resolved by the API', async () => {
  writeFileSync(join(cloud, 'a.txt'), 'base');
  await put();
  await round();
  await agent.stop('SIGKILL');
  writeFileSync(join(cloud, 'a.txt'), 'theirs');
  writeFileSync(join(session.tree, 'docs/a.txt'), 'mine');
  agent = await start();
  await round();
  const [conflict] = (await status()).conflicts;
  expect(conflict).toMatchObject({ path: 'a.txt', kind: 'both-changed', mine: { size: 4 }, theirs: { size: 6 } });
  const path = `/v1/sync-folders/docs/conflicts/${conflict?.id}`;
  expect(await agent.api('sync', 'POST', path, { resolution: 'both' })).toMatchObject({ status: 422 });
  expect(await agent.api('sync', 'POST', path, { resolution: 'theirs' })).toMatchObject({
    status: 200,
    body: { status: { conflictCount: 0 } },
  });
  await round();
  for (const side of [cloud, join(session.tree, 'docs')]) {
    expect(readFileSync(join(side, 'a.txt'), 'utf8')).toBe('theirs');
    expect(existsSync(join(side, conflict?.copy ?? ''))).toBe(false);
  }
});

it('what the remote has is no work, and the last save contains what the remote has not', async () => {
  await put();
  await round();
  writeFileSync(join(session.tree, 'docs/a.txt'), 'a');
  await round();
  expect(await agent.work()).toMatchObject({ isClean: true, files: { count: 0 } });
  writeFileSync(join(session.tree, 'docs/last.txt'), 'last');
  writeFileSync(join(session.tree, 'docs/pipe\\name'), 'a name that no remote can have');
  expect(await agent.stop()).toBe(0);
  expect(readFileSync(join(cloud, 'last.txt'), 'utf8')).toBe('last');
  const branches = await runGit(
    session.tree,
    'ls-remote',
    '--heads',
    session.url.replace('://', `://oauth2:${token}@`),
  );
  const branch = /refs\/heads\/(renku\/autosave\S+)/.exec(branches)?.[1] ?? '';
  await runGit(session.tree, 'fetch', '--quiet', session.url.replace('://', `://oauth2:${token}@`), branch);
  const files = await runGit(session.tree, 'ls-tree', '-r', '--name-only', 'FETCH_HEAD');
  expect(files).toContain('pipe');
  expect(files).not.toContain('last.txt');
});

it('what file sync skips is work: a name that is not UTF-8 is saved, and a large file in an ignored folder is named', async () => {
  await agent.api('sync', 'PUT', '/v1/sync-folders/docs', { ...body(), maxFileBytes: 1_500_000 });
  writeFileSync(join(session.tree, '.git/info/exclude'), 'data/\n');
  mkdirSync(join(session.tree, 'docs/data'), { recursive: true });
  writeFileSync(join(session.tree, 'docs/data/synced.bin'), 'x'.repeat(1_200_000));
  await round();
  expect(await agent.work()).toMatchObject({ isClean: true, files: { count: 0 }, notSavable: [] });
  writeFileSync(join(session.tree, 'docs/data/large.bin'), 'x'.repeat(2_000_000));
  writeFileSync(Buffer.from(join(session.tree, 'docs/b\xff.txt'), 'latin1'), 'b');
  await round();
  expect(await agent.work()).toMatchObject({
    ...{ isClean: false, files: { count: 1 } },
    notSavable: [{ path: 'docs/data/', bytes: 2_000_000, reason: 'ignored' }],
  });
});

it.each([
  [{ path: '../x' }, 422, 'invalid'],
  [{ remote: { name: 'x', type: 'webdav', path: '', options: { url: 'https://a.example' } } }, 422, 'invalid'],
  [{ remote: { name: 'x', type: 'local', path: '', options: { folder: '/etc' } } }, 422, 'invalid'],
])('the settings %j are rejected with %i', async (changes, code, reason) => {
  const rejected = await agent.api('sync', 'PUT', '/v1/sync-folders/docs', { ...body(), ...changes });
  expect(rejected).toMatchObject({ status: code, body: { error: { reason } } });
});

it('an agent whose folder for file sync cannot be used still reports and saves the work', async () => {
  await agent.stop('SIGKILL');
  writeFileSync(join(session.volume, '.notebook-sessions/sync'), 'no folder');
  agent = await start();
  expect(await agent.api('sync', 'GET', '/v1/sync-folders')).toMatchObject({ status: 409 });
  writeFileSync(join(session.tree, 'a.txt'), 'edited');
  expect(await agent.work()).toMatchObject({ files: { count: 1 } });
  expect(await agent.save()).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
});

it('the API of file sync needs its own scope, and knows no other folders', async () => {
  expect(await agent.api('read', 'GET', '/v1/sync-folders')).toMatchObject({ status: 403 });
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/sync'],
    ['GET', '/operations/x'],
    ['POST', '/conflicts/x'],
  ] as const) {
    const given = path.startsWith('/conflicts') ? { resolution: 'mine' } : undefined;
    const found = await agent.api('sync', method, `/v1/sync-folders/other${path}`, given);
    expect(found, `${method} ${path}`).toMatchObject({ status: 404, body: { error: { reason: 'not-found' } } });
  }
});
