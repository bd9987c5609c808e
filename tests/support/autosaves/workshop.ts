import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { autosaveBranch } from '../../../src/session-contract/autosave.ts';
import {
  commitFiles,
  gitEnvironment,
  makeRepository,
  runGit,
  type ServedForge,
  withToken,
} from '../local/forge/served-forge.ts';

/** A work tree of a project of the forge, which pushes autosaves as sessions do. */
export interface Workshop {
  /** Three consecutive commits; the last one is the tip of `main`. */
  readonly commits: readonly [string, string, string];
  /** The tip of the branch `side`, which starts at the first commit. */
  readonly side: string;
  /** Pushes an autosave of a session that was launched from `rootCommit`, and returns its branch. `savedAt` is an ISO date. */
  autosave(username: string, rootBranch: string, rootCommit: string, savedAt?: string): Promise<string>;
  push(commit: string, ...branches: string[]): Promise<void>;
  /** Returns a commit like that of a save of this project without files, on the commit `parent`. */
  emptySave(parent: string): Promise<string>;
  /** Returns the branches that start with `renku/`. */
  autosaves(): Promise<string[]>;
}

/** Pushes the first commits to the empty project at `path`. */
export async function openWorkshop(served: ServedForge, path: string, token: string): Promise<Workshop> {
  const tree = await makeRepository(join(served.scratch, path.replaceAll('/', '-')), { 'a.txt': '1\n' });
  const remote = withToken(`${served.url}/${path}.git`, token);
  const git = (...args: string[]) => runGit(tree, ...args);
  const first = await git('rev-parse', 'HEAD');
  const second = await commitFiles(tree, { 'a.txt': '2\n' }, 'second');
  const third = await commitFiles(tree, { 'a.txt': '3\n' }, 'third');
  await git('checkout', '--quiet', '-b', 'side', first);
  const side = await commitFiles(tree, { 'b.txt': 'side\n' }, 'on the side');
  await git('push', '--quiet', remote, 'main', 'side');

  const push = async (commit: string, ...branches: string[]) => {
    await git('push', '--quiet', '--force', remote, ...branches.map((branch) => `${commit}:refs/heads/${branch}`));
  };
  const savedWork = async (parent: string, date: string) => {
    const args = ['commit-tree', `${parent}^{tree}`, '-p', parent, '-m', 'saved'];
    const env = { ...gitEnvironment(), GIT_COMMITTER_DATE: date };
    return (await promisify(execFile)('git', args, { cwd: tree, env })).stdout.trim();
  };
  return {
    commits: [first, second, third],
    side,
    push,
    async emptySave(parent) {
      const details = await git('commit-tree', `${parent}^{tree}`, '-p', parent, '-m', 'details');
      return git('commit-tree', `${parent}^{tree}`, '-p', parent, '-p', details, '-m', 'saved');
    },
    async autosave(username, rootBranch, rootCommit, savedAt = '2025-01-02T00:00:00Z') {
      const name = autosaveBranch({ username, rootBranch, rootCommit, finalCommit: rootCommit });
      await push(await savedWork(rootCommit, savedAt), name);
      return name;
    },
    async autosaves() {
      const listed = await git('ls-remote', '--heads', remote, 'renku/*');
      return listed === '' ? [] : listed.split('\n').map((line) => line.replace(/^\S+\s+refs\/heads\//, ''));
    },
  };
}
