import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { allContents, contentOf } from '../../../../tests/support/sync/two-sides.ts';
import { createLocalRemote } from './local-remote.ts';
import { RemoteError } from './remote.ts';
import { type Sync, startSync } from './sync.ts';
import type { Remotes } from './sync-folder.ts';

/** Synchronized folders of a session with real files: rounds that start by themselves, state, conflicts, restarts. */

let top: string;
let sync: Sync;
/** What the remotes do: connect, or throw. */
let open: Remotes['open'];
const credentials = new Map<string, Readonly<Record<string, string>>>();

const remotes: Remotes = {
  open: (folder, signal) => open(folder, signal),
  errorIn: (remote) => (remote.type === 'local' ? undefined : 'remote.type: must be local'),
  hasCredentials: async (id) => credentials.has(id),
  storeCredentials: async (id, each) => void credentials.set(id, each),
  removeCredentials: async (id) => void credentials.delete(id),
  end: async () => undefined,
};
const start = (key = Buffer.alloc(32, 1)) =>
  startSync({
    ...{ directory: join(top, 'work'), folder: join(top, 'volume'), podUid: 'pod', key, remotes },
    ...{ now: Date.now, log: () => undefined },
  });
const body = (changes: object = {}) => ({
  path: 'docs',
  remote: { name: 'Mine', type: 'local', path: '', options: { folder: join(top, 'cloud') } },
  intervalSeconds: 3600,
  ...changes,
});
const stop = new AbortController().signal;
/** Runs a round, and returns its operation. */
const round = async (deletions?: number) => {
  let operation = sync.start('docs', deletions);
  while (operation.finishedAt === null)
    operation = await sync.wait('docs', operation.id, { version: operation.version, waitMs: 30_000, stop });
  return operation;
};
const status = async () => (await sync.get('docs')).status;

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'sync-'));
  for (const name of ['work', 'cloud']) mkdirSync(join(top, name));
  credentials.clear();
  open = async () => createLocalRemote(join(top, 'cloud'));
  sync = await start();
});
afterEach(async () => {
  await sync.end();
  rmSync(top, { recursive: true, force: true });
});
const write = (path: string, content: string) => writeFileSync(join(top, path), content);

it('a new folder is created and synchronized at once, and is remembered', async () => {
  write('cloud/a.txt', 'a');
  expect(await sync.put('docs', body())).toBe(true);
  await expect.poll(() => contentOf(join(top, 'work'))).toEqual({ 'docs/': '', 'docs/a.txt': 'a' });
  await expect.poll(async () => (await status()).state).toBe('idle');
  await sync.end();
  sync = await start();
  expect((await sync.list()).folders).toMatchObject([
    { id: 'docs', path: 'docs', status: { counters: { downloaded: 1 }, lastSuccessAt: expect.any(String) } },
  ]);
  expect((await round()).result?.counters.downloaded).toBe(0);
});

it('4.4.1: a change of the session starts a round without waiting for the interval', async () => {
  await sync.put('docs', body());
  await round();
  mkdirSync(join(top, 'work/docs/new folder'));
  write('work/docs/new folder/a.txt', 'a');
  await expect.poll(() => contentOf(join(top, 'cloud'))).toEqual({ 'new folder/': '', 'new folder/a.txt': 'a' });
  await round();
  write('work/docs/new folder/a.txt', 'edited');
  await expect.poll(() => contentOf(join(top, 'cloud'))).toMatchObject({ 'new folder/a.txt': 'edited' });
});

