import { mkdir, mkdtemp, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure } from './failure.ts';
import { kindOf } from './files.ts';
import type { Log } from './log.ts';

/** A file with this name marks the directories that this program has created and may delete. */
const marker = 'made-by-git-clone';
/** Names of the clone, and of a folder for other files, in such a directory. */
const content = 'repository';
const others = 'temporary';

/**
 * Returns true if the directory already is a working tree, even a damaged one: then the session is resumed. git is not used
 * for this check, because it would also find a repository in a parent directory.
 */
export async function hasRepository(directory: string): Promise<boolean> {
  const git = join(directory, '.git');
  const kind = await kindOf(git);
  return kind === 'directory' ? (await kindOf(join(git, 'HEAD'))) !== undefined : kind !== undefined;
}

/** The directory of a clone in progress, on the same volume as the final directory: a rename publishes the complete clone. */
export interface Staging {
  /** The path for the new clone, which does not exist yet. */
  readonly repository: string;
  /** A folder for other files until `remove`. The root folder of the container may be read-only. */
  readonly temporary: string;
  /** Moves the complete clone to the final directory. */
  publish(): Promise<void>;
  /** Deletes the staging directory. */
  remove(): Promise<void>;
}

const prefixFor = (directory: string): string => `.${basename(directory)}.cloning-`;

/** Creates a staging directory. Throws CloneFailure if the final directory contains files. */
export async function createStaging(directory: string, log: Log): Promise<Staging> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  const prefix = prefixFor(directory);
  await removeInterrupted(directory, log);
  await rejectTaken(directory);
  const staging = await mkdtemp(join(parent, prefix));
  await writeFile(join(staging, marker), '');
  const repository = join(staging, content);
  const temporary = join(staging, others);
  await mkdir(temporary);
  return {
    repository,
    temporary,
    async publish() {
      try {
        await rename(repository, directory);
      } catch (error) {
        if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw taken(directory, error);
        if (hasCode(error, 'EBUSY', 'EXDEV')) {
          throw new CloneFailure(
            cloneExitCode.gitError,
            `${directory} is the root of a volume, and the repository must be in a directory of the volume. This is a bug of the service that launched the session.`,
            { cause: error },
          );
        }
        throw error;
      }
    },
    remove: () => removeMarked(staging),
  };
}

/** Throws CloneFailure if the directory contains files. `rename` replaces an empty directory. */
async function rejectTaken(directory: string): Promise<void> {
  try {
    if ((await readdir(directory)).length > 0) throw taken(directory);
  } catch (error) {
    if (hasCode(error, 'ENOTDIR')) throw taken(directory, error);
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function taken(directory: string, cause?: unknown): CloneFailure {
  return new CloneFailure(
    cloneExitCode.gitError,
    `${directory} already contains files that are not a git repository; they were not changed. Move them to another directory, or launch a session with a new volume.`,
    { cause },
  );
}

/** Removes the staging directories of interrupted runs: those with the marker, and empty ones. */
export async function removeInterrupted(directory: string, log: Log): Promise<void> {
  const parent = dirname(directory);
  const prefix = prefixFor(directory);
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      if ((await kindOf(join(path, marker))) === 'file') {
        log('Removing the files of an interrupted clone.');
        await removeMarked(path);
      } else await rmdir(path);
    } catch (error) {
      log(`Could not remove ${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Removes the marker last, so that the next run continues if this one is interrupted. */
async function removeMarked(path: string): Promise<void> {
  for (const each of [join(path, content), join(path, others), path])
    await rm(each, { recursive: true, force: true, maxRetries: 5 });
}
