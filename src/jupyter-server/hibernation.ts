import { annotation } from './labels.ts';
import { type SavedWork, writeSavedWork } from './saved-work.ts';

/** The state of the repository at a hibernation. */
export interface RepositoryState {
  readonly branch: string | null;
  readonly commit: string | null;
  readonly files: { readonly count: number };
  readonly branches: readonly unknown[];
  readonly tags?: { readonly count: number };
  readonly stashes: number;
  readonly lfs: { readonly objects: number };
  readonly submodules: readonly {
    readonly files: { readonly count: number };
    readonly commits: number;
    readonly tags?: number;
  }[];
}

/** Returns whether the remote repository has all commits, also those of tags, stashes and submodules, and their LFS objects. */
const isSynchronized = ({ branches, tags, stashes, lfs, submodules }: RepositoryState): boolean =>
  branches.length === 0 &&
  (tags?.count ?? 0) === 0 &&
  stashes === 0 &&
  lfs.objects === 0 &&
  submodules.every(({ commits, tags: ofSubmodule = 0 }) => commits + ofSubmodule === 0);

/**
 * Returns the merge patch that hibernates a session, with the annotations of renku-notebooks: empty if unknown. Pure.
 * @param work undefined if unknown
 * @param saved the save of the work; undefined if it was not saved
 */
export function hibernation(
  now: Date,
  work?: RepositoryState,
  saved?: SavedWork,
): { spec: { jupyterServer: { hibernated: true } }; metadata: { annotations: Record<string, string | null> } } {
  const date = inSeconds(now);
  const state = work && {
    branch: work.branch ?? '',
    commit: work.commit ?? '',
    dirty: work.files.count > 0 || work.submodules.some(({ files }) => files.count > 0),
    synchronized: isSynchronized(work),
  };
  const unknown = { branch: '', commit: '', dirty: '', synchronized: '' };
  return {
    spec: { jupyterServer: { hibernated: true } },
    metadata: {
      annotations: {
        [annotation.hibernation]: JSON.stringify({ ...(state ?? unknown), date }),
        [annotation.hibernationDate]: date,
        [annotation.hibernationBranch]: state?.branch ?? '',
        [annotation.hibernationCommitSha]: state?.commit ?? '',
        [annotation.hibernationDirty]: state ? String(state.dirty) : '',
        [annotation.hibernationSynchronized]: state ? String(state.synchronized) : '',
        [annotation.lastActivityDate]: '',
        [annotation.culling]: null,
        [annotation.stopRequest]: null,
        [annotation.savedWork]: saved ? writeSavedWork(saved) : null,
      },
    },
  };
}

/** Returns an RFC 3339 time in whole seconds, in Amalthea's notation. */
export const inSeconds = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, '+00:00');
