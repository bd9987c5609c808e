import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnBound } from '../../../../tests/support/bound-process.ts';
import { makeTwoSides, type TwoSides } from '../../../../tests/support/sync/two-sides.ts';

/** Large files: the agent needs little memory, and no side shows a part of a file. */

const bytes = Number(process.env['SYNC_LARGE_BYTES'] ?? 512 * 1024 ** 2);
const maxMemoryBytes = 200 * 1024 ** 2;

/** Starts a program that runs rounds until it is killed. */
async function startRounds({ top }: TwoSides) {
  const program = spawnBound(
    process.execPath,
    [join(import.meta.dirname, '../../../../tests/support/sync/rounds.ts'), top],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  if (program.stdout) await once(program.stdout, 'data');
  return {
    /** The most memory that the program has had. */
    memory: () =>
      Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1] ?? Number.NaN) * 1024,
    async kill() {
      const ended = once(program, 'exit');
      program.kill('SIGKILL');
      await ended;
    },
  };
}

const temporaryFiles = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

it.each([
  ['uploaded', 'local', 'remote'],
  ['downloaded', 'remote', 'local'],
] as const)(
  '4.4.9: a large file that is %s needs little memory, and a transfer that was killed starts again',
  async (_, from, to) => {
    const sides = makeTwoSides();
    try {
      mkdirSync(join(sides[from], 'd'));
      const source = join(sides[from], 'd/large');
      writeFileSync(source, 'begin');
      truncateSync(source, bytes);
      const target = join(sides[to], 'd/large');
      const transfers =
        to === 'remote' ? join(sides.remote, '.notebook-sessions-sync/tmp') : join(sides.volume, 'sync/docs/staging');
      const killed = await startRounds(sides);
      await expect.poll(() => temporaryFiles(transfers), { interval: 5 }).not.toEqual([]);
      await killed.kill();
      expect(sizeOf(target)).toBeUndefined();

      const rounds = await startRounds(sides);
      await expect.poll(() => sizeOf(target), { interval: 20 }).toBe(bytes);
      // The rest of the killed transfer is removed.
      await expect.poll(() => temporaryFiles(transfers)).toEqual([]);
      expect(rounds.memory()).toBeLessThan(maxMemoryBytes);
      await rounds.kill();
      expect(sizeOf(target)).toBe(bytes);
    } finally {
      sides.remove();
    }
  },
);
