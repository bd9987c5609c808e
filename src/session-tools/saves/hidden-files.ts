import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { statOf } from './changes.ts';
import { readIndexFile } from './index-file.ts';
import type { RepositoryPath } from './paths.ts';
import { output, records } from './run.ts';
import type { Scratch } from './scratch.ts';

/** Files that git is told not to look at. Their changes must not be lost. */
export interface Hidden {
  readonly assumeUnchanged: readonly RepositoryPath[];
  /** Without files that the work tree does not have. */
  readonly skipWorktree: readonly RepositoryPath[];
}

const nothing: Hidden = { assumeUnchanged: [], skipWorktree: [] };

/**
 * Makes git look at all files of the work tree: changes the index of the scratch repository. Returns the files that were hidden, and the
 * paths of the submodules.
 */
export async function openIndex(
  scratch: Scratch,
  workTree: string,
): Promise<{ submodules: RepositoryPath[]; hidden: Hidden }> {
  const { directory, idBytes } = scratch;
  const names = (await readdir(directory)).filter((name) => name === 'index' || name.startsWith('sharedindex.'));
  const indexes = await Promise.all(
    names.map(async (name) => readIndexFile(await readFile(join(directory, name)), idBytes)),
  );
  const submodules = indexes.some((index) => index.hasSubmodules) ? await listSubmodules(scratch) : [];
  const hidden = indexes.some((index) => index.hasHidden) ? await reveal(scratch, workTree) : nothing;
  return { submodules, hidden };
}

const listSubmodules = async ({ git }: Scratch): Promise<RepositoryPath[]> =>
  (await records(git, ['ls-files', '--stage', '-z'])).flatMap(
    (record) => /^160000 [0-9a-f]+ \d\t(.*)$/s.exec(record)?.[1] ?? [],
  );

async function reveal({ git }: Scratch, workTree: string): Promise<Hidden> {
  const assumeUnchanged: RepositoryPath[] = [];
  const skipWorktree: RepositoryPath[] = [];
  for (const record of await records(git, ['ls-files', '-v', '-z'])) {
    const [tag = '', path] = [record[0], record.slice(2)];
    if (tag !== tag.toUpperCase()) assumeUnchanged.push(path);
    if (tag.toUpperCase() === 'S' && statOf(workTree, path)) skipWorktree.push(path);
  }
  for (const [flag, paths] of [
    ['assume-unchanged', assumeUnchanged],
    ['skip-worktree', skipWorktree],
  ] as const) {
    const input = paths.map((path) => `${path}\0`).join('');
    if (paths.length > 0)
      await output(git, ['update-index', '-z', `--no-${flag}`, '--stdin'], { input, encoding: 'latin1' });
  }
  return { assumeUnchanged, skipWorktree };
}