it.each([
  ['mine', { 'a.txt': 'mine' }, 'theirs'],
  ['theirs', { 'a.txt': 'theirs' }, 'mine'],
] as const)(
  'a conflict is resolved by "%s" on both sides, and the other version is in a backup',
  async (resolution, expected, lost) => {
    write('cloud/a.txt', 'base');
    await sync.put('docs', body());
    await round();
    await sync.whilePaused(async () => {
      write('cloud/a.txt', 'theirs');
      write('work/docs/a.txt', 'mine');
    });
    await round();
    const { conflicts } = await status();
    expect(conflicts).toMatchObject([{ path: 'a.txt', kind: 'both-changed' }]);
    await sync.resolve('docs', conflicts[0]?.id ?? '', resolution);
    await round();
    expect(contentOf(join(top, 'cloud'))).toEqual(expected);
    expect(contentOf(join(top, 'work/docs'))).toEqual(expected);
    expect((await status()).conflicts).toEqual([]);
    expect(allContents(join(top, 'volume/sync/docs/backup'))).toContain(lost);
    await expect(sync.resolve('docs', conflicts[0]?.id ?? '', resolution)).rejects.toMatchObject({
      reason: 'not-found',
    });
  },
);

it('4.4.8: a suspended folder changes nothing until the owner confirms the number of deletions', async () => {
  for (const name of ['1', '2', '3']) write(`cloud/${name}`, name);
  await sync.put('docs', body());
  await round();
  for (const name of ['1', '2', '3']) rmSync(join(top, 'cloud', name));
  expect(await round()).toMatchObject({ state: 'failed', error: { reason: 'suspended' } });
  expect(await status()).toMatchObject({ state: 'suspended', suspension: { side: 'remote', deletions: 3, known: 3 } });
  await sync.end();
  sync = await start();
  expect(await round(2)).toMatchObject({ state: 'failed', error: { reason: 'suspended' } });
  expect(Object.keys(contentOf(join(top, 'work/docs')))).toEqual(['1', '2', '3']);
  expect(await round(3)).toMatchObject({ state: 'succeeded' });
  expect(await status()).toMatchObject({ state: 'idle', suspension: null });
  expect(contentOf(join(top, 'work/docs'))).toEqual({});
});

it('4.4.10: the state says that credentials are rejected, and a later round with valid ones succeeds', async () => {
  const connect = open;
  open = () => Promise.reject(new RemoteError('unauthorized', 'The server rejects the password.'));
  write('cloud/a.txt', 'a');
  await sync.put('docs', body({ credentials: { password: 'a secret' } }));
  expect(await round()).toMatchObject({ state: 'failed', error: { reason: 'unauthorized' } });
  const { error, state } = await status();
  expect(state).toBe('error');
  expect(error).toMatchObject({ message: 'The server rejects the password.', retryAt: expect.any(String) });
  open = connect;
  await sync.put('docs', body());
  expect(await round()).toMatchObject({ state: 'succeeded' });
  expect(JSON.stringify(await sync.list())).not.toContain('a secret');
  expect(allContents(join(top, 'volume')).join()).not.toContain('a secret');
});

it('a round does not run during a save, and continues afterwards', async () => {
  write('cloud/a.txt', 'a');
  const entered = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const connect = open;
  open = async (folder, signal) => {
    const remote = await connect(folder, signal);
    return {
      ...remote,
      async download() {
        entered.resolve();
        await new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }).finally(aborted.resolve);
      },
    };
  };
  await sync.put('docs', body());
  await entered.promise;
  const request = sync.start('docs', undefined);
  await sync.whilePaused(async () => {
    await aborted.promise;
    expect(await status()).toMatchObject({ state: 'idle', error: null });
    open = connect;
    await sync.put('docs', body({ intervalSeconds: 1800 }));
    expect(contentOf(join(top, 'work/docs'))).toEqual({});
  });
  await expect.poll(() => contentOf(join(top, 'work/docs'))).toEqual({ 'a.txt': 'a' });
  await expect(sync.wait('docs', request.id, { version: undefined, waitMs: 0, stop })).rejects.toMatchObject({
    reason: 'not-found',
  });
});

