/**
 * Files in the git directory that describe a merge, rebase, cherry-pick, revert or bisect in progress. Only these are saved and
 * restored: other files of a git directory name programs.
 */
const names = [
  'MERGE_HEAD',
  'MERGE_MSG',
  'MERGE_MODE',
  'MERGE_RR',
  'SQUASH_MSG',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'REBASE_HEAD',
  'ORIG_HEAD',
  'AUTO_MERGE',
  'BISECT_LOG',
  'BISECT_START',
  'BISECT_TERMS',
  'BISECT_NAMES',
  'BISECT_EXPECTED_REV',
  'BISECT_ANCESTORS_OK',
];
/** Folders of which all files with plain names are state. */
const folders = ['rebase-merge', 'rebase-apply', 'sequencer'];

/** Lines of a list of rebase steps that run a command. */
const command = /^\s*(?:x|exec)\s/m;
const maxBytes = 1_000_000;

export const stateFiles: { readonly names: readonly string[]; readonly folders: readonly string[] } = {
  names,
  folders,
};

/** Returns whether the file is restored. Lists with commands to run are not, because anybody may push a save. */
export function isStateFile(name: string, content: string): boolean {
  const [first = '', second, ...rest] = name.split('/');
  if (rest.length > 0 || content.length > maxBytes) return false;
  if (second === undefined) return names.includes(first);
  return folders.includes(first) && /^[\w-][\w.-]*$/.test(second) && !command.test(content) && second !== 'strategy';
}

/** Returns the ids of objects that the content names. */
export const objectsIn = (content: string): string[] => content.match(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g) ?? [];

type Progress = 'merge' | 'rebase' | 'cherry-pick' | 'revert' | 'bisect' | 'am';

/** Returns what is in progress, by the names of the files. */
export function inProgress(state: readonly string[]): Progress | null {
  const has = (name: string) => state.some((each) => each === name || each.startsWith(`${name}/`));
  if (has('rebase-merge')) return 'rebase';
  if (has('rebase-apply')) return has('rebase-apply/applying') ? 'am' : 'rebase';
  if (has('MERGE_HEAD')) return 'merge';
  if (has('CHERRY_PICK_HEAD')) return 'cherry-pick';
  if (has('REVERT_HEAD')) return 'revert';
  return has('BISECT_LOG') ? 'bisect' : null;
}
