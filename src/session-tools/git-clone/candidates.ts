import { type Autosave, parseAutosave } from '../../session-contract/autosave.ts';

/** An autosave that can be restored. */
export interface Candidate {
  readonly branch: string;
  /** Full id. */
  readonly commit: string;
  /** Seconds since the epoch. */
  readonly committedAt: number;
  /** Whether the save is on the volume of the session, because it could not be pushed. */
  readonly isStored: boolean;
}

/** Returns the branches in a listing, which has a line with time, id and name for each branch of the remote repository. */
export function readListing(listing: string): Candidate[] {
  return listing.split('\n').flatMap((line) => {
    const [, time, commit, branch] = /^(\d+) ([0-9a-f]{40,64}) (.+)$/.exec(line) ?? [];
    return branch === undefined || commit === undefined
      ? []
      : [{ branch, commit, committedAt: Number(time), isStored: false }];
  });
}

/** Returns the autosaves of the user for this branch and commit, the newest first, by the time of their last commit. */
export function findCandidates(
  branches: readonly Candidate[],
  wanted: Pick<Autosave, 'username' | 'rootBranch'> & { readonly commit: string },
): Candidate[] {
  const found = branches.filter(({ branch }) => {
    const { username, rootBranch, rootCommit = '' } = parseAutosave(branch) ?? {};
    return username === wanted.username && rootBranch === wanted.rootBranch && wanted.commit.startsWith(rootCommit);
  });
  return found.toSorted((a, b) => b.committedAt - a.committedAt);
}
