import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Git } from '../../src/session-tools/git-clone/git.ts';
import { contextOf, save as saveWork } from '../../src/session-tools/saves/save.ts';

import { scanRepository } from '../../src/session-tools/saves/scan.ts';
import { gitEnvironment } from '../../tests/support/local/forge/served-forge.ts';
import { folderGit, saveTools, settingsFor } from '../../tests/support/saves/work-tree.ts';
import type { Figure, Report, Size } from '../figure.ts';
import { inTurns, median } from '../rounds.ts';

const changedFiles = 1_000;
const fileBytes = 10_000;
const manyFiles = 100_000;
const filesInFolder = 500;

export const save: Figure = {
  name: 'save',
  about: 'saving the work of a session, and what would be lost, compared with git by hand',
  run: measure,
};

async function measure(report: Report, size: Size): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'notebook-sessions-bench-'));
  try {
    await measureSave(report, size, root);
    await measureScan(report, size, root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function measureSave(report: Report, { rounds, part }: Size, root: string): Promise<void> {
  const count = part(changedFiles);
  report.progress(`${rounds} rounds of ${count} changed files`);
  makeTree(join(root, 'save'), count, fileBytes);
  let round = 0;
  /** Returns the seconds of the action in a new copy, with other content in all files. */
  const timed = async (action: (tree: string, url: string) => Promise<void>) => {
    const place = join(root, `round-${round++}`);
    cpSync(join(root, 'save'), place, { recursive: true, preserveTimestamps: true });
    const [tree, url] = [join(place, 'project'), join(place, 'remote.git')];
    run(tree, 'remote', 'set-url', 'origin', url);
    writeFiles(tree, count, fileBytes);
    const begun = performance.now();
    await action(tree, url);
    const seconds = (performance.now() - begun) / 1000;
    rmSync(place, { recursive: true });
    return seconds;
  };
  const seconds = await inTurns(rounds, {
    ours: () =>
      timed(async (tree, url) => {
        const { result } = await saveWork(saveTools(folderGit()), settingsFor(tree, url));
        if (!result.isVerified) throw new Error('the save is not verified');
      }),
    byHand: () =>
      timed(async (tree) => {
        for (const args of [
          ['add', '--all'],
          ['commit', '--quiet', '--message', 'by hand'],
          ['push', '--quiet', 'origin', 'HEAD:refs/heads/by-hand'],
        ])
          run(tree, ...args);
      }),
  });
  report.row({
    what: `a verified save of ${count} changed files of 10 kB`,
    measured: median(seconds.ours),
    unit: 's',
    baseline: { is: 'git add, commit and push', measured: median(seconds.byHand) },
    target: { of: 'ratio', atMost: 1.5 },
  });
}

async function measureScan(report: Report, { rounds, part }: Size, root: string): Promise<void> {
  const count = part(manyFiles);
  report.progress(`${rounds} rounds with ${count} files`);
  const place = join(root, 'scan');
  makeTree(place, count, 10);
  const [tree, url] = [join(place, 'project'), join(place, 'remote.git')];
  const context = await contextOf(settingsFor(tree, url));
  let processes = 0;
  const counted: Git = (args, options) => {
    processes += 1;
    return folderGit()(args, options);
  };
  const timed = async (action: () => Promise<unknown> | unknown) => {
    const begun = performance.now();
    await action();
    return performance.now() - begun;
  };
  const ms = await inTurns(rounds, {
    ours: () => timed(() => scanRepository(counted, join(place, '.agent'), tree, context)),
    byHand: () => timed(() => run(tree, 'status', '--porcelain')),
  });
  report.row({
    what: `what would be lost, of ${count} files`,
    measured: median(ms.ours),
    unit: 'ms',
    baseline: { is: 'git status', measured: median(ms.byHand) },
    target: { of: 'ratio', atMost: 1.2 },
  });
  run(tree, 'commit', '--quiet', '--allow-empty', '--message', 'not pushed');
  writeFileSync(join(tree, '0', '0'), 'edited\n');
  processes = 0;
  await scanRepository(counted, join(place, '.agent'), tree, context);
  report.row({
    what: 'processes of git that find changed files and commits',
    measured: processes,
    unit: 'calls',
    target: { of: 'value', atMost: 6 },
  });
}

/** Creates a remote repository and a work tree, whose files are pushed. */
function makeTree(place: string, count: number, bytes: number): void {
  const [tree, url] = [join(place, 'project'), join(place, 'remote.git')];
  mkdirSync(tree, { recursive: true });
  run(place, 'init', '--quiet', '--bare', '--initial-branch=main', url);
  run(tree, 'init', '--quiet', '--initial-branch=main');
  run(tree, 'config', 'user.name', 'Ada');
  run(tree, 'config', 'user.email', 'ada@example.org');
  run(tree, 'remote', 'add', 'origin', url);
  writeFiles(tree, count, bytes);
  run(tree, 'add', '--all');
  run(tree, 'commit', '--quiet', '--message', 'all');
  run(tree, 'push', '--quiet', '--set-upstream', 'origin', 'main');
}

/** Writes text, which git compresses like source code. */
function writeFiles(tree: string, count: number, bytes: number): void {
  for (let number = 0; number < count; number++) {
    const folder = join(tree, String(Math.floor(number / filesInFolder)));
    if (number % filesInFolder === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, String(number)), randomBytes(bytes / 2).toString('hex'));
  }
}

const run = (directory: string, ...args: readonly string[]): void =>
  void execFileSync('git', args, { cwd: directory, env: gitEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
