import { statfs } from 'node:fs/promises';
import type { CloneTools } from './clone.ts';
import { decisiveLine, diskFull, troubleOf } from './failure.ts';
import { type Log, seconds, size } from './log.ts';
import type { CloneSettings } from './settings.ts';

/** git-lfs puts its own hooks into the repository; they run in the session, where its owner works, and not here. */
const withOwnHooks = { environment: { GIT_CONFIG_COUNT: '0' } };

/** Before the checkout: sets the repository up for LFS if it uses it. Answers whether its files are to be fetched. */
export async function prepareLfs(settings: CloneSettings, { git, log }: CloneTools, commit: string): Promise<boolean> {
  const used = await git(['grep', '--quiet', '-e', 'filter=lfs', commit, '--', ':(glob)**/.gitattributes']);
  if (used.exitCode !== 0) return false;
  if ((await git(['lfs', 'version'])).exitCode !== 0) {
    log('WARNING: the repository keeps large files in Git LFS, but git-lfs is not installed here: they stay pointers.');
    return false;
  }
  const smudge = settings.lfsAutoFetch ? [] : ['--skip-smudge'];
  const installed = await git(['lfs', 'install', '--local', ...smudge], withOwnHooks);
  if (installed.exitCode !== 0) {
    log(`WARNING: Git LFS could not be set up: ${decisiveLine(installed.stderr)}`);
    return false;
  }
  if (!settings.lfsAutoFetch) log('Large files stay in Git LFS until "git lfs pull" fetches them.');
  return settings.lfsAutoFetch;
}

/** After the checkout. Files that cannot be had are said loudly; a disk that is too small ends the clone. */
export async function pullLfs({ git, log }: CloneTools, repository: string): Promise<void> {
  const started = performance.now();
  const listed = await git(['lfs', 'ls-files', '--json']);
  if (listed.exitCode === 0) await refuseWithoutSpace(listed.stdout, repository, log);
  const result = await git(['lfs', 'pull']);
  if (result.exitCode === 0) {
    log(`Fetched the files in Git LFS (${seconds(started)}).`);
    return;
  }
  if (troubleOf(result.stderr) === 'disk-full') throw diskFull();
  log(`WARNING: not all files in Git LFS could be fetched: ${decisiveLine(result.stderr)}`);
  log('WARNING: the session starts with pointers in their place; "git lfs pull" tries again.');
}

/** LFS keeps each file twice: in its store and in the working tree. */
const copies = 2;

async function refuseWithoutSpace(listing: string, repository: string, log: Log): Promise<void> {
  const sizes = listedSizes(listing);
  if (!sizes) return;
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  const { bavail, bsize } = await statfs(repository);
  log(`Fetching ${sizes.length} files from Git LFS: ${size(bytes)}, with ${size(bavail * bsize)} free on the disk.`);
  if (bytes * copies > bavail * bsize) throw diskFull();
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
