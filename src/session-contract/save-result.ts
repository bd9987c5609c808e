/** What the work of a session and a save of it have, from the agent's report (agent.openapi.yaml). */

interface NotSaved {
  readonly path: string;
  readonly bytes: number;
  readonly reason: string;
}

export interface SaveResult {
  readonly isVerified: boolean;
  readonly changedMeanwhile: readonly string[];
  readonly notSaved: readonly NotSaved[];
}

/** Why a save does not have a file or folder of the work tree. Other reasons than these make a save not verified, or lose nothing. */
const lostReasons: Readonly<Partial<Record<string, string>>> = {
  'nested-repository': 'another repository',
  ignored: 'ignored by git',
  'too-large': 'too large',
  filtered: 'a filter protects the content',
  unreadable: 'not readable',
  'earlier-save': 'an earlier save that only the volume has',
};

/** Returns what is lost if the files of the session are deleted after this save. */
export const lostIn = ({ notSaved }: SaveResult): NotSaved[] =>
  notSaved.filter(({ reason }) => lostReasons[reason] !== undefined);

/** Returns whether the repository has all of the work. A save can be verified without large files that git ignores. */
export const hasAllWork = (result: SaveResult): boolean => result.isVerified && lostIn(result).length === 0;

const maxNames = 3;
const maxLength = 200;

/** Returns a sentence that names what is lost; undefined if the save has everything. */
export function lostText(result: SaveResult): string | undefined {
  const lost = lostIn(result);
  if (lost.length === 0) return undefined;
  const named = lost
    .slice(0, maxNames)
    .map(({ path, bytes, reason }) => `${short(path)} (${lostReasons[reason]}${sizeText(bytes)})`);
  const others = lost.length > maxNames ? ` and ${lost.length - maxNames} more` : '';
  return `These files and folders cannot be saved: ${named.join(', ')}${others}.`;
}

/** Returns the path without its beginning, if it is long: the sentence is stored in an annotation. */
const short = (path: string): string => (path.length > maxLength ? `…${path.slice(-maxLength)}` : path);

const sizeText = (bytes: number): string => (bytes === 0 ? '' : `, ${(bytes / 1e6).toFixed(1)} MB`);

/** Returns why a save does not have all of the work. */
export function whyNotAll(result: SaveResult): string {
  const { changedMeanwhile } = result;
  if (changedMeanwhile.length > 0)
    return `These files changed during the save: ${changedMeanwhile.slice(0, maxNames).map(short).join(', ')}.`;
  return lostText(result) ?? 'The repository does not have all of the work.';
}
