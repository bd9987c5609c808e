import { join } from 'node:path';
import { autosavePrefix } from '../../session-contract/autosave.ts';
import type { Git } from '../git-clone/git.ts';
import { writeBranch } from './bundle.ts';
import { linkFiles } from './link-files.ts';
import { listRemote, pushLfs, pushSave } from './remote.ts';
import { exists, readRepository } from './repository.ts';
import { output } from './run.ts';
import type { SaveSettings } from './save.ts';
import { createScratch } from './scratch.ts';
import { listStored, readMemory, removeStored, writeMemory } from './volume.ts';

/**
 * Pushes the saves that are on the volume because the remote repository could not be reached, and removes them from the volume.
 * A save whose branch has another commit by now stays: the next save has its files. Throws SaveFailure and GitFailure.
 */
export async function pushStored(git: Git, settings: SaveSettings, log: (line: string) => void): Promise<void> {
  const stored = settings.mayPush ? await listStored(settings.folder) : [];
  if (stored.length === 0) return;
  const repository = await readRepository(git, settings.directory);
  const scratch = await createScratch(git, settings.folder, repository, settings.remote.url);
  try {
    const heads = await listRemote(scratch.git, settings.remote);
    const lfs = join(settings.folder, 'lfs', 'objects');
    await linkFiles(lfs, join(scratch.directory, 'lfs', 'objects'));
    for (const save of stored) {
      const { branch, commit, bundle } = save;
      if (!branch.startsWith(autosavePrefix(settings.username))) continue;
      const existing = heads.get(`refs/heads/${branch}`);
      const { owned } = await readMemory(settings.folder);
      const isOurs = existing === undefined || owned.some((each) => each.branch === branch && each.commit === existing);
      if (existing !== commit) {
        await output(scratch.git, ['bundle', 'unbundle', bundle]);
        await writeBranch(scratch, branch, commit);
        if (await exists(lfs)) await pushLfs(scratch, settings.remote, branch);
        const pushed = { branch, commit, expected: existing };
        if (!isOurs || !(await pushSave(scratch, settings.remote, pushed, false))) {
          log(`The branch ${branch} has another save; the save on the volume stays there.`);
          continue;
        }
      }
      // A save may have ended during the push.
      const { last, owned: current } = await readMemory(settings.folder);
      const others = current.filter((each) => each.branch !== branch);
      await writeMemory(settings.folder, {
        last: last?.commit === commit ? { ...last, location: 'remote' } : last,
        owned: [...others, { branch, commit }],
      });
      await removeStored(save);
      log(`A save on the volume is now in the branch ${branch}.`);
    }
  } finally {
    await scratch.remove();
  }
}
