import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  allContents,
  contentOf,
  makeTwoSides,
  noCounters,
  type TwoSides,
} from '../../../../tests/support/sync/two-sides.ts';
import { RemoteError } from './remote.ts';

/** Rounds of file sync between two real folders. Each round opens everything anew, as after a start of the agent. */

let sides: TwoSides;
beforeEach(() => {
  sides = makeTwoSides();
});
afterEach(() => sides.remove());

const write = (side: 'local' | 'remote', path: string, content: string) => {
  mkdirSync(join(sides[side], path, '..'), { recursive: true });
  writeFileSync(join(sides[side], path), content);
};
const both = () => {
  const [local, remote] = [contentOf(sides.local), contentOf(sides.remote)];
  expect(remote).toEqual(local);
  return local;
};

it.each(['local', 'remote'] as const)(
  '4.4.1 and 4.4.2: changes at the %s side appear at the other side',
  async (side) => {
    const deep = 'a/b/c/d/e/tief Öß 文.txt';
    write(side, deep, 'deep');
    write(side, 'with space.ipynb', '{}');
    write(side, 'empty.txt', '');
    mkdirSync(join(sides[side], 'empty folder'));
    await sides.round();
    expect(both()).toMatchObject({ [deep]: 'deep', 'with space.ipynb': '{}', 'empty.txt': '', 'empty folder/': '' });
    write(side, 'empty.txt', 'content');
    write(side, deep, 'edit');
    renameSync(join(sides[side], 'with space.ipynb'), join(sides[side], 'renamed.ipynb'));
    rmSync(join(sides[side], 'empty folder'), { recursive: true });
    await sides.round();
    expect(both()).toEqual({
      ...{ 'a/': '', 'a/b/': '', 'a/b/c/': '', 'a/b/c/d/': '', 'a/b/c/d/e/': '', [deep]: 'edit' },
      ...{ 'empty.txt': 'content', 'renamed.ipynb': '{}' },
    });
    rmSync(join(sides[side], 'renamed.ipynb'));
    await sides.round();
    expect(both()).not.toHaveProperty(['renamed.ipynb']);
    expect(sides.conflicts()).toEqual([]);
  },
);

it('4.4.3: a file that was changed on both sides exists in both versions on both sides', async () => {
  write('local', 'dir/report.txt', 'base');
  await sides.round();
  write('local', 'dir/report.txt', 'mine');
  write('remote', 'dir/report.txt', 'theirs');
  utimesSync(join(sides.remote, 'dir/report.txt'), 1_800_000_000, 1_800_000_000);
  await sides.round();
  const copy = 'dir/report (conflict remote 2027-01-15 08.00.00).txt';
  expect(both()).toEqual({ 'dir/': '', 'dir/report.txt': 'mine', [copy]: 'theirs' });
  expect(sides.conflicts()).toMatchObject([{ path: 'dir/report.txt', kind: 'both-changed', copy }]);
  expect((await sides.round()).counters).toEqual(noCounters);
});

it('the same change on both sides is no conflict and needs no upload', async () => {
  write('local', 'a.txt', 'base');
  await sides.round();
  write('local', 'a.txt', 'same');
  write('remote', 'a.txt', 'same');
  expect((await sides.round()).counters).toEqual(noCounters);
  expect(both()).toEqual({ 'a.txt': 'same' });
  expect(sides.conflicts()).toEqual([]);
});

it.each([
  ['local', 'remote', 'deleted-here'],
  ['remote', 'local', 'deleted-there'],
] as const)(
  '4.4.4: a file that the %s side deletes and the %s side changes stays, and is reported',
  async (deleted, changed, kind) => {
    write('local', 'a.txt', 'base');
    write('local', 'b.txt', 'other');
    await sides.round();
    rmSync(join(sides[deleted], 'a.txt'));
    write(changed, 'a.txt', 'edited');
    await sides.round();
    expect(both()).toEqual({ 'a.txt': 'edited', 'b.txt': 'other' });
    expect(sides.conflicts()).toMatchObject([{ path: 'a.txt', kind }]);
  },
);

