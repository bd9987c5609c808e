import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitFiles, makeRepository, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { memoryFolder } from '../../../tests/support/memory-folder.ts';
import { cloneAndRestore, filesIn, folderGit, gitFilesIn, stateOf } from '../../../tests/support/saves/work-tree.ts';
import { scratchPrefix } from './scratch.ts';

/** Saves whose programs end at each step. */

const program = join(import.meta.dirname, '../../../tests/support/saves/save-program.ts');
let place: string;
let tree: string;
let url: string;
let number = 0;

beforeAll(async () => {
  place = memoryFolder('killed-');
  [tree, url] = [join(place, 'project'), join(place, 'remote.git')];
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
  // A folder for each run: processes of git may outlive the program that has started them.
  const bin = join(place, `bin-${number++}`);
  const steps = join(bin, 'steps');
  mkdirSync(steps, { recursive: true });
  const victims = victim === 'program' ? '$PPID $$' : '$$';
  // Counts the processes of git, some of which run at the same time, and ends one of them or also the program.
  writeFileSync(
    join(bin, 'git'),
    `#!/bin/bash
n=1; until mkdir ${steps}/$n 2>/dev/null; do [ -d ${steps} ] || exit 1; n=$((n + 1)); done
[ $n = ${step} ] && kill -9 ${victims}
export PATH=${process.env['PATH']}
exec git "$@"
`,
    { mode: 0o755 },
  );
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
    const { log, isComplete } = await cloneAndRestore(folderGit(), url, copy, result);
    expect(isComplete).toBe(true);
    // A save that was pushed, and whose program was killed before it could remember the save, is kept.
    for (const line of log) {
      const [, branch = ''] =
        /^An earlier save, which had not been recovered, is in the branch (recovered\/\w+)\.$/.exec(line) ?? [];
      expect(branch, line).not.toBe('');
      await runGit(copy, 'branch', '--quiet', '-D', branch);
    }
    expect(await stateOf(copy)).toEqual(last);
  });
});
