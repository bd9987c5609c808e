import { join } from 'node:path';
import { autosaveBranch, autosavePrefix, parseAutosave } from '../../session-contract/autosave.ts';
import { reasonOf } from '../git-clone/failure.ts';
import type { Git } from '../git-clone/git.ts';
import { writeBranch } from './bundle.ts';
import { toSaveFailure } from './failure.ts';
import { linkFiles } from './link-files.ts';
import { listRemote, pushLfs, pushSave } from './remote.ts';
import { exists, readRepository } from './repository.ts';
import type { SaveSettings } from './save.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { listStored, readMemory, removeStored, type StoredSave, updateStored, writeMemory } from './volume.ts';

/** Returns the branch for a save, or another name of an autosave if the branch has another save. */
function freeName({ branch, commit }: StoredSave, heads: ReadonlyMap<string, string>): string {
  const existing = heads.get(`refs/heads/${branch}`);
  const autosave = existing === undefined || existing === commit ? undefined : parseAutosave(branch);
  return autosave ? autosaveBranch({ ...autosave, finalCommit: commit }) : branch;
}

/**
 * Pushes the saves that are on the volume because the remote repository could not be reached, and removes them from the volume.
 * A save that the remote repository does not accept stays, and `log` gets the reason. A save whose branch has another commit by now
 * stays, too: the next save has its files. Throws SaveFailure and GitFailure.
 */
export async function pushStored(git: Git, settings: SaveSettings, log: (line: string) => void): Promise<void> {
  const stored = settings.mayPush ? await listStored(settings.folder) : [];
  if (stored.length === 0) return;
  const repository = await readRepository(git, settings.directory, { url: settings.remote.url });
  const scratch = await createScratch(git, settings.folder, repository, settings.remote.url);
  try {
    const heads = await listRemote(scratch.git, settings.remote);
    await linkFiles(lfsOf(settings), join(scratch.directory, 'lfs', 'objects'));
    for (const save of stored) {
      if (!save.branch.startsWith(autosavePrefix(settings.username))) continue;
      const branch = save.isUnread ? freeName(save, heads) : save.branch;
      try {
        if (!(await pushOne(scratch, settings, save, { branch, existing: heads.get(`refs/heads/${branch}`), log })))
          continue;
      } catch (error) {
        const failure = toSaveFailure(error);
        if (failure.reason !== 'push-rejected') throw failure;
        log(`The save on the volume for ${branch} could not be pushed: ${failure.message}`);
        await updateStored(save, { rejection: failure.message });
        continue;
      }
      // The next save may have the same name.
      heads.set(`refs/heads/${branch}`, save.commit);
      await rememberPushed(settings.folder, save, branch);
      await removeStored(save);
      log(`A save on the volume is now in the branch ${branch}.`);
    }
  } finally {
    await scratch.remove();
  }
}

const lfsOf = ({ folder }: SaveSettings): string => join(folder, 'lfs', 'objects');

/**
 * Pushes a save unless its branch has it already. Returns whether the branch has it: it has not if the save cannot be read, or if
 * the branch has another one.
 */
async function pushOne(
  scratch: Scratch,
  settings: SaveSettings,
  { commit, bundle, isUnread }: StoredSave,
  { branch, existing, log }: { branch: string; existing: string | undefined; log: (line: string) => void },
): Promise<boolean> {
  if (existing === commit) return true;
  const { owned } = await readMemory(settings.folder);
  const isOurs =
    existing === undefined || (!isUnread && owned.some((each) => each.branch === branch && each.commit === existing));
  const unpacked = await scratch.git(['bundle', 'unbundle', bundle]);
  if (unpacked.exitCode !== 0) {
    log(`The save on the volume for ${branch} cannot be read (${reasonOf(unpacked.stderr)}): ${bundle}`);
    return false;
  }
  await writeBranch(scratch, branch, commit);
  if (await exists(lfsOf(settings))) await pushLfs(scratch, settings.remote, branch);
  if (isOurs && (await pushSave(scratch, settings.remote, { branch, commit, expected: existing }, false))) return true;
  log(`The branch ${branch} has another save; the save on the volume stays there.`);
  return false;
}

/** A save may have ended during the push. */
async function rememberPushed(folder: string, { commit, isUnread }: StoredSave, branch: string): Promise<void> {
  const { last, owned } = await readMemory(folder);
  const others = owned.filter((each) => each.branch !== branch);
  await writeMemory(folder, {
    last: last?.commit === commit ? { ...last, location: 'remote' } : last,
    // The agent deletes what it owns after a later save, which does not have the content of this one.
    owned: isUnread ? owned : [...others, { branch, commit }],
  });
}
