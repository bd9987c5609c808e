import { chmod, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, writeBranch } from './bundle.ts';
import { addAsIs, type CollectSettings, writeCommit } from './collect.ts';
import type { RepositoryPath } from './paths.ts';
import { output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** Name of the bundle with the latest versions of files that a filter protects. */
const name = 'protected-files';

/**
 * Stores files that a filter protects on the volume, in a bundle of their own with mode 0600: nothing of these files is pushed. "git
 * fetch <file> protected-files" reads the bundle.
 */
export async function storeProtected(
  scratch: Scratch,
  folder: string,
  paths: readonly RepositoryPath[],
  common: Pick<CollectSettings, 'author' | 'savedAt' | 'message'>,
): Promise<void> {
  if (paths.length === 0) return;
  const environment = { GIT_INDEX_FILE: join(scratch.directory, 'protected-index') };
  await addAsIs(scratch, paths, environment);
  const tree = (await output(scratch.git, ['write-tree'], { environment })).trimEnd();
  const commit = await writeCommit(scratch.git, tree, [], { ...common, message: 'Files that a filter protects\n' });
  await writeBranch(scratch, name, commit);
  const file = await bundle(scratch, name, scratch.directory, name);
  await chmod(file, 0o600);
  await rename(file, join(folder, `${name}.bundle`));
}
