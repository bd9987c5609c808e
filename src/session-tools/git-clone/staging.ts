import { lstat, mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure } from './failure.ts';
import type { Log } from './log.ts';

/** Says that a directory was made here, so that it may be deleted here. */
const marker = 'made-by-git-clone';

/**
 * Whether the directory already is a working tree: the session is resumed and nothing in it is touched, broken or not.
 * Not asked of git, which would also find a repository that the directory merely lies in.
 */
export async function hasRepository(directory: string): Promise<boolean> {
  const entry = await kindOf(join(directory, '.git'));
  return entry === 'file' || (entry === 'directory' && (await kindOf(join(directory, '.git', 'HEAD'))) !== undefined);
}

/** The clone is made beside its place, on the same volume, and moved there as a whole: half of it is never seen. */
export interface Staging {
  /** Where to clone to; not there yet. */
  readonly repository: string;
  /** Moves the finished clone to its place. */
  publish(): Promise<void>;
  /** Deletes what is left of the staging directory. */
  remove(): Promise<void>;
}

/** Throws CloneFailure when the place is taken by something that is not a clone. */
export async function createStaging(directory: string, log: Log): Promise<Staging> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  const prefix = `.${basename(directory)}.cloning-`;
  await removeLeftovers(parent, prefix, log);
  await refuseTaken(directory);
  const temporary = await mkdtemp(join(parent, prefix));
  await writeFile(join(temporary, marker), '');
  const repository = join(temporary, 'repository');
  return {
    repository,
    async publish() {
      try {
        await rename(repository, directory);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOTEMPTY' || code === 'EEXIST') throw taken(directory, error);
        if (code === 'EBUSY' || code === 'EXDEV') {
          throw new CloneFailure(
            cloneExitCode.gitError,
            `${directory} is a volume of its own; the repository needs a directory inside it. This is a bug of the service that launched the session.`,
            { cause: error },
          );
        }
        throw error;
      }
    },
    remove: () => rm(temporary, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** An empty directory may be there already: `rename` replaces it. */
async function refuseTaken(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length > 0) throw taken(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') throw taken(directory, error);
    if (code !== 'ENOENT') throw error;
  }
}

function taken(directory: string, cause?: unknown): CloneFailure {
  return new CloneFailure(
    cloneExitCode.gitError,
    `${directory} already has files in it that are no git repository; they are left as they are. Move them away, or launch a session with a new volume.`,
    { cause },
  );
}

/** What an interrupted run left: only directories that carry the marker, or that are still empty. */
async function removeLeftovers(parent: string, prefix: string, log: Log): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      if ((await kindOf(join(path, marker))) === 'file') {
        log('Removing what an interrupted clone left behind.');
        await rm(path, { recursive: true, force: true, maxRetries: 5 });
      } else await rmdir(path);
    } catch (error) {
      log(`Leaving ${path} where it is: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    const entry = await lstat(path);
    return entry.isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
