import { appendFileSync, existsSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchSteps } from '../../../../tests/support/sync/steps.ts';
import {
  allContents,
  contentOf,
  makeTwoSides,
  noCounters,
  type TwoSides,
} from '../../../../tests/support/sync/two-sides.ts';
import { type Remote, type RemoteEntry, RemoteError } from './remote.ts';

/** What rounds keep: backups of several sessions, files that change all the time, and files of remotes that show less of their changes. */

let sides: TwoSides;
beforeEach(() => {
  sides = makeTwoSides();
});
afterEach(() => sides.remove());

const write = (side: 'local' | 'remote', path: string, content: string) =>
  writeFileSync(join(sides[side], path), content);
const both = () => {
  const [local, remote] = [contentOf(sides.local), contentOf(sides.remote)];
  expect(remote).toEqual(local);
  return local;
};
const backups = () => ({
  here: join(sides.volume, 'sync/docs/backup'),
  there: join(sides.remote, '.notebook-sessions-sync/backup'),
});
const later = (seconds: number) => () => Date.now() + seconds * 1000;
const day = 86_400;

it('a session deletes no backup at the remote that another session keeps for a longer time', async () => {
  write('local', 'a', 'old');
  await sides.round();
  write('local', 'a', 'new');
  await sides.round({ backupSeconds: 30 * day });
  await sides.round({ backupSeconds: day, now: later(2 * day) });
  expect(allContents(backups().there)).toEqual(['old']);
  await sides.round({ backupSeconds: day, now: later(31 * day), mayExpire: false });
  expect(allContents(backups().there)).toEqual(['old']);
  await sides.round({ backupSeconds: day, now: later(31 * day) });
  expect(readdirSync(backups().there)).toEqual([]);
});

it('a backup that was made while the clock was set back does not expire early', async () => {
  write('remote', 'a', 'one');
  await sides.round();
  write('remote', 'a', 'two!');
  await sides.round();
  write('remote', 'a', 'three');
  await sides.round({ now: () => 0 });
  await sides.round();
  expect(allContents(backups().here).toSorted()).toEqual(['one', 'two!']);
  await sides.round({ now: later(3601) });
  expect(readdirSync(backups().here)).toEqual([]);
});

/** Returns a remote during whose uploads a program changes the file `log`. */
const whileWriting = (change: () => void) => (remote: Remote) => ({
  ...remote,
  async upload(...args: Parameters<Remote['upload']>) {
    const entry = await remote.upload(...args);
    change();
    return entry;
  },
});

it('a file to which a program appends all the time is uploaded in each round as it is at one moment', async () => {
  write('local', 'log', 'line 0\n');
  await sides.round();
  let lines = 0;
  const append = () => {
    lines += 1;
    appendFileSync(join(sides.local, 'log'), `line ${lines}\n`);
  };
  append();
  const { skipped } = await sides.round({ wrap: whileWriting(append) });
  expect(skipped).toEqual([]);
  const [mine = '', theirs = ''] = [contentOf(sides.local)['log'], contentOf(sides.remote)['log']];
  expect(theirs.length).toBeGreaterThan('line 0\nline 1\n'.length);
  expect(mine.length).toBeGreaterThan(theirs.length);
  expect(mine.startsWith(theirs)).toBe(true);
  await sides.round();
  expect(both()).toEqual({ log: mine });
  expect(sides.conflicts()).toEqual([]);
});

it('a file that a program writes anew all the time is reported as changing, and uploaded when it is complete', async () => {
  write('local', 'log', 'first');
  await sides.round();
  let versions = 0;
  const rewrite = () => {
    versions += 1;
    write('local', 'log', `${versions} version`);
  };
  rewrite();
  // Before each look at its content.
  const restore = watchSteps((name) => {
    if (name === 'open') rewrite();
  });
  const { skipped } = await sides.round().finally(restore);
  expect(skipped).toMatchObject([{ path: 'log', reason: 'changing' }]);
  expect(contentOf(sides.remote)).toEqual({ log: 'first' });
  await sides.round();
  expect(both()).toEqual({ log: `${versions} version` });
});

/** Returns a remote whose entries have no versions, and whose times are whole seconds. */
function withoutVersions(remote: Remote): Remote {
  const plain = (entry: RemoteEntry): RemoteEntry => ({
    ...entry,
    version: null,
    modifiedAt: entry.modifiedAt === null ? null : Math.floor(entry.modifiedAt / 1000) * 1000,
  });
  const real = async ({ path }: RemoteEntry, signal: AbortSignal): Promise<RemoteEntry> => {
    const found = await remote.find(path, signal);
    if (found) return found;
    throw new RemoteError('changed', 'The file does not exist.');
  };
  return {
    ...remote,
    async *list(signal) {
      for await (const entry of remote.list(signal)) yield plain(entry);
    },
    download: async (entry, file, options) => remote.download(await real(entry, options.signal), file, options),
    move: async (entry, to, signal) => plain(await remote.move(await real(entry, signal), to, signal)),
    upload: async (...args) => plain(await remote.upload(...args)),
  };
}

