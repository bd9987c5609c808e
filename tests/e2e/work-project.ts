import { makeRepository, runGit } from '../support/local/forge/served-forge.ts';

/** The project `ada/work`, in which the tests of saved work change everything that can be saved. */

export const workBranch = 'feature/a/b';

/** A file with a filter that replaces letters, as git-crypt encrypts. */
export const filtered = { file: 'key.secret', plain: 'a password of the tests' };

/** Creates a repository with patterns for Git LFS and for a filter, and with the project `demo/first-light` as a submodule. */
export async function workRepository(directory: string, demo: { url: string; commit: string }): Promise<string> {
  await makeRepository(directory, {
    'README.md': 'work\n',
    'tracked.txt': 'tracked\n',
    'other.txt': 'other\n',
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n*.secret filter=crypt\n',
    '.gitmodules': `[submodule "part"]\n\tpath = part\n\turl = ${demo.url}/demo/first-light.git\n`,
  });
  await runGit(directory, 'update-index', '--add', '--cacheinfo', `160000,${demo.commit},part`);
  await runGit(directory, 'commit', '--quiet', '--message', 'add the submodule');
  await runGit(directory, 'branch', workBranch);
  return directory;
}
