import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Deadline } from '../../deadline.ts';
import { GitFailed, git, ownEnvironment } from './git.ts';

export interface OwnRepository {
  /** Working tree, or the bare repository itself; no symbolic links in it. */
  readonly path: string;
  readonly gitDir: string;
  /** The directory's name, without `.git` for a bare repository. */
  readonly name: string;
  /** Files with changes that are in no commit; undefined where git could not tell in time. */
  readonly uncommittedFiles: number | undefined;
}

/** A directory that cannot be served; the message is for the person who named it. */
export class NotARepository extends Error {
  override readonly name = 'NotARepository';
}

/** git reads every file that may have changed; on a slow disk with a big repository that takes its time. */
const inspectionMs = 30_000;

/** Looks at a repository of the user's and changes nothing in it. Throws NotARepository. */
export async function inspectRepository(given: string): Promise<OwnRepository> {
  const directory = await existingDirectory(given);
  const { workingTree, gitDir } = await locate(given, directory);
  const branches = await ask(gitDir, ['for-each-ref', '--count=1', '--format=%(refname)', 'refs/heads/']);
  if (branches.length === 0) {
    throw new NotARepository(
      `${given} has no commits yet: a session starts from a commit, so make one first (git commit).`,
    );
  }
  const path = workingTree ?? gitDir;
  const name = workingTree === undefined ? basename(gitDir).replace(/\.git$/, '') : basename(workingTree);
  return { path, gitDir, name, uncommittedFiles: workingTree === undefined ? 0 : await countUncommitted(workingTree) };
}

async function existingDirectory(given: string): Promise<string> {
  try {
    const directory = await realpath(resolve(given));
    if ((await stat(directory)).isDirectory()) return directory;
    throw new NotARepository(`${given} is not a directory.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new NotARepository(`There is no directory ${given}.`);
    if (code === 'EACCES') throw new NotARepository(`${given} cannot be read: permission denied.`);
    throw error;
  }
}

async function locate(given: string, directory: string): Promise<{ workingTree: string | undefined; gitDir: string }> {
  try {
    const [insideWorkTree, bare, gitDir] = await answers(directory, [
      '--is-inside-work-tree',
      '--is-bare-repository',
      '--absolute-git-dir',
    ]);
    if (gitDir === undefined) throw new NotARepository(`git does not say where the repository of ${given} is.`);
    if (bare === 'true') return { workingTree: undefined, gitDir };
    if (insideWorkTree !== 'true') {
      throw new NotARepository(`${given} is inside a .git directory: name the directory that has the files.`);
    }
    const [workingTree] = await answers(directory, ['--show-toplevel']);
    return { workingTree, gitDir };
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    if (/not a git repository/.test(error.stderr)) {
      throw new NotARepository(`${given} is not a git repository. "git init" and a first commit make it one.`);
    }
    throw new NotARepository(`git cannot read ${given}: ${error.stderr.trim()}`);
  }
}

async function answers(directory: string, questions: readonly string[]): Promise<string[]> {
  const { stdout } = await git(['-C', directory, 'rev-parse', ...questions], {
    environment: ownEnvironment(),
    deadline: Deadline.after(inspectionMs),
  });
  return stdout.toString('utf8').trimEnd().split('\n');
}

async function ask(gitDir: string, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await git([`--git-dir=${gitDir}`, ...args], {
    environment: ownEnvironment(),
    deadline: Deadline.after(inspectionMs),
  });
  return stdout;
}

async function countUncommitted(workingTree: string): Promise<number | undefined> {
  try {
    const { stdout } = await git(
      ['-C', workingTree, 'status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=normal'],
      { environment: ownEnvironment(), deadline: Deadline.after(inspectionMs) },
    );
    return stdout
      .toString('utf8')
      .split('\0')
      .filter((entry) => entry !== '').length;
  } catch (error) {
    // The number is a courtesy: a repository whose status takes too long can be served all the same.
    if (error instanceof Error && ['GitFailed', 'DeadlineExceeded'].includes(error.name)) return undefined;
    throw error;
  }
}
