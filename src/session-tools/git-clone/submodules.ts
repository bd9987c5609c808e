import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneTools } from './clone.ts';
import { decisiveLine, diskFull, troubleOf } from './failure.ts';
import { seconds } from './log.ts';
import type { CloneSettings } from './settings.ts';

/**
 * Fetches the submodules, also those in submodules. One that cannot be had (private, gone, another protocol) is said
 * loudly and does not end the session: the project itself is there, and its owner can mend the rest from inside.
 */
export async function updateSubmodules(
  settings: CloneSettings,
  { git, log }: CloneTools,
  repository: string,
): Promise<void> {
  try {
    await access(join(repository, '.gitmodules'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const started = performance.now();
  const result = await git(['submodule', 'update', '--init', '--recursive', '--progress', '--jobs=4']);
  if (result.exitCode === 0) {
    log(`Fetched the submodules (${seconds(started)}).`);
    return;
  }
  if (troubleOf(result.stderr) === 'disk-full') throw diskFull();
  log(`WARNING: not all submodules could be fetched: ${decisiveLine(result.stderr)}`);
  log(
    `WARNING: the session starts without them. Submodules need an http(s) address that ${settings.token === null ? 'is public' : 'you may read'}; "git submodule update --init --recursive" tries again.`,
  );
}
