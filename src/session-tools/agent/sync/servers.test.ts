import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installedRclone, type RcloneServer, startRcloneServer } from '../../../../tests/support/rclone/servers.ts';
import { allContents, contentOf, noCounters } from '../../../../tests/support/sync/two-sides.ts';
import { createRemotes } from './rclone/remotes.ts';
import type { Remote } from './remote.ts';
import { readFolderRequest } from './settings.ts';
import { type Sync, startSync } from './sync.ts';
import type { Remotes } from './sync-folder.ts';

/** Rounds with real servers: WebDAV, S3 and SFTP of rclone, through the agent's rclone. */

let top: string;
let server: RcloneServer;
let sync: Sync;
let remotes: Remotes;
let now = Date.now;
let elapsed = (): number => performance.now();
const lines: string[] = [];
const stop = new AbortController().signal;

const start = async () => {
  const folder = join(top, 'volume');
  const log = (line: string) => lines.push(line);
  const key = Buffer.alloc(32, 1);
  const settings = {
    ...{ rclone: await installedRclone(), install: undefined, allowedNetworks: ['127.0.0.1'] },
    policy: { types: ['webdav', 's3', 'sftp'], localFolders: [] },
  };
  const variables = { PATH: process.env['PATH'] };
  remotes = createRemotes({ settings, sessionKey: key, folder, variables, log });
  return startSync({
    directory: join(top, 'work'),
    folder,
    podUid: 'pod',
    key,
    remotes,
    now: () => now(),
    elapsed: () => elapsed(),
    log,
  });
};
const body = () => ({
  ...{ path: 'docs', remote: { ...server.remote, path: 'shared' }, credentials: server.credentials },
  intervalSeconds: 86_400,
});
const put = (changes: object = {}) => sync.put('docs', { ...body(), ...changes });
const settingsOf = () => readFolderRequest('docs', body()).settings;
const round = async (deletions?: number) => {
  let operation = sync.start('docs', deletions);
  while (operation.finishedAt === null)
    operation = await sync.wait('docs', operation.id, { version: operation.version, waitMs: 30_000, stop });
  return operation;
};
const mine = () => join(top, 'work/docs');
const theirs = () => join(server.folder, 'shared');
const write = (side: string, path: string, content: string) => {
  mkdirSync(join(side, path, '..'), { recursive: true });
  writeFileSync(join(side, path), content);
};
/** Calls `use` with another client of the server, which knows what is in its memory. */
async function asOther(use: (remote: Remote) => Promise<unknown>): Promise<void> {
  const remote = await remotes.open(settingsOf(), stop);
  try {
    await use(remote);
  } finally {
    await remote.close();
  }
}
const writeThere = (path: string, content: string) =>
  asOther(async (remote) => {
    const file = join(top, 'new file');
    writeFileSync(file, content);
    await remote.upload(file, path, (await remote.find(path, stop)) ?? null, { signal: stop, modifiedAt: Date.now() });
  });
const removeThere = (path: string) =>
  asOther(async (remote) => {
    const entry = await remote.find(path, stop);
    if (entry) await remote.remove(entry, stop);
  });
/** Returns the files of both sides, which are equal. */
const both = () => {
  const [here, there] = [mine(), theirs()].map((side) =>
    Object.fromEntries(Object.entries(contentOf(side)).filter(([name]) => !name.endsWith('/'))),
  );
  expect(there).toEqual(here);
  return here ?? {};
};

