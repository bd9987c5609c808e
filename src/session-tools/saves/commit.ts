import type { Git, GitRunOptions } from '../git-clone/git.ts';
import type { CollectSettings } from './collect-settings.ts';
import { output } from './run.ts';

/** Creates the tree of an index, and returns its id. A partial clone does not have all objects. Throws GitFailure. */
export const writeTree = async (git: Git, options?: GitRunOptions): Promise<string> =>
  (await output(git, ['write-tree', '--missing-ok'], options)).trimEnd();

/** Creates a commit, and returns its id. Throws GitFailure. */
export async function writeCommit(
  git: Git,
  tree: string,
  parents: readonly string[],
  { author, message, savedAt }: Pick<CollectSettings, 'author' | 'message' | 'savedAt'>,
): Promise<string> {
  // Without the sign, git takes small numbers for dates of another form. No commit is older than 1970.
  const date = `@${Math.max(0, Math.floor(savedAt.getTime() / 1000))} +0000`;
  const environment = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) => [
      [`GIT_${role}_NAME`, author.name],
      [`GIT_${role}_EMAIL`, author.email],
      [`GIT_${role}_DATE`, date],
    ]),
  );
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])];
  return (await output(git, args, { environment, input: message })).trimEnd();
}
