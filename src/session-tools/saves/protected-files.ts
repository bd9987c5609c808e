import { createHash } from 'node:crypto';
import { chmod, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle, writeBranch } from './bundle.ts';
import type { CollectSettings } from './collect-settings.ts';
import { writeCommit, writeTree } from './commit.ts';
import type { RepositoryPath } from './paths.ts';
import { output } from './run.ts';
import type { Scratch } from './scratch.ts';
import { storeFiles } from './store-files.ts';

/** Name of the branch in the bundle with the latest versions of files that a filter protects. */
const name = 'protected-files';
/** Returns whether a file in the folder of the agent is such a bundle. */
export const isProtectedBundle = (file: string): boolean => file.startsWith(name) && file.endsWith('.bundle');

/**
 * Stores files that a filter protects on the volume, in a bundle of their own with mode 0600: nothing of these files is pushed. "git
 * fetch <file> protected-files" reads the bundle.
 * @param submodule the path of the submodule that the files are in, for the name of the bundle
 */
export async function storeProtected(
  scratch: Scratch,
  { directory, folder, paths }: { directory: string; folder: string; paths: readonly RepositoryPath[] },
  common: Pick<CollectSettings, 'author' | 'savedAt' | 'message'>,
  submodule = '',
): Promise<void> {
  if (paths.length === 0) return;
  const environment = { GIT_INDEX_FILE: join(scratch.directory, 'protected-index') };
  const stored = await storeFiles(
    scratch,
    directory,
    paths.map((path) => ({ path })),
  );
  const lines = paths.flatMap((path, number) => (stored[number] ? [`100644 ${stored[number].object}\t${path}\0`] : []));
  const options = { input: lines.join(''), encoding: 'latin1', environment } as const;
  await output(scratch.git, ['update-index', '-z', '--index-info'], options);
  const tree = await writeTree(scratch.git, { environment });
  const commit = await writeCommit(scratch.git, tree, [], { ...common, message: 'Files that a filter protects\n' });
  await writeBranch(scratch, name, commit);
  const file = await bundle(scratch, name, scratch.directory, name);
  await chmod(file, 0o600);
  await rename(file, join(folder, `${fileName(submodule)}.bundle`));
}

/** Returns a name of a file that shows the path. A name has at most 255 bytes. */
function fileName(submodule: string): string {
  if (submodule === '') return name;
  const shown = encodeURIComponent(submodule).replaceAll('%2F', '+');
  if (shown.length <= maxShown) return `${name}-${shown}`;
  return `${name}-${shown.slice(0, maxShown)}-${createHash('sha256').update(submodule).digest('hex').slice(0, 12)}`;
}
const maxShown = 150;
