import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Deadline, DeadlineExceeded } from '../../lib/deadline.ts';
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
  if (branches.length === 0) throw await withoutBranches(given, gitDir);
  const [uncommittedFiles] = await Promise.all([
    workingTree === undefined ? 0 : countUncommitted(workingTree),
    refuseIncomplete(given, gitDir),
  ]);
  const path = workingTree ?? gitDir;
  const name = workingTree === undefined ? basename(gitDir).replace(/\.git$/, '') : basename(workingTree);
  return { path, gitDir, name, uncommittedFiles };
}

async function withoutBranches(given: string, gitDir: string): Promise<NotARepository> {
  const head = await ask(gitDir, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], [1, 128]);
  return new NotARepository(
    head.length > 0
      ? `${given} has no branch: a session works on one, so make one first (git switch -c main).`
      : `${given} has no commits yet: a session starts from a commit, so make one first (git commit).`,
  );
}

/** Looking for missing objects reads all of history: a repository that has shown none by then is served. */
const completenessMs = 3_000;

/**
 * Throws NotARepository where objects are missing that a clone would need: a partial clone that has left them with its
 * own remote, a damaged repository, one whose alternate is gone. Nothing is fetched. A shallow clone is complete in its
 * way: a session's clone of it is shallow, too.
 */
async function refuseIncomplete(given: string, gitDir: string): Promise<void> {
  const promisor = await ask(
    gitDir,
    ['config', '--get-regexp', '^(extensions\\.partialclone|remote\\..*\\.promisor)$'],
    [1],
  );
  const isPartial = promisor.length > 0;
  const missing = await missingObject(gitDir, isPartial ? inspectionMs : completenessMs);
  if (missing === undefined) return;
  throw new NotARepository(
    isPartial
      ? `${given} is a partial clone (made with --filter), from which no session can be cloned. "git fetch --refetch --no-filter" in it makes it whole, or use a new clone without --filter.`
      : `${given} is damaged: it lacks objects that its branches or tags need (${missing}), so that no session can be cloned from it. "git fsck" in it names what is missing; a new clone of its remote is whole.`,
  );
}

/** What git says of the first object that is missing; undefined: none was found within the time. */
async function missingObject(gitDir: string, limitMs: number): Promise<string | undefined> {
  let missing: string | undefined;
  let before = '\n';
  try {
    // `print` also keeps an older git from fetching what is missing: each object is a line, a missing one with a mark.
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
    const why = error.stderr
      .replace(/^fatal: /, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    if (/unknown repository extension|expected git repo version/i.test(why)) {
      throw new NotARepository(
        `${given} is in a format that this git does not know (${why}): a newer git can serve it.`,
      );
    }
    throw new NotARepository(`git cannot read ${given}: ${why}`);
  }
}

async function answers(directory: string, questions: readonly string[]): Promise<string[]> {
  const { stdout } = await git(['-C', directory, 'rev-parse', ...questions], {
    environment: ownEnvironment(),
    deadline: Deadline.after(inspectionMs),
  });
  return stdout.toString('utf8').trimEnd().split('\n');
}

async function ask(gitDir: string, args: readonly string[], accept: readonly number[] = []): Promise<Buffer> {
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
    // The number is a courtesy: a repository whose status takes too long can be served all the same.
    if (error instanceof Error && ['GitFailed', 'DeadlineExceeded'].includes(error.name)) return undefined;
    throw error;
  }
}
