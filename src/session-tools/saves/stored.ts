import { join } from 'node:path';
import { autosaveBranch, autosavePrefix, parseAutosave } from '../../session-contract/autosave.ts';
import { reasonOf } from '../git-clone/failure.ts';
import type { Git } from '../git-clone/git.ts';
import { writeBranch } from './bundle.ts';
import { linkFiles } from './link-files.ts';
import { listRemote, pushLfs, pushSave } from './remote.ts';
import { exists, readRepository } from './repository.ts';
import type { SaveSettings } from './save.ts';
import { createScratch } from './scratch.ts';
import { listStored, readMemory, removeStored, type StoredSave, writeMemory } from './volume.ts';

/** Returns the branch for a save, or another name of an autosave if the branch has another save. */
function freeName({ branch, commit }: StoredSave, heads: ReadonlyMap<string, string>): string {
  const existing = heads.get(`refs/heads/${branch}`);
  const autosave = existing === undefined || existing === commit ? undefined : parseAutosave(branch);
  return autosave ? autosaveBranch({ ...autosave, finalCommit: commit }) : branch;
}

/**
 * Pushes the saves that are on the volume because the remote repository could not be reached, and removes them from the volume.
 * A save whose branch has another commit by now stays: the next save has its files. Throws SaveFailure and GitFailure.
 */
export async function pushStored(git: Git, settings: SaveSettings, log: (line: string) => void): Promise<void> {
  const stored = settings.mayPush ? await listStored(settings.folder) : [];
  if (stored.length === 0) return;
  const repository = await readRepository(git, settings.directory, { url: settings.remote.url });
  const scratch = await createScratch(git, settings.folder, repository, settings.remote.url);
  try {
    const heads = await listRemote(scratch.git, settings.remote);
    const lfs = join(settings.folder, 'lfs', 'objects');
    await linkFiles(lfs, join(scratch.directory, 'lfs', 'objects'));
    for (const save of stored) {
      const { commit, bundle, isUnread } = save;
      if (!save.branch.startsWith(autosavePrefix(settings.username))) continue;
      const branch = isUnread ? freeName(save, heads) : save.branch;
      const existing = heads.get(`refs/heads/${branch}`);
      const { owned } = await readMemory(settings.folder);
      const isOurs =
        existing === undefined ||
        (!isUnread && owned.some((each) => each.branch === branch && each.commit === existing));
      if (existing !== commit) {
        const unpacked = await scratch.git(['bundle', 'unbundle', bundle]);
        if (unpacked.exitCode !== 0) {
          log(`The save on the volume for ${branch} cannot be read (${reasonOf(unpacked.stderr)}): ${bundle}`);
          continue;
        }
        await writeBranch(scratch, branch, commit);
        if (await exists(lfs)) await pushLfs(scratch, settings.remote, branch);
        const pushed = { branch, commit, expected: existing };
        if (!isOurs || !(await pushSave(scratch, settings.remote, pushed, false))) {
          log(`The branch ${branch} has another save; the save on the volume stays there.`);
          continue;
        }
      }
      // The next save may have the same name.
      heads.set(`refs/heads/${branch}`, commit);
      // A save may have ended during the push.
      const { last, owned: current } = await readMemory(settings.folder);
      const others = current.filter((each) => each.branch !== branch);
      await writeMemory(settings.folder, {
        last: last?.commit === commit ? { ...last, location: 'remote' } : last,
        // The agent deletes what it owns after a later save, which does not have the content of this one.
        owned: isUnread ? current : [...others, { branch, commit }],
      });
      await removeStored(save);
      log(`A save on the volume is now in the branch ${branch}.`);
    }
  } finally {
    await scratch.remove();
  }
}