it('a file that was written a moment ago is downloaded when a later change has another time', async () => {
  let listed = 0;
  const waits: number[] = [];
  const wrap = (remote: Remote) => ({
    ...withoutVersions(remote),
    async *list(signal: AbortSignal) {
      yield* withoutVersions(remote).list(signal);
      listed = performance.now();
    },
    download: async (...args: Parameters<Remote['download']>) => {
      waits.push(performance.now() - listed);
      // A change that neither the size nor the time shows.
      write('remote', 'a', 'two');
      await withoutVersions(remote).download(...args);
    },
  });
  write('remote', 'a', 'one');
  await sides.round({ wrap });
  expect(waits).toHaveLength(1);
  expect(waits[0]).toBeGreaterThan(1_000);
  expect(both()).toEqual({ a: 'two' });
});

it('a version that another client writes right before its file is moved to the backup is not lost', async () => {
  write('local', 'a', 'base');
  await sides.round();
  write('local', 'a', 'mine');
  let moves = 0;
  await sides.round({
    wrap: (remote) => ({
      ...remote,
      async move(entry, to, signal) {
        moves += 1;
        if (moves > 1) return remote.move(entry, to, signal);
        // The remote moves what is at the path, as a server without conditional requests.
        write('remote', 'a', 'their version');
        return remote.move((await remote.find('a', signal)) ?? entry, to, signal);
      },
    }),
  });
  expect(Object.values(both()).toSorted()).toEqual(['mine', 'their version']);
  expect(sides.conflicts()).toMatchObject([{ path: 'a', kind: 'both-changed' }]);
});

/** The agent ends after its first move at the remote. */
const endAfterMove = (remote: Remote): Remote => {
  let hasEnded = false;
  const end = () => {
    if (hasEnded) throw new RemoteError('unavailable', 'The agent has ended.');
  };
  return {
    ...remote,
    async move(...args) {
      end();
      await remote.move(...args);
      hasEnded = true;
      throw new RemoteError('unavailable', 'The agent has ended.');
    },
    async remove(...args) {
      end();
      await remote.remove(...args);
    },
  };
};

it.each([
  ['an upload', () => write('local', 'a', 'edit'), () => write('local', 'a', 'base')],
  ['a deletion', () => rmSync(join(sides.local, 'a')), () => write('local', 'a', 'base')],
  [
    'a rename',
    () => renameSync(join(sides.local, 'a'), join(sides.local, 'b')),
    () => renameSync(join(sides.local, 'b'), join(sides.local, 'a')),
  ],
] as const)(
  'a person who undoes a change after an agent that ended during %s keeps the file',
  async (_, change, undo) => {
    write('local', 'a', 'base');
    write('local', 'other', 'other');
    await sides.round();
    change();
    await expect(sides.round({ wrap: endAfterMove })).rejects.toThrow('has ended');
    expect(existsSync(join(sides.remote, 'a'))).toBe(false);
    undo();
    await sides.round();
    await sides.round();
    expect(both()).toMatchObject({ a: 'base', other: 'other' });
  },
);

it('a file that is written anew while its deletion reaches the remote stays', async () => {
  write('local', 'a', 'base');
  write('local', 'b', 'other');
  await sides.round();
  rmSync(join(sides.local, 'a'));
  await sides.round({
    wrap: (remote) => ({
      ...remote,
      async *list(signal) {
        yield* remote.list(signal);
        // After the scan, which does not wait for the last entry.
        await new Promise(setImmediate);
        write('local', 'a', 'base');
        utimesSync(join(sides.local, 'a'), 1, 1);
      },
    }),
  });
  expect(both()).toEqual({ a: 'base', b: 'other' });
});

it('a file that one listing of the remote leaves out is not deleted here', async () => {
  for (const name of ['a', 'b']) write('local', name, name);
  await sides.round();
  let listings = 0;
  const { counters } = await sides.round({
    wrap: (remote) => ({
      ...remote,
      async *list(signal) {
        listings += 1;
        for await (const entry of remote.list(signal)) if (entry.path !== 'a' || listings > 1) yield entry;
      },
    }),
  });
  expect(counters).toEqual(noCounters);
  expect(both()).toEqual({ a: 'a', b: 'b' });
});

it('a file that the remote does not show for some time returns, and its version here is in the backup until then', async () => {
  for (const name of ['a', 'b']) write('local', name, name);
  await sides.round();
  await sides.round({
    // As a WebDAV server whose listing has an error for one file.
    wrap: (remote) => ({
      ...remote,
      async *list(signal) {
        for await (const entry of remote.list(signal)) if (entry.path !== 'a') yield entry;
      },
      find: async (path, signal) => (path === 'a' ? undefined : remote.find(path, signal)),
    }),
  });
  expect(contentOf(sides.local)).toEqual({ b: 'b' });
  expect(allContents(backups().here)).toEqual(['a']);
  await sides.round();
  expect(both()).toEqual({ a: 'a', b: 'b' });
});
