import type { Git } from '../git-clone/git.ts';
import { bundle, writeBranch } from './bundle.ts';
import { type CollectSettings, collect } from './collect.ts';
import { isEmpty, type Scan } from './scan.ts';
import { createScratch } from './scratch.ts';

type Common = Pick<CollectSettings, 'author' | 'savedAt' | 'message'>;

/**
 * Saves the submodules with changes in bundles, because the user need not have permission to push to their repositories.
 * @param target the folder for the bundles
 */
export async function saveSubmodules(
  git: Git,
  folder: string,
  target: string,
  { submodules, changes }: Scan,
  common: Common,
): Promise<CollectSettings['submodules']> {
  const saved: CollectSettings['submodules'][number][] = [];
  for (const [number, { path, scan }] of submodules.entries()) {
    // The index of the project may name another commit than the one that the submodule has.
    if (isEmpty(scan) && !changes.some((change) => change.path === path)) continue;
    const scratch = await createScratch(git, folder, scan.repository);
    try {
      const inner = await saveSubmodules(git, folder, scratch.directory, scan, common);
      const settings = { ...common, former: [], submodules: inner, lfsMinimumBytes: undefined, isSubmodule: true };
      const { commit, notSaved } = await collect(scratch, scan, settings);
      await writeBranch(scratch, 'save', commit);
      saved.push({ path, commit, bundle: await bundle(scratch, 'save', target, `submodule-${number}`), notSaved });
    } finally {
      await scratch.remove();
    }
  }
  return saved;
}
