import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecoveryReport } from '../../session-contract/agent.ts';
import { linkFiles } from '../saves/link-files.ts';
import { isProtectedBundle } from '../saves/protected-files.ts';
import { exists } from '../saves/repository.ts';
import { listStored, updateStored } from '../saves/volume.ts';
import type { Candidate } from './candidates.ts';
import { reasonOf } from './failure.ts';
import type { CloneTools } from './tools.ts';

/** Marks the saves on the volume that the new clone does not have completely: a later save must not replace them. */
export async function markUnreadSaves(folder: string, report: RecoveryReport | undefined): Promise<void> {
  const restored = report?.recovered.isComplete ? report.recovered.commit : undefined;
  for (const save of await listStored(folder)) await updateStored(save, { isUnread: save.commit !== restored });
}

/**
 * Adds the saves on the volume that could not be pushed to the clone, with their files in Git LFS, and returns them. They stay on the
 * volume: the agent pushes them. A save that cannot be read stays, too.
 * @param folder the folder of the agent
 */
export async function unpackStored({ git, log }: CloneTools, folder: string, repository: string): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const { branch, commit, bundle } of await listStored(folder)) {
    const unpacked = await git(['bundle', 'unbundle', bundle]);
    const shown = unpacked.exitCode === 0 ? await git(['show', '--no-patch', '--format=%ct', commit]) : unpacked;
    if (shown.exitCode === 0) found.push({ branch, commit, committedAt: Number(shown.stdout), isStored: true });
    else log(`WARNING: the save on the volume for ${branch} cannot be read (${reasonOf(shown.stderr)}): ${bundle}`);
  }
  if (found.length > 0) await linkFiles(join(folder, 'lfs/objects'), join(repository, '.git/lfs/objects'));
  for (const file of (await exists(folder)) ? await readdir(folder) : []) {
    if (!isProtectedBundle(file)) continue;
    log(
      `Files with a filter of git are not part of an autosave. Their last versions are on the volume: "git fetch ${join(folder, file)} protected-files", then "git show FETCH_HEAD:PATH".`,
    );
  }
  return found;
}
