import { statfs } from 'node:fs/promises';
import { decisiveLine, diskFull, failureKindOf, reasonOf } from './failure.ts';
import { type Log, megabytes, seconds } from './log.ts';
import type { CloneSettings } from './settings.ts';
import type { CloneTools } from './tools.ts';

/** Removes the clone's `core.hooksPath`, so that `git lfs install` can add hooks to the repository, which run in the session. */
const withOwnHooks = { environment: { GIT_CONFIG_COUNT: '0' } };

/** The session's repository in messages; submodules have other names. */
const itself = 'the repository';

/**
 * Configures LFS in a repository if the commit uses LFS. Returns true if the LFS files must be fetched. For the session's
 * repository, this must happen before the checkout.
 */
export async function prepareLfs(
  settings: CloneSettings,
  { git, log }: CloneTools,
  commit: string,
  where = itself,
): Promise<boolean> {
  const used = await git(['grep', '--quiet', '-e', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes']);
  if (used.exitCode !== 0) return false;
  if ((await git(['lfs', 'version'])).exitCode !== 0) {
    log(
      `WARNING: ${where} has files in Git LFS, but git-lfs is not installed: the session gets pointers instead of the files.`,
    );
    return false;
  }
  const smudge = settings.lfsAutoFetch ? [] : ['--skip-smudge'];
  const installed = await git(['lfs', 'install', '--local', ...smudge], withOwnHooks);
  if (installed.exitCode !== 0) {
    log(`WARNING: Git LFS could not be configured in ${where}: ${decisiveLine(installed.stderr)}`);
    return false;
  }
  if (!settings.lfsAutoFetch)
    log(`The files in Git LFS of ${where} are not fetched; run "git lfs pull" to fetch them.`);
  return settings.lfsAutoFetch;
}

/** Fetches the LFS files after the checkout. Logs a warning if this fails; throws CloneFailure if the disk is full. */
export async function pullLfs({ git, log }: CloneTools, directory: string, where = itself): Promise<void> {
  const started = performance.now();
  const listed = await git(['lfs', 'ls-files', '--json']);
  if (listed.exitCode === 0 && !(await fits(listed.stdout, directory, where, log))) {
    // The owner of the session may not be able to change a submodule: the session starts without its files.
    if (where === itself) throw diskFull();
    log(
      `WARNING: the files in Git LFS of ${where} do not fit on the disk of the session, which gets pointers instead.`,
    );
    return;
  }
  const result = await git(['lfs', 'pull']);
  if (result.exitCode === 0) {
    log(`Fetched the files in Git LFS of ${where} (${seconds(started)}).`);
    return;
  }
  if (failureKindOf(result.stderr) === 'disk-full') throw diskFull();
  log(`WARNING: not all files in Git LFS of ${where} could be fetched: ${reasonOf(result.stderr)}`);
  log('WARNING: the session starts with pointers instead of these files; run "git lfs pull" there to try again.');
}

/** LFS stores each file twice: in its cache and in the working tree. */
const copies = 2;

/** Returns true if the disk has enough space, or if the sizes are not known. */
async function fits(listing: string, directory: string, where: string, log: Log): Promise<boolean> {
  const sizes = listedSizes(listing);
  if (!sizes) return true;
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  const { bavail, bsize } = await statfs(directory);
  log(
    `Fetching ${sizes.length} files of ${where} from Git LFS: ${megabytes(bytes)}, with ${megabytes(bavail * bsize)} free on the disk.`,
  );
  return bytes * copies <= bavail * bsize;
}

/** Returns the sizes of the files; undefined if git-lfs (before 3.2) does not print JSON. */
function listedSizes(listing: string): number[] | undefined {
  try {
    const { files }: { files: { size: number }[] | null } = JSON.parse(listing);
    return (files ?? []).map((file) => file.size);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
