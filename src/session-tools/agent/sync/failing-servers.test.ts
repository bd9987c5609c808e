import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spawnBound } from '../../../../tests/support/bound-process.ts';
import { startTransport } from '../../../../tests/support/rclone/remotes.ts';
import { type RcloneServer, startRcloneServer } from '../../../../tests/support/rclone/servers.ts';
import { BusyPerson } from '../../../../tests/support/sync/busy-person.ts';
import { type Change, changes } from '../../../../tests/support/sync/person.ts';
import {
  allContents,
  contentOf,
  makeTwoSidesInMemory,
  noCounters,
  type TwoSides,
} from '../../../../tests/support/sync/two-sides.ts';
import { hasCode } from '../../../lib/error-code.ts';
import type { Remote } from './remote.ts';

/**
 * An agent with real servers is killed again and again while a person changes local files; before each kill, rclone or the server is
 * killed, too. The remote is changed by another client between the rounds: servers have no conditional writes, so a file that another
 * program creates during a move can be replaced (ARCHITECTURE.md). `SYNC_KILLS` is the number of kills, and `SYNC_SEED` the seed of the changes.
 */

interface Cycle {
  readonly during: readonly Change[];
  readonly between: readonly Change[];
  /** The numbers of the changes before which the server and rclone are killed. */
  readonly server: number;
  readonly rclone: number;
}
/** Without folders at the paths of files: some servers cannot have them. */
const change = changes.filter(({ path, to }) => path !== 'd' && to !== 'd');
const cycles: fc.Arbitrary<Cycle> = fc.record({
  during: fc.array(change, { minLength: 10, maxLength: 14, size: 'max' }),
  between: fc.array(change, { minLength: 3, maxLength: 8 }),
  server: fc.nat(4),
  rclone: fc.integer({ min: 5, max: 9 }),
});

/** Starts the agent. It writes a line before each call of the remote and after each round. */
function startAgent({ top }: TwoSides, { remote, credentials }: RcloneServer) {
  const program = spawnBound(
    process.execPath,
    [
      join(import.meta.dirname, '../../../../tests/support/sync/server-rounds.ts'),
      top,
      JSON.stringify({ remote, credentials }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (!program.stdout) throw new Error('The agent has no output.');
  const lines = createInterface(program.stdout)[Symbol.asyncIterator]();
  const children = (): number[] =>
    readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  const killRclone = () => {
    for (const pid of children()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        // rclone has ended meanwhile.
        if (!hasCode(error, 'ESRCH')) throw error;
      }
    }
  };
  return {
    /** Returns when the agent has written a line. */
    async line(): Promise<void> {
      const { done } = await lines.next();
      if (done) throw new Error('The agent has ended.');
    },
    killRclone,
    async kill() {
      killRclone();
      const ended = once(program, 'exit');
      program.kill('SIGKILL');
      await ended;
    },
  };
}

async function runCycle(sides: TwoSides, server: RcloneServer, person: BusyPerson, cycle: Cycle) {
  const agent = startAgent(sides, server);
  await agent.line();
  for (const [index, each] of cycle.during.entries()) {
    if (index === cycle.rclone) agent.killRclone();
    if (index === cycle.server) await server.stop();
    person.do({ ...each, side: 'local' });
    await agent.line();
    if (index === cycle.server) await server.start();
  }
  await agent.kill();
  for (const each of cycle.between.filter(({ side }) => side === 'local')) person.do(each);
}

/** Changes files of the remote as another client. */
async function changeRemote(remote: Remote, { top }: TwoSides, person: BusyPerson, list: readonly Change[]) {
  const { signal } = new AbortController();
  const file = join(top, 'of another client');
  for (const { kind, path } of list) {
    const entry = (await remote.find(path, signal)) ?? null;
    if (entry) {
      await remote.download(entry, file, { signal });
      person.discard(readFileSync(file, 'utf8'));
      rmSync(file);
    }
    if (kind !== 'delete') {
      writeFileSync(file, person.version());
      await remote.upload(file, path, entry, { signal, modifiedAt: Date.now() });
      rmSync(file);
    } else if (entry) await remote.remove(entry, signal);
  }
}

const kills = Number(process.env['SYNC_KILLS'] ?? 1);
const filesOf = (folder: string) =>
  Object.fromEntries(Object.entries(contentOf(folder)).filter(([name]) => !name.endsWith('/')));

it.each(['webdav', 's3', 'sftp'] as const)(
  'with a server of the type %s, kills of the agent, rclone and the server lose no version, and both sides become equal',
  async (type) => {
    const sides = makeTwoSidesInMemory();
    const server = await startRcloneServer(type);
    const transport = await startTransport();
    try {
      const person = new BusyPerson({ ...sides, remote: server.folder, areSizesEqual: false });
      const all = fc.sample(cycles, {
        numRuns: kills,
        seed: Number(process.env['SYNC_SEED'] ?? 7),
      });
      for (const each of all) {
        await runCycle(sides, server, person, each);
        const client = await transport.open(server.remote, server.credentials);
        await changeRemote(
          client,
          sides,
          person,
          each.between.filter(({ side }) => side === 'remote'),
        );
        await client.close();
      }
      const round = () =>
        sides.round({ confirmedDeletions: 1000, open: () => transport.open(server.remote, server.credentials) });
      for (let count = 0; count < 3; count += 1) await round();
      expect(filesOf(server.folder)).toEqual(filesOf(sides.local));
      expect(person.written.length).toBeGreaterThan(all.length * 4);
      const found = [sides.local, join(sides.volume, 'sync/docs/backup'), server.folder].flatMap(allContents);
      expect(found).toEqual(expect.arrayContaining(person.expected()));
      expect((await round()).counters).toEqual(noCounters);
    } finally {
      await transport[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      sides.remove();
    }
  },
  kills * 120_000,
);