it('4.4.4: a file that both sides delete is gone', async () => {
  write('local', 'a.txt', 'base');
  write('local', 'b.txt', 'other');
  await sides.round();
  rmSync(join(sides.local, 'a.txt'));
  rmSync(join(sides.remote, 'a.txt'));
  await sides.round();
  expect(both()).toEqual({ 'b.txt': 'other' });
});

it('4.4.5: changes of the same size and deletions without an agent are synchronized later', async () => {
  for (const name of ['1', '2', '3', '4', '5']) write('local', name, `content ${name}`);
  await sides.round();
  write('local', '1', 'CONTENT 1');
  write('remote', '2', 'CONTENT 2');
  rmSync(join(sides.local, '3'));
  rmSync(join(sides.remote, '4'));
  await sides.round();
  expect(both()).toEqual({ '1': 'CONTENT 1', '2': 'CONTENT 2', '5': 'content 5' });
});

it('4.4.6: links are neither followed nor replaced', async () => {
  const outside = join(sides.top, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  symlinkSync(outside, join(sides.local, 'link'));
  symlinkSync(join(outside, 'secret.txt'), join(sides.local, 'file'));
  symlinkSync(outside, join(sides.remote, 'there'));
  write('remote', 'link/a.txt', 'theirs');
  write('remote', 'file', 'theirs');
  write('local', 'there/b.txt', 'mine');
  const { skipped } = await sides.round();
  expect(readdirSync(outside)).toEqual(['secret.txt']);
  expect(contentOf(sides.remote)).toEqual({ 'link/': '', 'link/a.txt': 'theirs', file: 'theirs', there: 'special' });
  expect(contentOf(sides.local)).toEqual({ link: 'special', file: 'special', 'there/': '', 'there/b.txt': 'mine' });
  expect(skipped.map(({ path, side, reason }) => [path, side, reason]).toSorted()).toEqual([
    ['file', 'local', 'special'],
    ['link', 'local', 'special'],
    ['there', 'remote', 'special'],
  ]);
});

it('4.4.6: no path of the remote leads out of the folder', async () => {
  const paths = ['../x', '/etc/x', 'a/../../x', '..\\x', 'a\0b', '.', '', 'a//b', './a', `${'n'.repeat(300)}`, 'a/./b'];
  const { skipped } = await sides.round({
    wrap: (remote) => ({
      ...remote,
      async *list() {
        for (const path of paths)
          yield { path, kind: 'file', size: 3, modifiedAt: 1, hash: null, version: path } as const;
      },
      download: () => Promise.reject(new Error('The round downloads an invalid path.')),
    }),
  });
  expect(skipped).toHaveLength(paths.length);
  expect(skipped.every(({ reason }) => reason === 'name')).toBe(true);
  expect(readdirSync(sides.top).toSorted()).toEqual(['local', 'remote', 'volume']);
  expect(contentOf(sides.local)).toEqual({});
});

it('4.4.6: a folder that becomes a link during a transfer gets no file outside', async () => {
  const outside = join(sides.top, 'outside');
  mkdirSync(outside);
  write('remote', 'dir/a.txt', 'theirs');
  await sides.round({
    wrap: (remote) => ({
      ...remote,
      async download(entry, file, options) {
        await remote.download(entry, file, options);
        rmSync(join(sides.local, 'dir'), { recursive: true, force: true });
        rmSync(join(sides.local, 'dir'), { force: true });
        symlinkSync(outside, join(sides.local, 'dir'));
      },
    }),
  });
  expect(readdirSync(outside)).toEqual([]);
});

it('4.4.7: one change makes one transfer, and a round without changes writes nothing', async () => {
  write('local', 'a.txt', 'one');
  write('remote', 'b/c.txt', 'two');
  expect((await sides.round()).counters).toEqual({ ...noCounters, uploaded: 1, downloaded: 1, bytes: 6 });
  const times = () =>
    [sides.local, sides.remote].flatMap((side) =>
      readdirSync(side, { recursive: true, encoding: 'utf8' }).map((name) => [
        name,
        statSync(join(side, name)).ctimeMs,
      ]),
    );
  const before = times();
  for (let round = 0; round < 3; round += 1) expect((await sides.round()).counters).toEqual(noCounters);
  expect(times()).toEqual(before);
  write('local', 'a.txt', 'new');
  expect((await sides.round()).counters).toEqual({ ...noCounters, uploaded: 1, bytes: 3 });
  expect((await sides.round()).counters).toEqual(noCounters);
});

it('4.4.8: a remote that is suddenly empty suspends the folder until the owner confirms', async () => {
  for (const name of ['1', '2', '3']) write('local', name, name);
  await sides.round();
  renameSync(sides.remote, `${sides.remote}.away`);
  mkdirSync(sides.remote);
  write('local', 'new', 'new');
  expect((await sides.round()).suspended).toEqual({ side: 'remote', deletions: 3, known: 3, present: 0 });
  expect(contentOf(sides.local)).toEqual({ '1': '1', '2': '2', '3': '3', new: 'new' });
  expect(contentOf(sides.remote)).toEqual({});
  rmSync(sides.remote, { recursive: true });
  await expect(sides.round()).rejects.toMatchObject({ reason: 'not-found' });
  renameSync(`${sides.remote}.away`, sides.remote);
  expect((await sides.round()).suspended).toBeUndefined();
  expect(both()).toEqual({ '1': '1', '2': '2', '3': '3', new: 'new' });
  for (const name of ['1', '2', '3', 'new']) rmSync(join(sides.remote, name));
  expect((await sides.round({ confirmedDeletions: 4, confirmedSide: 'local' })).suspended).toMatchObject({
    side: 'remote',
  });
  expect((await sides.round({ confirmedDeletions: 4, confirmedSide: 'remote' })).counters.deletedLocally).toBe(4);
  expect(both()).toEqual({});
});

it.each(['unauthorized', 'unavailable'] as const)('4.4.8: nothing is deleted if the remote is %s', async (reason) => {
  for (const name of ['1', '2', '3']) write('local', name, name);
  await sides.round();
  const round = sides.round({
    wrap: (remote) => ({
      ...remote,
      async *list(signal) {
        for await (const entry of remote.list(signal)) {
          yield entry;
          throw new RemoteError(reason, 'No.');
        }
      },
    }),
  });
  await expect(round).rejects.toMatchObject({ reason });
  expect(both()).toEqual({ '1': '1', '2': '2', '3': '3' });
});

it.each(['local', 'remote'] as const)('too many files of the %s side end the round with what to do', async (side) => {
  for (const name of ['1', '2', '3']) write(side, name, name);
  const reason = {
    reason: 'too-many',
    message: expect.stringMatching(/more than 2 files.*Nothing was changed\. [IS]/),
  };
  await expect(sides.round({ maxEntries: 2 })).rejects.toMatchObject(reason);
  expect(contentOf(side === 'local' ? sides.remote : sides.local)).toEqual({});
  expect((await sides.round({ maxEntries: 3 })).counters).toMatchObject({ conflicts: 0, bytes: 3 });
});

it('replaced and deleted versions are in the backups of both sides until they expire', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) write('local', name, `old ${name}`);
  await sides.round();
  write('local', 'a', 'new a');
  write('remote', 'b', 'new b');
  rmSync(join(sides.local, 'c'));
  rmSync(join(sides.remote, 'd'));
  await sides.round();
  const backups = () => [join(sides.volume, 'sync/docs/backup'), join(sides.remote, '.notebook-sessions-sync/backup')];
  const kept = backups().map((path) => allContents(path).toSorted());
  expect(kept).toEqual([
    ['old b', 'old d'],
    ['old a', 'old c'],
  ]);
  await sides.round({ now: () => Date.now() + 3601 * 1000 });
  expect(backups().map((path) => readdirSync(path))).toEqual([[], []]);
  expect(both()).toEqual({ a: 'new a', b: 'new b', e: 'old e' });
});

