import { asObject, type JsonObject, parseJson } from '../../lib/json.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import type { Git } from '../git-clone/git.ts';
import { type RepositoryPath, readPath, writePath } from './paths.ts';
import { readObjects } from './run.ts';

/**
 * The format of a save. The branch of a save points to one commit. Its tree has the files of the work tree, its first parent is
 * HEAD, so that `git-clone` of renku-notebooks can restore the save, too. Its last parent is the commit of the description, whose
 * tree has `notebook-sessions-save.json` (SaveDescription) and the folders below, and whose parents are all commits that the description names.
 */
export const descriptionFile = 'notebook-sessions-save.json';
export const folder = {
  /** The tree of the index, without unmerged entries. */
  index: 'index',
  /** Blobs of unmerged entries of the index, without those that a partial clone has not fetched. */
  unmerged: 'unmerged',
  /** Files whose bytes differ from those that a checkout of the tree gives. */
  raw: 'raw',
  /** Files in the git directory about a merge or rebase in progress. */
  state: 'state',
  /** Bundles with saves of submodules. */
  submodules: 'submodules',
  /** Contents of tag objects. */
  tags: 'tags',
  /** Git LFS objects, by their ids. */
  lfs: 'lfs',
} as const;

export interface SaveDescription {
  /** RFC 3339. */
  readonly savedAt: string;
  /** `branch` is null if HEAD is detached, `commit` is null if the branch has no commit. */
  readonly head: { readonly branch: string | null; readonly commit: string | null };
  readonly unmerged: readonly UnmergedEntry[];
  /** Paths of `git add --intent-to-add`. */
  readonly intentToAdd: readonly RepositoryPath[];
  readonly branches: readonly SavedBranch[];
  /** The newest first. */
  readonly stashes: readonly { readonly commit: string; readonly message: string }[];
  readonly submodules: readonly { readonly path: RepositoryPath; readonly commit: string }[];
  /** Permissions that git does not store. */
  readonly modes: readonly { readonly path: RepositoryPath; readonly mode: number }[];
  /** Paths of the blobs in `raw`, in order. */
  readonly raw: readonly RepositoryPath[];
  /** Files of the tree that the work tree does not have: `.gitattributes`, if only the save uses Git LFS. */
  readonly added: readonly RepositoryPath[];
  /** Changed files whose content is in Git LFS. */
  readonly lfs: readonly RepositoryPath[];
  /** Names of the files in `state`. */
  readonly state: readonly string[];
  /** Tags that the remote repository does not have. The objects of `folder.tags` are in the order of `tagObjects`. */
  readonly tags: readonly { readonly name: string; readonly object: string }[];
  readonly tagObjects: readonly string[];
  /** Files that `git update-index` has hidden from `git status`. */
  readonly assumeUnchanged: readonly RepositoryPath[];
  readonly skipWorktree: readonly RepositoryPath[];
  /** Git LFS objects in `folder.lfs`. */
  readonly lfsObjects: readonly string[];
  /** Earlier saves with the same name that had not been recovered. */
  readonly former: readonly string[];
}

export interface UnmergedEntry {
  readonly mode: string;
  readonly object: string;
  readonly stage: number;
  readonly path: RepositoryPath;
}

export interface SavedBranch {
  readonly name: string;
  readonly commit: string;
  /** `branch.<name>.remote` and `branch.<name>.merge`. */
  readonly remote: string | null;
  readonly merge: string | null;
}

const version = 1;

export const writeDescription = (description: SaveDescription): string =>
  `${JSON.stringify(
    {
      version,
      ...description,
      unmerged: description.unmerged.map((entry) => ({ ...entry, path: writePath(entry.path) })),
      intentToAdd: description.intentToAdd.map(writePath),
      submodules: description.submodules.map((entry) => ({ ...entry, path: writePath(entry.path) })),
      modes: description.modes.map((entry) => ({ ...entry, path: writePath(entry.path) })),
      raw: description.raw.map(writePath),
      added: description.added.map(writePath),
      lfs: description.lfs.map(writePath),
      assumeUnchanged: description.assumeUnchanged.map(writePath),
      skipWorktree: description.skipWorktree.map(writePath),
    },
    null,
    1,
  )}\n`;

