import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
import { UserError } from '../user-error.ts';
import { GitFailed, git, ownEnvironment } from './git.ts';

export interface OwnRepository {
  /** The working tree, or the bare repository itself, without symbolic links. */
  readonly path: string;
  readonly gitDir: string;
  /** The name of the directory, without `.git` for a bare repository. */
  readonly name: string;
  /** Number of files with uncommitted changes; undefined if git takes too long. */
  readonly uncommittedFiles: number | undefined;
}

/** Time limit: git reads every file that may have changed, which takes long for a large repository on a slow disk. */
const inspectionMs = 30_000;

/** Inspects a repository of the user without changes. Throws UserError. */
export async function inspectRepository(given: string): Promise<OwnRepository> {
  const directory = await existingDirectory(given);
  const { workingTree, gitDir } = await locate(given, directory);
  const branches = await run(gitDir, ['for-each-ref', '--count=1', '--format=%(refname)', 'refs/heads/']);
  if (branches.length === 0) throw await withoutBranches(given, gitDir);
  const [uncommittedFiles] = await Promise.all([
    workingTree === undefined ? 0 : countUncommitted(workingTree),
    checkComplete(given, gitDir),
  ]);
  const path = workingTree ?? gitDir;
  const name = workingTree === undefined ? basename(gitDir).replace(/\.git$/, '') : basename(workingTree);
  return { path, gitDir, name, uncommittedFiles };
}

async function withoutBranches(given: string, gitDir: string): Promise<UserError> {
  const head = await run(gitDir, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], [1, 128]);
  return new UserError(
    head.length > 0
      ? `${given} has no branch. A session needs one: create it first (git switch -c main).`
      : `${given} has no commits. A session starts from a commit: create one first (git commit).`,
  );
}

/** Time limit of the check, which reads the whole history. A repository is served if no missing object is found in this time. */
const completenessMs = 3_000;

/**
 * Throws UserError if objects are missing that a clone needs: in a partial clone, in a damaged repository, and in one
 * whose alternate is missing. Nothing is fetched. A shallow clone is complete: the clone in a session is shallow, too.
 */
async function checkComplete(given: string, gitDir: string): Promise<void> {
  const promisor = await run(
    gitDir,
    ['config', '--get-regexp', '^(extensions\\.partialclone|remote\\..*\\.promisor)$'],
    [1],
  );
  const isPartial = promisor.length > 0;
  const missing = await missingObject(gitDir, isPartial ? inspectionMs : completenessMs);
  if (missing === undefined) return;
  throw new UserError(
    isPartial
      ? `${given} is a partial clone (created with --filter), and sessions cannot clone it. Run "git fetch --refetch --no-filter" in it, or use a new clone without --filter.`
      : `${given} is damaged: objects that its branches or tags need are missing (${missing}), and sessions cannot clone it. "git fsck" in it lists the missing objects; a new clone of its remote is complete.`,
  );
}

/** Returns the first missing object, or git's error message; undefined if none was found within the time. */
async function missingObject(gitDir: string, limitMs: number): Promise<string | undefined> {
  let missing: string | undefined;
  let before = '\n';
  try {
    // `print` marks missing objects, one per line, and keeps older versions of git from fetching them.
    await git([`--git-dir=${gitDir}`, 'rev-list', '--objects', '--missing=print', '--branches', '--tags'], {
      environment: ownEnvironment(),
      deadline: Deadline.after(limitMs),
      consume: (chunk) => {
        const text = before + chunk.toString('latin1');
        missing ??= /\n\?([0-9a-f]{7,64})/.exec(text)?.[1];
        before = text.slice(text.lastIndexOf('\n'));
      },
    });
    return missing;
  } catch (error) {
    if (error instanceof DeadlineExceeded) return missing;
    if (!(error instanceof GitFailed)) throw error;
    return (
      missing ??
      error.stderr
        .trim()
        .split('\n', 1)[0]
        ?.replace(/^(?:fatal|error): /, '') ??
      'git gives no reason'
    );
  }
}

async function existingDirectory(given: string): Promise<string> {
  try {
    const directory = await realpath(resolve(given));
    if ((await stat(directory)).isDirectory()) return directory;
    throw new UserError(`${given} is not a directory.`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UserError(`There is no directory ${given}.`);
    if (code === 'EACCES') throw new UserError(`${given} cannot be read: permission denied.`);
    throw error;
  }
}

async function locate(given: string, directory: string): Promise<{ workingTree: string | undefined; gitDir: string }> {
  try {
    const [insideWorkTree, bare, gitDir] = await revParse(directory, [
      '--is-inside-work-tree',
      '--is-bare-repository',
      '--absolute-git-dir',
    ]);
    if (gitDir === undefined) throw new UserError(`git does not report where the repository of ${given} is.`);
    if (bare === 'true') return { workingTree: undefined, gitDir };
    if (insideWorkTree !== 'true') {
      throw new UserError(`${given} is inside a .git directory: use the directory that contains the files.`);
    }
    const [workingTree] = await revParse(directory, ['--show-toplevel']);
    return { workingTree, gitDir };
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    if (/not a git repository/.test(error.stderr)) {
      throw new UserError(`${given} is not a git repository. Run "git init" and create a first commit.`);
    }
    const why = error.stderr
      .replace(/^fatal: /, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    if (/unknown repository extension|expected git repo version/i.test(why)) {
      throw new UserError(`${given} has a format that this version of git does not support (${why}). Use a newer git.`);
    }
    throw new UserError(`git cannot read ${given}: ${why}`);
  }
}

async function revParse(directory: string, options: readonly string[]): Promise<string[]> {
  const { stdout } = await git(['-C', directory, 'rev-parse', ...options], {
    environment: ownEnvironment(),
    deadline: Deadline.after(inspectionMs),
  });
  return stdout.toString('utf8').trimEnd().split('\n');
}

async function run(gitDir: string, args: readonly string[], accept: readonly number[] = []): Promise<Buffer> {
  const { stdout } = await git([`--git-dir=${gitDir}`, ...args], {
    environment: ownEnvironment(),
    deadline: Deadline.after(inspectionMs),
    accept,
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
    // Only for a hint to the user: a repository can be served without its status.
    if (error instanceof GitFailed || error instanceof DeadlineExceeded) return undefined;
    throw error;
  }
}
