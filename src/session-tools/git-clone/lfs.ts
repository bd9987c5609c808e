import { statfs } from 'node:fs/promises';
import type { CloneTools } from './clone.ts';
import { decisiveLine, diskFull, failureKindOf, reasonOf } from './failure.ts';
import { type Log, seconds, size } from './log.ts';
import type { CloneSettings } from './settings.ts';

/** git-lfs puts its own hooks into the repository; they run in the session, where its owner works, and not here. */
const withOwnHooks = { environment: { GIT_CONFIG_COUNT: '0' } };

/** The repository of the session, or one of its submodules, as a sentence names it. */
const itself = 'the repository';

/**
 * Sets a repository up for LFS if the commit uses it. Answers whether its files are to be fetched. Of the repository
 * itself this comes before the checkout.
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
    log(`WARNING: ${where} keeps large files in Git LFS, but git-lfs is not installed here: they stay pointers.`);
    return false;
  }
  const smudge = settings.lfsAutoFetch ? [] : ['--skip-smudge'];
  const installed = await git(['lfs', 'install', '--local', ...smudge], withOwnHooks);
  if (installed.exitCode !== 0) {
    log(`WARNING: Git LFS could not be set up in ${where}: ${decisiveLine(installed.stderr)}`);
    return false;
  }
  if (!settings.lfsAutoFetch) log(`Large files of ${where} stay in Git LFS until "git lfs pull" fetches them.`);
  return settings.lfsAutoFetch;
}

/** After the checkout. Files that cannot be had are warned of; a disk that is too small ends the clone. */
export async function pullLfs({ git, log }: CloneTools, directory: string, where = itself): Promise<void> {
  const started = performance.now();
  const listed = await git(['lfs', 'ls-files', '--json']);
  if (listed.exitCode === 0 && !(await fits(listed.stdout, directory, where, log))) {
    // What a submodule names is not in the hands of the session's owner: the session starts without it.
    if (where === itself) throw diskFull();
    log(`WARNING: the files in Git LFS of ${where} do not fit on the disk of the session: they stay pointers.`);
    return;
  }
  const result = await git(['lfs', 'pull']);
  if (result.exitCode === 0) {
    log(`Fetched the files in Git LFS of ${where} (${seconds(started)}).`);
    return;
  }
  if (failureKindOf(result.stderr) === 'disk-full') throw diskFull();
  log(`WARNING: not all files in Git LFS of ${where} could be fetched: ${reasonOf(result.stderr)}`);
  log('WARNING: the session starts with pointers in their place; "git lfs pull" there tries again.');
}

/** LFS keeps each file twice: in its store and in the working tree. */
const copies = 2;

/** true also where git-lfs does not say how large the files are. */
async function fits(listing: string, directory: string, where: string, log: Log): Promise<boolean> {
  const sizes = listedSizes(listing);
  if (!sizes) return true;
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  const { bavail, bsize } = await statfs(directory);
  log(
    `Fetching ${sizes.length} files of ${where} from Git LFS: ${size(bytes)}, with ${size(bavail * bsize)} free on the disk.`,
  );
  return bytes * copies <= bavail * bsize;
}

/** undefined where git-lfs (before 3.2) does not answer with JSON: then the disk is not checked beforehand. */
function listedSizes(listing: string): number[] | undefined {
  try {
    const { files } = JSON.parse(listing) as { files: { size: number }[] | null };
    return (files ?? []).map((file) => file.size);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