it.each([
  ['local', 'remote'],
  ['remote', 'local'],
] as const)('a file of the %s side and a folder of the %s side at one path both stay', async (file, folder) => {
  write(file, 'x', 'file');
  write(folder, 'x/inner.txt', 'inner');
  await sides.round();
  const [copy = ''] = Object.keys(both()).filter((name) => name.startsWith(`x (conflict ${file} `));
  expect(both()).toEqual({ [copy]: 'file', 'x/': '', 'x/inner.txt': 'inner' });
  expect(sides.conflicts()).toMatchObject([{ path: 'x', kind: 'kind-changed', copy }]);
});

it.each(['local', 'remote'] as const)(
  'the %s side replaces a file by a folder and a folder by a file',
  async (side) => {
    write('local', 'x', 'file');
    write('local', 'y/inner.txt', 'inner');
    write('local', 'z', 'z');
    await sides.round();
    rmSync(join(sides[side], 'x'));
    rmSync(join(sides[side], 'y'), { recursive: true });
    write(side, 'x/inner.txt', 'new inner');
    write(side, 'y', 'new file');
    await sides.round();
    expect(both()).toEqual({ 'x/': '', 'x/inner.txt': 'new inner', y: 'new file', z: 'z' });
    expect(sides.conflicts()).toEqual([]);
  },
);

