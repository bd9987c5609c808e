import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kindOf } from '../git-clone/files.ts';
import type { Change } from './changes.ts';
import type { RepositoryPath } from './paths.ts';
import { type Repository, textOf } from './repository.ts';
import type { Scratch } from './scratch.ts';

/** New files that only the save stores in Git LFS. */
export interface LargeFiles {
  readonly paths: readonly RepositoryPath[];
  /** The content of `.gitattributes` in the save, as bytes. */
  readonly attributes: string;
  /** Whether the work tree has this file, with another content. */
  readonly isReplaced: boolean;
}

/**
 * Makes git store large files of the save in Git LFS: servers limit the size of a push. Returns undefined if there are none, or if
 * `.gitattributes` is not a regular file.
 */
export async function addLargeFiles(
  { directory }: Scratch,
  { directory: tree, commonDirectory }: Pick<Repository, 'directory' | 'commonDirectory'>,
  changes: readonly Change[],
  minimumBytes: number | undefined,
): Promise<LargeFiles | undefined> {
  const attributes = join(directory, 'info', 'attributes');
  const own = (await textOf(join(commonDirectory, 'info', 'attributes'))) ?? '';
  await writeFile(attributes, own);
  if (minimumBytes === undefined) return undefined;
  const paths = changes.flatMap(({ path, stat, attributes }) =>
    stat?.kind === 'file' && stat.size >= minimumBytes && attributes.filter === null && !isAttributes(path)
      ? [path]
      : [],
  );
  if (paths.length === 0) return undefined;
  const existing = await contentOf(join(tree, '.gitattributes'));
  if (existing === 'not-a-file') return undefined;
  const lines = paths.map((path) => `${patternOf(path)} filter=lfs diff=lfs merge=lfs -text\n`).join('');
  // These have precedence over the attributes in the work tree.
  await appendFile(attributes, `\n${lines}`, 'latin1');
  const before = existing === undefined || existing === '' || existing.endsWith('\n') ? existing : `${existing}\n`;
  return { paths, attributes: `${before ?? ''}${lines}`, isReplaced: existing !== undefined };
}

const isAttributes = (path: RepositoryPath): boolean => /(?:^|\/)\.git(?:attributes|ignore|modules)$/.test(path);

async function contentOf(file: string): Promise<string | undefined> {
  const kind = await kindOf(file);
  if (kind === undefined) return undefined;
  return kind === 'file' ? readFile(file, 'latin1') : 'not-a-file';
}

/** Returns the pattern of `.gitattributes` that matches exactly this path. */
function patternOf(path: RepositoryPath): string {
  const pattern = `/${path.replaceAll(/[*?[\\]/g, '\\$&')}`;
  const escaped = pattern
    .replaceAll(/["\\]/g, '\\$&')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped}"`;
}
