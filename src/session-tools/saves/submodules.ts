import type { Git } from '../git-clone/git.ts';
import { bundle, writeBranch } from './bundle.ts';
import { collect } from './collect.ts';
import type { CollectSettings } from './collect-settings.ts';
import { toText } from './paths.ts';
import { storeProtected } from './protected-files.ts';
import { isEmpty, type Scan } from './scan.ts';
import { createScratch } from './scratch.ts';

type Common = Pick<CollectSettings, 'author' | 'savedAt' | 'message'>;

/**
 * Saves the submodules with changes in bundles, because the user need not have permission to push to their repositories.
 * @param target the folder for the bundles
 * @param prefix the path of the repository of `scan` in the session's repository, with a slash at the end
 */
export async function saveSubmodules(
  git: Git,
  folder: string,
  target: string,
  { submodules, changes }: Scan,
  common: Common,
  prefix = '',
): Promise<CollectSettings['submodules']> {
  const saved: CollectSettings['submodules'][number][] = [];
  for (const [number, { path, scan }] of submodules.entries()) {
    // The index of the project may name another commit than the one that the submodule has.
    if (isEmpty(scan) && !changes.some((change) => change.path === path)) continue;
    const scratch = await createScratch(git, folder, scan.repository);
    try {
      const inner = await saveSubmodules(git, folder, scratch.directory, scan, common, `${prefix}${toText(path)}/`);
      const settings = { ...common, former: [], submodules: inner, lfsMinimumBytes: undefined, isSubmodule: true };
      const { commit, notSaved, protectedFiles: paths } = await collect(scratch, scan, settings);
      const { directory } = scan.repository;
      const name = `${prefix}${toText(path)}`;
      await storeProtected(scratch, { directory, folder, paths }, common, name);
      await writeBranch(scratch, 'save', commit);
      saved.push({ path, commit, bundle: await bundle(scratch, 'save', target, `submodule-${number}`), notSaved });
    } finally {
      await scratch.remove();
    }
  }
  return saved;
}