it('a rename at the local side needs no transfer', async () => {
  write('local', 'old/a.txt', 'content');
  await sides.round();
  mkdirSync(join(sides.local, 'new'));
  renameSync(join(sides.local, 'old/a.txt'), join(sides.local, 'new/b.txt'));
  expect((await sides.round()).counters).toEqual({ ...noCounters, renamed: 1 });
  expect(both()).toEqual({ 'new/': '', 'new/b.txt': 'content', 'old/': '' });
});

it('ignored files and repositories stay where they are, also in folders that the other side deletes', async () => {
  write('local', 'dir/.git/config', 'mine');
  write('local', 'dir/a.txt', 'a');
  write('remote', 'dir/.ipynb_checkpoints/a.txt', 'theirs');
  write('local', 'b.txt', 'b');
  const isIgnored = (path: string) => /\.git|\.ipynb/.test(path);
  await sides.round({ isIgnored });
  expect(contentOf(sides.remote)).not.toHaveProperty(['dir/.git/config']);
  expect(contentOf(sides.local)).not.toHaveProperty(['dir/.ipynb_checkpoints/a.txt']);
  rmSync(join(sides.remote, 'dir'), { recursive: true });
  await sides.round({ isIgnored });
  expect(contentOf(sides.local)).toEqual({ 'b.txt': 'b', 'dir/': '', 'dir/.git/': '', 'dir/.git/config': 'mine' });
  expect((await sides.round({ isIgnored })).counters).toEqual(noCounters);
});

it('a file that grows beyond the limit is reported and not deleted at the other side', async () => {
  write('local', 'a', '123');
  write('local', 'b', '1');
  await sides.round();
  write('local', 'a', '12345678');
  const { skipped } = await sides.round({ maxFileBytes: 5 });
  expect(skipped).toMatchObject([{ path: 'a', side: 'local', reason: 'too-large' }]);
  expect(contentOf(sides.remote)).toEqual({ a: '123', b: '1' });
});

it('a file that a program changes during the upload is uploaded when it is complete', async () => {
  write('local', 'a', 'first');
  let uploads = 0;
  await sides.round({
    wrap: (remote) => ({
      ...remote,
      async upload(...args) {
        const entry = await remote.upload(...args);
        uploads += 1;
        if (uploads === 1) write('local', 'a', 'second version');
        return entry;
      },
    }),
  });
  expect(both()).toEqual({ a: 'second version' });
  expect(uploads).toBe(2);
});

