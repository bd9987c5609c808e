/** What happens to one path: the three-way decision. */

/** What is known about a path at one side, compared with the state after the last round that synchronized it (the base). */
export type SideState = 'absent' | 'same' | 'changed';

export interface PathState {
  /** Whether the base has the path. Without it, what exists at a side is `changed`. */
  readonly isKnown: boolean;
  readonly local: SideState;
  readonly remote: SideState;
  /** Whether both sides have the same content; undefined: not known without a transfer. Used if both sides are `changed`. */
  readonly isEqual: boolean | undefined;
}

/**
 * - `none`: both sides are as they were. `adopt`: both sides are equal, and the base learns of it. `forget`: the path no longer exists.
 * - `compare`: a transfer shows whether the sides are equal (`adopt`) or not (`conflict`).
 * - `conflict`: both versions must exist on both sides.
 * - `restore-remote`, `restore-local`: changed at one side, deleted at the other. The change wins, and is reported.
 */
export type Decision =
  | 'none'
  | 'adopt'
  | 'forget'
  | 'upload'
  | 'download'
  | 'delete-local'
  | 'delete-remote'
  | 'compare'
  | 'conflict'
  | 'restore-remote'
  | 'restore-local';

/** Returns what happens to a path. */
export function decide({ isKnown, local, remote, isEqual }: PathState): Decision {
  if (local === 'absent' && remote === 'absent') return isKnown ? 'forget' : 'none';
  if (local === 'changed' && remote === 'changed') {
    if (isEqual === undefined) return 'compare';
    return isEqual ? 'adopt' : 'conflict';
  }
  if (!isKnown) return local === 'absent' ? 'download' : 'upload';
  if (local === 'absent') return remote === 'same' ? 'delete-remote' : 'restore-local';
  if (remote === 'absent') return local === 'same' ? 'delete-local' : 'restore-remote';
  if (local === 'changed') return 'upload';
  return remote === 'changed' ? 'download' : 'none';
}

/** The number of files that a round would delete at a side because they are missing at the other. */
export interface Deletions {
  /** The side on which the files are missing. */
  readonly side: 'local' | 'remote';
  readonly deletions: number;
  /** Files that were on both sides before. */
  readonly known: number;
  /** Files that the side has now. */
  readonly present: number;
}

/** Fewer deletions never suspend a folder, except of a side that is empty. */
const minDeletions = 10;

/**
 * Returns whether the owner must confirm deletions: a side that is suddenly empty, or has lost half of its files, is more often
 * a failed mount or server than the wish of a person. A person may delete the only file of the work tree.
 */
export function isMassDeletion({ side, deletions, known, present }: Deletions): boolean {
  if (deletions === 0) return false;
  if (present === 0) return side === 'remote' || known > 1;
  return deletions >= minDeletions && deletions * 2 >= known;
}
