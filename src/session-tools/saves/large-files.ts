import { join } from 'node:path';
import { kindOf } from '../git-clone/files.ts';
import type { Change } from './changes.ts';
import type { RepositoryPath } from './paths.ts';
import { type Repository, textOf } from './repository.ts';

/** New files that only the save stores in Git LFS. */
export interface LargeFiles {
  readonly paths: ReadonlySet<RepositoryPath>;
  /** The content of `.gitattributes` in the save, as bytes. */
  readonly attributes: string;
  /** Whether the work tree has this file, with another content. */
  readonly isReplaced: boolean;
}

/**
 * Returns the new files that the save stores in Git LFS because of their size: servers limit the size of a push. Returns undefined if
 * there are none, or if `.gitattributes` is not a regular file.
 */
export async function findLargeFiles(
  { directory }: Pick<Repository, 'directory'>,
  changes: readonly Change[],
  minimumBytes: number | undefined,
): Promise<LargeFiles | undefined> {
  if (minimumBytes === undefined) return undefined;
  const paths = changes.flatMap(({ path, stat, attributes }) =>
    stat?.kind === 'file' && stat.size >= minimumBytes && attributes.filter === null && !isAttributes(path)
      ? [path]
      : [],
  );
  if (paths.length === 0) return undefined;
  const file = join(directory, '.gitattributes');
  const existing = await textOf(file, 'latin1');
  if (existing === undefined && (await kindOf(file)) !== undefined) return undefined;
  const lines = paths.map((path) => `${patternOf(path)} filter=lfs diff=lfs merge=lfs -text\n`).join('');
  const before = existing === undefined || existing === '' || existing.endsWith('\n') ? existing : `${existing}\n`;
  return { paths: new Set(paths), attributes: `${before ?? ''}${lines}`, isReplaced: existing !== undefined };
}

const isAttributes = (path: RepositoryPath): boolean => /(?:^|\/)\.git(?:attributes|ignore|modules)$/.test(path);

/** Returns the pattern of `.gitattributes` that matches exactly this path. */
function patternOf(path: RepositoryPath): string {
  const pattern = `/${path.replaceAll(/[*?[\\]/g, '\\$&')}`;
  const escaped = pattern
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped}"`;
}
