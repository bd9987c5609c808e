import { join } from 'node:path';
import type { Git } from '../git-clone/git.ts';
import type { Change } from './changes.ts';
import { exists, type Repository, tipsOf } from './repository.ts';
import { output, readObjects } from './run.ts';

/** Pointers are text of less than 1 KB. */
const pointer = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n/;
const maxPointerBytes = 1024;

/** Returns the file in which Git LFS keeps the object. */
export const lfsFile = (gitDirectory: string, id: string): string =>
  join(gitDirectory, 'lfs', 'objects', id.slice(0, 2), id.slice(2, 4), id);

export interface LfsObjects {
  /** Of changed files and of commits that no remote branch has. */
  readonly objects: number;
  readonly bytes: number;
  /** SHA-256 of the objects of commits that no remote branch has. */
  readonly committed: readonly string[];
}

/** Returns the LFS objects that the remote repository need not have. */
export async function findLfs(
  git: Git,
  repository: Repository,
  changes: readonly Change[],
  commits: number,
): Promise<LfsObjects> {
  let objects = 0;
  let bytes = 0;
  for (const { attributes, stat } of changes) {
    if (attributes.filter !== 'lfs' || stat?.kind !== 'file') continue;
    objects++;
    bytes += stat.size;
  }
  if (commits === 0 || !(await exists(join(repository.commonDirectory, 'lfs'))))
    return { objects, bytes, committed: [] };
  // A partial clone does not have all objects, and a scan fetches none.
  const args = ['rev-list', '--objects', '--no-object-names', '--missing=allow-any', '--stdin', '--not', '--remotes'];
  const listed = await output(git, args, { input: `${tipsOf(repository).join('\n')}\n` });
  const described = await output(git, ['cat-file', '--batch-check'], { input: listed });
  const small = described.split('\n').flatMap((line) => {
    const [object, kind, size] = line.split(' ');
    return object && kind === 'blob' && Number(size) < maxPointerBytes ? [object] : [];
  });
  const committed: string[] = [];
  for (const content of await readObjects(git, small)) {
    const [, id, size] = pointer.exec(content ?? '') ?? [];
    if (id === undefined) continue;
    committed.push(id);
    objects++;
    bytes += Number(size);
  }
  return { objects, bytes, committed };
}