describe.each(['webdav', 's3', 'sftp'] as const)('with a server of the type %s', (type) => {
  beforeEach(async () => {
    now = Date.now;
    elapsed = () => performance.now();
    top = mkdtempSync(join(tmpdir(), 'sync-servers-'));
    mkdirSync(join(top, 'work'));
    server = await startRcloneServer(type, '1h');
    sync = await start();
    await put();
    expect((await round()).error).toBeNull();
  });
  afterEach(async () => {
    await sync.end();
    await server[Symbol.asyncDispose]();
    rmSync(top, { recursive: true, force: true });
  });

  it('4.4.1 to 4.4.5 and 4.4.7: changes of both sides, conflicts and deletions end in the same files', async () => {
    const deep = 'a/b/c/d/e/tief Öß 文.txt';
    write(mine(), deep, 'deep');
    write(mine(), 'empty.txt', '');
    await writeThere('with space.ipynb', '{}');
    await writeThere('x/y.txt', 'y');
    expect((await round()).error).toBeNull();
    expect(both()).toEqual({ [deep]: 'deep', 'empty.txt': '', 'with space.ipynb': '{}', 'x/y.txt': 'y' });
    expect((await round()).result?.counters).toEqual(noCounters);

    await sync.whilePaused(async () => {
      write(mine(), deep, 'DEEP');
      write(mine(), 'empty.txt', 'content');
      await writeThere('with space.ipynb', '{"theirs": true}');
      renameSync(join(mine(), 'x/y.txt'), join(mine(), 'x/z.txt'));
      await writeThere('new.txt', 'new');
    });
    expect((await round()).error).toBeNull();
    const expected = {
      [deep]: 'DEEP',
      'empty.txt': 'content',
      'new.txt': 'new',
      'with space.ipynb': '{"theirs": true}',
    };
    expect(both()).toEqual({ ...expected, 'x/z.txt': 'y' });

    await sync.whilePaused(async () => {
      write(mine(), 'new.txt', 'my version');
      await writeThere('new.txt', 'their other version');
      rmSync(join(mine(), 'empty.txt'));
      await writeThere('empty.txt', 'edit of a deleted file');
      await removeThere('x/z.txt');
    });
    expect((await round()).error).toBeNull();
    const { conflicts } = (await sync.get('docs')).status;
    expect(conflicts.map(({ path, kind }) => [path, kind]).toSorted()).toEqual([
      ['empty.txt', 'deleted-here'],
      ['new.txt', 'both-changed'],
    ]);
    const copy = conflicts.find((each) => each.copy !== null)?.copy ?? '';
    expect(both()).toEqual({
      ...{ [deep]: 'DEEP', 'with space.ipynb': '{"theirs": true}', 'empty.txt': 'edit of a deleted file' },
      ...{ 'new.txt': 'my version', [copy]: 'their other version' },
    });
    const backups = [join(top, 'volume/sync/docs/backup'), join(theirs(), '.notebook-sessions-sync/backup')];
    const kept = backups.flatMap(allContents);
    for (const old of ['deep', '{}', 'their other version', 'y']) expect(kept).toContain(old);
    expect((await round()).result?.counters).toEqual(noCounters);
  });

  it('removes backups of the remote after their time', async () => {
    write(mine(), 'a/b.txt', 'old');
    expect((await round()).error).toBeNull();
    write(mine(), 'a/b.txt', 'newer');
    expect((await round()).error).toBeNull();
    expect(allContents(join(theirs(), '.notebook-sessions-sync'))).toEqual(['old']);
    now = () => Date.now() + 31 * 86_400_000;
    await sync.end();
    sync = await start();
    expect((await round()).error).toBeNull();
    expect(allContents(join(theirs(), '.notebook-sessions-sync'))).toEqual(['old']);
    // The clock has run evenly for some time.
    now = () => Date.now() + 31 * 86_400_000 + 11 * 60_000;
    elapsed = () => performance.now() + 11 * 60_000;
    expect((await round()).error).toBeNull();
    const kept = readdirSync(theirs(), { recursive: true }).filter((path) => String(path).endsWith('b.txt'));
    expect(kept).toEqual(['a/b.txt']);
    expect(both()).toEqual({ 'a/b.txt': 'newer' });
  });

  it('4.4.8 and 4.4.10: an empty remote, one that ends, and wrong credentials delete nothing and say why', async () => {
    for (const name of ['1', '2', '3']) await writeThere(name, name);
    expect((await round()).error).toBeNull();
    for (const name of ['1', '2', '3']) await removeThere(name);
    expect((await round()).error).toMatchObject({ reason: expect.stringMatching(/^(suspended|not-found)$/) });
    await server.stop();
    expect((await round()).error).toMatchObject({ reason: 'unavailable' });
    await server.start();
    const wrong = Object.fromEntries(Object.keys(server.credentials).map((name) => [name, 'a-wrong-secret']));
    await put({ credentials: wrong });
    expect((await round()).error).toMatchObject({ reason: 'unauthorized' });
    expect(contentOf(mine())).toEqual({ '1': '1', '2': '2', '3': '3' });
    const secrets = [...Object.values(server.credentials), 'a-wrong-secret'];
    const shown = [JSON.stringify(await sync.list()), ...lines, ...allContents(join(top, 'volume'))].join('\n');
    for (const secret of secrets) expect(shown).not.toContain(secret);
    await put();
    for (const name of ['1', '2', '3']) await writeThere(name, name);
    expect((await round()).error).toBeNull();
    expect(both()).toEqual({ '1': '1', '2': '2', '3': '3' });
    const stored = join(top, 'volume/sync-credentials');
    expect(readdirSync(stored)).toEqual(['docs']);
    await sync.remove('docs');
    expect(readdirSync(stored)).toEqual([]);
  });
});