/** Returns the description of a save; undefined if the text is invalid or of another version: anybody may push a save. */
function parseDescription(text: string): SaveDescription | undefined {
  const json = asObject(parseJson(text));
  const head = asObject(json?.['head']);
  if (json?.['version'] !== version || !head) return undefined;
  const list = <T>(name: string, read: (entry: JsonObject) => T | undefined) =>
    listOf(json[name], (e) => readEntry(e, read));
  const paths = (name: string) => listOf(json[name], readPath);
  /** Members that saves of the first version do not have. */
  const later = <T>(name: string, read: (entry: unknown) => T | undefined) => listOf(json[name] ?? [], read);
  const description = {
    savedAt: plainText(json['savedAt']),
    head: { branch: orNull(head['branch'], refName), commit: orNull(head['commit'], objectId) },
    unmerged: list('unmerged', unmergedEntry),
    intentToAdd: paths('intentToAdd'),
    branches: list('branches', savedBranch),
    stashes: list('stashes', ({ commit, message }) =>
      complete({ commit: objectId(commit), message: plainText(message) }),
    ),
    submodules: list('submodules', ({ path, commit }) => complete({ path: readPath(path), commit: objectId(commit) })),
    modes: list('modes', ({ path, mode }) => complete({ path: readPath(path), mode: permissions(mode) })),
    raw: paths('raw'),
    added: paths('added'),
    lfs: paths('lfs'),
    state: listOf(json['state'], plainText),
    former: listOf(json['former'], objectId),
    tags: later('tags', (e) => readEntry(e, savedTag)),
    tagObjects: later('tagObjects', objectId),
    assumeUnchanged: later('assumeUnchanged', readPath),
    skipWorktree: later('skipWorktree', readPath),
    lfsObjects: later('lfsObjects', lfsId),
  };
  return description.head.branch === undefined || description.head.commit === undefined
    ? undefined
    : complete({ ...description, head: { branch: description.head.branch, commit: description.head.commit } });
}

/** Returns the commit of the description of a save, and the description; undefined if this project did not make the save. */
export async function readDescription(
  git: Git,
  save: string,
): Promise<{ commit: string; description: SaveDescription | undefined } | undefined> {
  const [content] = await readObjects(git, [save]);
  const header = content?.slice(0, content.indexOf('\n\n')) ?? '';
  const commit = [...header.matchAll(/^parent ([0-9a-f]+)$/gm)].at(-1)?.[1];
  if (commit === undefined) return undefined;
  const [text] = await readObjects(git, [`${commit}:${descriptionFile}`]);
  return text === undefined
    ? undefined
    : { commit, description: parseDescription(Buffer.from(text, 'latin1').toString()) };
}

export const isObjectId = (text: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);

type Complete<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Returns the object if none of its members is undefined. */
function complete<T extends object>(value: T): Complete<T> | undefined {
  return isComplete(value) ? value : undefined;
}

const isComplete = <T extends object>(value: T): value is T & Complete<T> =>
  Object.values(value).every((member) => member !== undefined);

/** Returns undefined if the value is not a list, or if an entry is invalid. */
function listOf<T>(value: unknown, read: (entry: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const entries = value.flatMap((entry) => read(entry) ?? []);
  return entries.length === value.length ? entries : undefined;
}

function readEntry<T>(value: unknown, read: (entry: JsonObject) => T | undefined): T | undefined {
  const entry = asObject(value);
  return entry && read(entry);
}

const unmergedEntry = ({ mode, object, stage, path }: JsonObject): UnmergedEntry | undefined =>
  complete({
    mode: typeof mode === 'string' && /^(?:100644|100755|120000|160000)$/.test(mode) ? mode : undefined,
    object: objectId(object),
    stage: stage === 1 || stage === 2 || stage === 3 ? stage : undefined,
    path: readPath(path),
  });

function savedBranch({ name, commit, remote, merge }: JsonObject): SavedBranch | undefined {
  const read = {
    name: refName(name),
    commit: objectId(commit),
    remote: orNull(remote, refName),
    merge: orNull(merge, refName),
  };
  return complete(read);
}

const savedTag = ({ name, object }: JsonObject): { name: string; object: string } | undefined =>
  complete({ name: refName(name), object: objectId(object) });

const orNull = <T>(value: unknown, read: (value: unknown) => T | undefined): T | null | undefined =>
  value === null ? null : read(value);
const plainText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const objectId = (value: unknown): string | undefined =>
  typeof value === 'string' && isObjectId(value) ? value : undefined;
const lfsId = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[0-9a-f]{64}$/.test(value) ? value : undefined;
const refName = (value: unknown): string | undefined =>
  typeof value === 'string' && isRefName(value) ? value : undefined;
const permissions = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0o777 ? value : undefined;