it('a cancelled round leaves what it has done, and ends as cancelled', async () => {
  const entered = Promise.withResolvers<void>();
  const connect = open;
  await sync.put('docs', body());
  await round();
  open = async (folder, signal) => ({
    ...(await connect(folder, signal)),
    async *list() {
      entered.resolve();
      yield await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  });
  const { id } = sync.start('docs', undefined);
  await entered.promise;
  sync.cancel('docs', id);
  const ended = await sync.wait('docs', id, { version: 1, waitMs: 30_000, stop });
  expect(ended).toMatchObject({ state: 'cancelled', error: null });
  open = connect;
  expect(await round()).toMatchObject({ state: 'succeeded' });
});

it.each([
  [{ path: '../x' }, 'path: '],
  [{ path: 'a/.git' }, 'path: '],
  [{ path: '/etc' }, 'path: '],
  [{ intervalSeconds: 1 }, 'intervalSeconds: '],
  [{ ignore: ['*a*b*c*d*e*'] }, 'ignore[0]: '],
  [{ remote: { name: 'x', type: 'webdav', path: '', options: {} } }, 'remote.type: '],
  [{ remote: { name: 'x', type: 'local', path: '..', options: {} } }, 'remote.path: '],
  [{ remote: { name: 'x', type: 'local', path: '', options: { a: 1 } } }, 'remote.options.a: '],
  [{ other: 1 }, 'other: '],
])('rejects the settings %j with the path of the member', async (changes, member) => {
  const put = sync.put('docs', body(changes));
  await expect(put).rejects.toMatchObject({ reason: 'invalid', message: expect.stringContaining(member) });
  expect(await sync.list()).toEqual({ folders: [], unusable: [] });
});

it('rejects a folder inside another one, and other options of a remote without credentials for it', async () => {
  await sync.put('docs', body({ credentials: { password: 'p' } }));
  await expect(sync.put('inner', body({ path: 'docs/inner' }))).rejects.toMatchObject({ reason: 'conflict' });
  const remote = { name: 'x', type: 'local', path: '', options: { folder: '/elsewhere' } };
  await expect(sync.put('docs', body({ remote }))).rejects.toMatchObject({
    message: expect.stringContaining('credentials: '),
  });
});

it('settings that a program of the session has changed are not used', async () => {
  await sync.put('docs', body());
  await round();
  await sync.end();
  const database = new DatabaseSync(join(top, 'volume/sync/docs/base.db'));
  database.exec(`UPDATE facts SET value = replace(value, '/cloud', '/evil') WHERE name = 'settings'`);
  database.close();
  sync = await start();
  const message = expect.stringContaining('has changed its settings');
  expect(await sync.list()).toEqual({ folders: [], unusable: [{ id: 'docs', message }] });
  await expect(sync.get('docs')).rejects.toMatchObject({ reason: 'conflict', message });
  expect(await sync.put('docs', body())).toBe(true);
  expect(await round()).toMatchObject({ state: 'succeeded' });
  expect((await sync.list()).unusable).toEqual([]);
});

it('a paused folder has no rounds and no files that are safe at the remote, until the owner continues', async () => {
  await sync.put('docs', body());
  await round();
  write('work/docs/a.txt', 'a');
  await round();
  await sync.put('docs', body({ paused: true }));
  write('work/docs/b.txt', 'b');
  expect(await sync.get('docs')).toMatchObject({ paused: true, status: { state: 'paused' } });
  expect(() => sync.start('docs', undefined)).toThrow('is paused');
  await sync.runRounds(60_000);
  expect(contentOf(join(top, 'cloud'))).toEqual({ 'a.txt': 'a' });
  expect(sync.syncedFiles()('docs/a.txt')).toBe(false);
  await sync.end();
  sync = await start();
  expect(await status()).toMatchObject({ state: 'paused' });
  await sync.put('docs', body());
  await expect.poll(() => contentOf(join(top, 'cloud'))).toEqual({ 'a.txt': 'a', 'b.txt': 'b' });
});

it('another remote folder is compared as a new one, which deletes nothing', async () => {
  write('cloud/a.txt', 'a');
  await sync.put('docs', body());
  await round();
  mkdirSync(join(top, 'other'));
  open = async () => createLocalRemote(join(top, 'other'));
  await sync.put(
    'docs',
    body({ remote: { name: 'x', type: 'local', path: '', options: { folder: join(top, 'other') } } }),
  );
  await round();
  expect(contentOf(join(top, 'other'))).toEqual({ 'a.txt': 'a' });
  expect(contentOf(join(top, 'work/docs'))).toEqual({ 'a.txt': 'a' });
});

it('a damaged state keeps the files of both sides', async () => {
  write('cloud/a.txt', 'a');
  await sync.put('docs', body());
  await round();
  await sync.end();
  const database = join(top, 'volume/sync/docs/base.db');
  const content = readFileSync(database);
  writeFileSync(database, content.fill(7, 100));
  write('work/docs/b.txt', 'b');
  sync = await start();
  await sync.put('docs', body());
  await round();
  const expected = { 'a.txt': 'a', 'b.txt': 'b' };
  expect([contentOf(join(top, 'cloud')), contentOf(join(top, 'work/docs'))]).toEqual([expected, expected]);
});

it('a local folder that disappears deletes nothing at the remote', async () => {
  write('cloud/a.txt', 'a');
  await sync.put('docs', body());
  await round();
  renameSync(join(top, 'work/docs'), join(top, 'work/moved'));
  expect(await round()).toMatchObject({ state: 'failed', error: { reason: 'local' } });
  expect(contentOf(join(top, 'cloud'))).toEqual({ 'a.txt': 'a' });
});

it('the files stay when the synchronization ends, and the agent forgets the folder and its credentials', async () => {
  write('cloud/a.txt', 'a');
  await sync.put('docs', body({ credentials: { password: 'p' } }));
  await round();
  await sync.remove('docs');
  expect(contentOf(join(top, 'work/docs'))).toEqual({ 'a.txt': 'a' });
  expect([credentials.size, readdirSync(join(top, 'volume/sync'))]).toEqual([0, []]);
  await expect(sync.get('docs')).rejects.toMatchObject({ reason: 'not-found' });
});

it('a file is safe at the remote after a round without an error, until the file changes', async () => {
  const isSafe = (path: string) => sync.syncedFiles()(path);
  await sync.put('docs', body({ maxFileBytes: 5 }));
  await round();
  write('work/docs/a.txt', 'a');
  write('work/docs/large.txt', 'larger');
  await sync.runRounds(60_000);
  expect(contentOf(join(top, 'cloud'))).toEqual({ 'a.txt': 'a' });
  expect(['docs/a.txt', 'docs/large.txt', 'docs2/a.txt', 'other.txt'].map(isSafe)).toEqual([true, false, false, false]);
  await sync.whilePaused(async () => {
    write('work/docs/a.txt', 'b');
    expect(isSafe('docs/a.txt')).toBe(false);
  });
  await sync.runRounds(60_000);
  expect(isSafe('docs/a.txt')).toBe(true);
  open = () => Promise.reject(new RemoteError('unavailable', 'The server does not respond.'));
  await sync.runRounds(60_000);
  expect(isSafe('docs/a.txt')).toBe(false);
});

it('a change that fails leaves no credentials of one server for another, and the folder says why', async () => {
  await sync.put('docs', { ...body(), credentials: { password: 'of the old server' } });
  await round();
  const storing = vi.spyOn(remotes, 'storeCredentials').mockRejectedValueOnce(new Error('the volume is full'));
  try {
    await expect(sync.put('docs', { ...body(), credentials: { password: 'of the new server' } })).rejects.toThrow();
  } finally {
    storing.mockRestore();
  }
  expect(credentials.has('docs')).toBe(false);
  await expect(sync.get('docs')).rejects.toThrow('the volume is full');
  await sync.put('docs', { ...body(), credentials: { password: 'of the new server' } });
  expect(await round()).toMatchObject({ state: 'succeeded' });
});
