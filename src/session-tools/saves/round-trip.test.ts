import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitFiles, runGit } from '../../../tests/support/local/forge/served-forge.ts';
import { memoryFolder } from '../../../tests/support/memory-folder.ts';
import { randomWork, work } from '../../../tests/support/saves/random-work.ts';
import {
  cloneAndRestore,
  folderGit,
  gitFilesIn,
  saveTools,
  settingsFor,
  stateOf,
} from '../../../tests/support/saves/work-tree.ts';
import { save } from './save.ts';

/** Random states of a work tree, saved and restored. */

const runs = 200;
const parallel = 4;
let root: string;
let number = 0;

beforeAll(async () => {
  root = memoryFolder('round-trip-');
  mkdirSync(join(root, 'template'));
  await runGit(root, 'init', '--quiet', '--bare', '--initial-branch=main', 'template/remote.git');
  await runGit(root, 'clone', '--quiet', 'template/remote.git', 'template/project');
  const tree = join(root, 'template/project');
  const files = { 'a.txt': 'a\n', 'dir/b.txt': 'b\n', '.gitattributes': '*.crlf text\n', '.gitignore': '*.log\n' };
  await commitFiles(tree, files, 'first');
  await commitFiles(tree, { 'a.txt': 'a\nsecond\n' }, 'second');
  await runGit(tree, 'push', '--quiet', '--set-upstream', 'origin', 'HEAD:main');
  await runGit(tree, 'remote', 'set-head', 'origin', 'main');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function roundTrip(commands: readonly string[]): Promise<void> {
  const place = join(root, `run-${number++}`);
  cpSync(join(root, 'template'), place, { recursive: true, preserveTimestamps: true });
  const tree = join(place, 'project');
  const url = join(place, 'remote.git');
  const config = join(tree, '.git/config');
  // As "git remote set-url" does, without one more process.
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^\turl = .*$/m, `\turl = ${url}`));
  await work(tree, commands);
  const before = await stateOf(tree);
  const gitBefore = gitFilesIn(tree);
  const { result, failure } = await save(saveTools(folderGit()), settingsFor(tree, url));
  expect(failure).toBeNull();
  expect(result.isVerified).toBe(true);
  expect(await stateOf(tree)).toEqual(before);
  expect(gitFilesIn(tree)).toEqual(gitBefore);
  if (result.branch !== null && result.commit !== null) {
    const copy = join(place, 'restored');
    const { isComplete, log } = await cloneAndRestore(folderGit(), url, copy, {
      branch: result.branch,
      commit: result.commit,
    });
    expect(log).toEqual([]);
    expect(isComplete).toBe(true);
    // Ignored files are not saved.
    const isKept = ([path]: [string, string]) => !/\.log(?:$|\/)/.test(path);
    const restored = await stateOf(copy);
    const own = Object.fromEntries(Object.entries(before.files).filter(isKept));
    expect({ ...restored, files: asGitSees(restored.files) }).toEqual({ ...before, files: asGitSees(own) });
  }
  rmSync(place, { recursive: true, force: true });
}

/** Git ignores the other permissions of files without changes. */
const asGitSees = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      text.replace(/^[4-7]\d\d /, (mode) => (/[157]/.test(mode[0] ?? '') ? 'x ' : '- ')),
    ]),
  );

describe('a random state of a work tree', () => {
  it('is untouched by a save, and comes back byte by byte', { timeout: 900_000 }, async () => {
    const part = () =>
      fc.assert(fc.asyncProperty(randomWork, roundTrip), {
        numRuns: runs / parallel,
        interruptAfterTimeLimit: 800_000,
      });
    await Promise.all(Array.from({ length: parallel }, part));
  });
});