it('a version that another program writes at the remote during the upload is not lost', async () => {
  write('local', 'a', 'base');
  await sides.round();
  write('local', 'a', 'mine');
  let uploads = 0;
  await sides.round({
    wrap: (remote) => ({
      ...remote,
      async upload(...args) {
        uploads += 1;
        const entry = await remote.upload(...args);
        if (uploads === 1) write('remote', 'a', 'theirs');
        return entry;
      },
    }),
  });
  expect(Object.values(both()).toSorted()).toEqual(['mine', 'theirs']);
});

it('a remote that cannot move keeps replaced versions in the backup of the session', async () => {
  const wrap = (remote: import('./remote.ts').Remote): import('./remote.ts').Remote => ({
    ...remote,
    capabilities: { ...remote.capabilities, canMove: false },
    move: () => Promise.reject(new RemoteError('unsupported', 'The remote cannot move.')),
  });
  write('local', 'a', 'base');
  write('local', 'b', 'base b');
  await sides.round({ wrap });
  write('local', 'a', 'new');
  rmSync(join(sides.local, 'b'));
  await sides.round({ wrap });
  expect(both()).toEqual({ a: 'new' });
  expect(allContents(join(sides.volume, 'sync/docs/backup')).toSorted()).toEqual(['base', 'base b']);
  write('remote', 'a', 'theirs');
  write('local', 'a', 'mine!');
  await sides.round({ wrap });
  expect(Object.values(both()).toSorted()).toEqual(['mine!', 'theirs']);
});

it('a file that a new version replaces stays executable', async () => {
  write('local', 'run.sh', 'old');
  chmodSync(join(sides.local, 'run.sh'), 0o755);
  await sides.round();
  write('remote', 'run.sh', 'new');
  await sides.round();
  expect(both()).toEqual({ 'run.sh': 'new' });
  expect(statSync(join(sides.local, 'run.sh')).mode & 0o777).toBe(0o755);
});

it('transfers keep the bandwidth limit, and an aborted round ends at once', async () => {
  write('local', 'a', 'x'.repeat(600_000));
  const start = performance.now();
  await sides.round({ bytesPerSecond: 1_000_000 });
  expect(performance.now() - start).toBeGreaterThan(500);
  expect(contentOf(sides.remote)['a']).toHaveLength(600_000);
  write('local', 'b', 'x'.repeat(600_000));
  const stop = new AbortController();
  const round = sides.round({
    bytesPerSecond: 1024,
    signal: stop.signal,
    wrap: (remote) => ({
      ...remote,
      upload(file, path, expected, options) {
        return remote.upload(file, path, expected, { ...options, onProgress: () => stop.abort(new Error('aborted')) });
      },
    }),
  });
  await expect(round).rejects.toThrow('aborted');
  expect(contentOf(sides.remote)).not.toHaveProperty('b');
  await sides.round();
  expect(Object.keys(both())).toEqual(['a', 'b']);
  expect(readdirSync(join(sides.remote, '.notebook-sessions-sync/tmp'))).toEqual([]);
});

it('links that replace the folders of the agent lead no transfer out of the volume', async () => {
  write('remote', 'a.txt', 'a');
  await sides.round();
  const outside = join(sides.top, 'outside');
  mkdirSync(outside);
  rmSync(join(sides.volume, 'sync/docs/backup'), { recursive: true });
  symlinkSync(outside, join(sides.volume, 'sync/docs/backup'));
  write('remote', 'a.txt', 'new');
  await expect(sides.round()).rejects.toThrow('no folder');
  expect(readdirSync(outside)).toEqual([]);
  expect(contentOf(sides.local)).toEqual({ 'a.txt': 'a' });
});
