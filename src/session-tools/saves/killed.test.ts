import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitFiles, makeRepository, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { cloneAndRestore, filesIn, folderGit, gitFilesIn, stateOf } from '../../../tests/support/saves/work-tree.ts';
import { scratchPrefix } from './scratch.ts';

/** Saves whose programs end at each step. */

const program = join(import.meta.dirname, '../../../tests/support/saves/save-program.ts');
let place: string;
let tree: string;
let url: string;
let bin: string;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'killed-'));
  [tree, url, bin] = [join(place, 'project'), join(place, 'remote.git'), join(place, 'bin')];
  mkdirSync(bin);
  // Counts the processes of git, some of which run at the same time, and ends one of them with SIGKILL, or the program that has started it.
  writeFileSync(
    join(bin, 'git'),
    `#!/bin/bash
n=1; until mkdir ${place}/steps/$n 2>/dev/null; do n=$((n + 1)); done
read -r step victim < ${place}/kill
if [ $n = "$step" ]; then [ "$victim" = program ] && kill -9 $PPID; kill -9 $$; fi
export PATH=${process.env['PATH']}
exec git "$@"
`,
    { mode: 0o755 },
  );
  await runGit(place, 'init', '--quiet', '--bare', '--initial-branch=main', url);
  await makeRepository(tree, { 'a.txt': 'a\n', 'b.txt': 'b\n' });
  await runGit(tree, 'remote', 'add', 'origin', url);
  await runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'main');
  await commitFiles(tree, { 'c.txt': 'c\n' }, 'not pushed');
  writeFileSync(join(tree, 'b.txt'), 'stashed\n');
  await runGit(tree, 'stash', '--quiet');
  writeFileSync(join(tree, 'a.txt'), 'edited\n');
  writeFileSync(join(tree, 'new.txt'), 'new\n');
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Runs a save, in which the process of git with this number is ended. Returns the result, and the number of processes. */
async function run(step: number, victim: 'git' | 'program'): Promise<{ output: string; processes: number }> {
  const steps = join(place, 'steps');
  rmSync(steps, { recursive: true, force: true });
  mkdirSync(steps);
  writeFileSync(join(place, 'kill'), `${step} ${victim}\n`);
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [program, tree, url, `${bin}:${process.env['PATH']}`], (_error, stdout) =>
      resolve(stdout),
    );
  });
  return { output, processes: readdirSync(steps).length };
}

describe('a save', () => {
  it('whose git or program is killed at any step leaves the repository as it is, and the next save succeeds', {
    timeout: 600_000,
  }, async () => {
    const before = await stateOf(tree);
    const gitBefore = gitFilesIn(tree);
    const { processes } = await run(0, 'git');
    expect(processes).toBeGreaterThan(10);
    for (const victim of ['git', 'program'] as const) {
      for (let step = 1; step <= processes; step++) {
        // Another content each time, because the same state is not saved again.
        writeFileSync(join(tree, 'new.txt'), `${victim} ${step}\n`);
        await run(step, victim);
        expect(gitFilesIn(tree), `${victim} ${step}`).toEqual(gitBefore);
        expect(filesIn(tree)).toEqual({ ...before.files, 'new.txt': `644 ${victim} ${step}\n` });
      }
    }
    await runGit(tree, 'fsck', '--strict');
    await runGit(url, 'fsck', '--strict');
    const last = await stateOf(tree);
    const result = JSON.parse((await run(0, 'git')).output);
    expect(result).toMatchObject({ location: 'remote', isVerified: true });
    expect(readdirSync(join(place, '.notebook-sessions')).filter((name) => name.startsWith(scratchPrefix))).toEqual([]);
    const copy = join(place, 'restored');
    expect(await cloneAndRestore(folderGit(), url, copy, result)).toEqual({ log: [], isComplete: true });
    expect(await stateOf(copy)).toEqual(last);
  });
});
