import { access, constants, copyFile, link, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import type { Git, GitRunOptions } from '../git-clone/git.ts';
import { storeContents } from './blobs.ts';
import type { Change } from './changes.ts';
import type { CollectSettings } from './collect-settings.ts';
import { writeTree } from './commit.ts';
import { describeSave } from './details.ts';
import type { UnmergedEntry } from './format.ts';
import { importCommits, type NewCommit } from './import-commits.ts';
import { findLargeFiles, type LargeFiles } from './large-files.ts';
import { isProtected, isStaged, type NotSaved } from './not-savable.ts';
import { type RepositoryPath, toFile, toText } from './paths.ts';
import { exists } from './repository.ts';
import { output, records } from './run.ts';
import type { Scan } from './scan.ts';
import type { Scratch } from './scratch.ts';
import { type FileToStore, type StoredFile, storeFiles } from './store-files.ts';

export interface Collected {
  /** The commit of the save. */
  readonly commit: string;
  readonly notSaved: readonly NotSaved[];
  /** Whether the work tree has changed files in Git LFS. */
  readonly usesLfs: boolean;
  /** Whether all files that are new in Git LFS are there because of their size only. */
  readonly onlyLargeFiles: boolean;
  /** Changed files that a filter protects. */
  readonly protectedFiles: readonly RepositoryPath[];
}

/** Creates the commit of a save in the scratch repository, from the files and the index as they are. Throws GitFailure. */
export async function collect(scratch: Scratch, scan: Scan, settings: CollectSettings): Promise<Collected> {
  const { repository } = scan;
  const index = await writeIndex(scratch, scan);
  const own = { ...scratch, git: await withOwnIndex(scratch) };
  const selected = await select(scan);
  const { included, protectedFiles } = selected;
  const large = await findLargeFiles(repository, included, settings.lfsMinimumBytes);
  const added = await addChanges(own, scan, selected, { large, isSubmodule: settings.isSubmodule === true });
  const tree = await writeTree(own.git);
  const details = await describeSave(scratch, scan, { index, included, large, settings, raw: added.raw });
  const { commit: head } = repository.head;
  const save: NewCommit = {
    message: settings.message,
    // The last parent is the first of the new commits.
    parents: [...(head === null ? [] : [head]), 0],
    entries: [{ path: '', kind: 'tree', object: tree }],
  };
  const [, commit = ''] = await importCommits(scratch, [details.commit, save], settings);
  const inSubmodules = settings.submodules.flatMap(({ path, notSaved: inner }) =>
    inner.map((each) => ({ ...each, path: `${toText(path)}/${each.path}` })),
  );
  const hasAttribute = included.some(({ attributes }) => attributes.filter === 'lfs');
  return {
    commit,
    notSaved: [...selected.notSaved, ...added.notSaved, ...details.notSaved, ...inSubmodules],
    usesLfs: large !== undefined || hasAttribute,
    onlyLargeFiles: !hasAttribute,
    protectedFiles,
  };
}

/** Returns git with another index of the same content: the first one stays, for another attempt. */
async function withOwnIndex({ directory, git }: Scratch): Promise<Git> {
  const [from, file] = [join(directory, 'index'), join(directory, 'index-of-files')];
  await rm(file, { force: true });
  // A link keeps the time of the index, which git compares with those of the files.
  if (await exists(from)) await link(from, file);
  return (args, options) => git(args, { ...options, environment: { GIT_INDEX_FILE: file, ...options?.environment } });
}

/** Returns the tree of the work tree, and the files that it does not have. */
export async function createTree(scratch: Scratch, scan: Scan): Promise<{ id: string; notSaved: readonly NotSaved[] }> {
  const selected = await select(scan);
  const added = await addChanges(scratch, scan, selected, { large: undefined, isSubmodule: false });
  return { id: await writeTree(scratch.git), notSaved: [...selected.notSaved, ...added.notSaved] };
}

/** Returns the tree of the index, without unmerged entries, and these entries. */
async function writeIndex(
  { git, directory, idBytes }: Scratch,
  { changes }: Scan,
): Promise<{ tree: string; unmerged: UnmergedEntry[] }> {
  const conflicts = changes.filter(({ isUnmerged }) => isUnmerged);
  if (conflicts.length === 0) return { tree: await writeTree(git), unmerged: [] };
  const file = join(directory, 'index-without-conflicts');
  await copyFile(join(directory, 'index'), file);
  const own: GitRunOptions = { environment: { GIT_INDEX_FILE: file }, encoding: 'latin1' };
  const unmerged = (await records(git, ['ls-files', '--unmerged', '-z'])).flatMap((record) => {
    const [, mode, object, stage, path] = /^(\d+) ([0-9a-f]+) (\d)\t(.*)$/s.exec(record) ?? [];
    return mode && object && path ? [{ mode, object, stage: Number(stage), path }] : [];
  });
  const input = conflicts.map(({ path }) => removal(path, idBytes)).join('');
  await output(git, ['update-index', '-z', '--index-info'], { ...own, input });
  return { tree: await writeTree(git, own), unmerged };
}

/** Returns the line of `update-index --index-info` that removes a path. */
const removal = (path: RepositoryPath, idBytes: number): string => `0 ${'00'.repeat(idBytes)}\t${path}\0`;

interface Selected {
  readonly included: readonly Change[];
  readonly notSaved: readonly NotSaved[];
  /** Files that a filter protects. */
  readonly protectedFiles: readonly RepositoryPath[];
}

async function select({ repository, changes, submodules }: Scan): Promise<Selected> {
  const included: Change[] = [];
  const notSaved: NotSaved[] = [];
  const protectedFiles: RepositoryPath[] = [];
  for (const change of changes) {
    const { path, stat, attributes } = change;
    const leaveOut = (reason: NotSaved['reason'], bytes = 0) => notSaved.push({ path: toText(path), bytes, reason });
    if (stat?.kind === 'special') leaveOut('special-file');
    else if (stat?.kind === 'folder' && !submodules.some((each) => each.path === path)) leaveOut('nested-repository');
    else if (stat?.kind === 'file' && isProtected(attributes.filter) && isStaged(change)) continue;
    else if (stat?.kind === 'file' && isProtected(attributes.filter)) {
      protectedFiles.push(path);
      leaveOut('filtered', stat.size);
    } else if (stat?.kind === 'file' && !(await isReadable(toFile(repository.directory, path))))
      leaveOut('unreadable', stat.size);
    else included.push(change);
  }
  return { included, notSaved, protectedFiles };
}

async function isReadable(file: Buffer): Promise<boolean> {
  try {
    await access(file, constants.R_OK);
    return true;
  } catch (error) {
    // A file that does not exist any more is a deleted one.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return true;
    if (hasCode(error, 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

interface Added {
  /** Files that the work tree may get as they are, and their contents. */
  readonly raw: ReadonlyMap<RepositoryPath, string>;
  readonly notSaved: readonly NotSaved[];
}

/** Adds the changes to the index of the scratch repository, without files that a filter protects. */
async function addChanges(
  scratch: Scratch,
  scan: Scan,
  { included, protectedFiles }: Selected,
  how: { readonly large: LargeFiles | undefined; readonly isSubmodule: boolean },
): Promise<Added> {
  const { repository, changes } = scan;
  const { large } = how;
  const ofKind = (wanted: string) => included.filter(({ stat }) => stat?.kind === wanted);
  // An unmerged file that a filter protects has no version that could be pushed.
  const conflicts = changes.filter(({ path, isUnmerged }) => isUnmerged && protectedFiles.includes(path));
  const gone = [...included.filter(({ stat }) => stat === undefined), ...conflicts];
  const lines = gone.map(({ path }) => removal(path, scratch.idBytes));

  const files = ofKind('file');
  const converts = /^(?:true|input)$/.test(repository.config.get('core.autocrlf') ?? '');
  const toStore = files.map((change) => conversionOf(change, { ...how, converts }));
  if (large?.isReplaced && !files.some(({ path }) => path === '.gitattributes'))
    toStore.push({ path: '.gitattributes', withRaw: true });
  const stored = await storeFiles(scratch, repository.directory, toStore);
  const links = await storeLinks(scratch, repository.directory, ofKind('link'));
  const notSaved: NotSaved[] = [];
  const add = (change: Change, object: string | undefined) => {
    if (object !== undefined) lines.push(`${modeOf(change)} ${object}\t${change.path}\0`);
    // The next scan need not find a difference, for example if another program has moved a folder away and back.
    else notSaved.push({ path: toText(change.path), bytes: change.stat?.size ?? 0, reason: 'changing' });
  };
  for (const [number, change] of files.entries()) add(change, stored[number]?.object);
  for (const [number, change] of ofKind('link').entries()) add(change, links[number]);
  for (const { path } of ofKind('folder')) {
    const commit = scan.submodules.find((each) => each.path === path)?.scan.repository.head.commit;
    if (commit) lines.push(`160000 ${commit}\t${path}\0`);
  }
  if (large) {
    const [object] = await storeContents(scratch, [{ bytes: large.attributes }]);
    lines.push(`100644 ${object}\t.gitattributes\0`);
  }
  if (lines.length > 0)
    await output(scratch.git, ['update-index', '-z', '--index-info'], { input: lines.join(''), encoding: 'latin1' });
  return { raw: rawOf(toStore, stored), notSaved };
}

function rawOf(toStore: readonly FileToStore[], stored: readonly (StoredFile | undefined)[]): Added['raw'] {
  return new Map(
    toStore.flatMap(({ path, withRaw }, number) => {
      const raw = withRaw ? stored[number]?.raw : undefined;
      return raw === undefined ? [] : [[path, raw] as const];
    }),
  );
}

/** Returns how a file is stored: as git converts it, and as it is if a checkout might give other bytes. */
function conversionOf(
  { path, attributes }: Change,
  {
    large,
    isSubmodule,
    converts,
  }: { readonly large: LargeFiles | undefined; readonly isSubmodule: boolean; readonly converts: boolean },
): FileToStore {
  if (large?.paths.has(path)) return { path, conversion: 'filter=lfs -text' };
  const isReplaced = large?.isReplaced === true && path === '.gitattributes';
  const isLfs = attributes.filter === 'lfs' && !isSubmodule;
  if (isLfs) return { path, conversion: attributes.line };
  // The LFS server of a submodule may be another one.
  const conversion = converts || attributes.isConverted ? `${attributes.line} -filter` : undefined;
  return { path, conversion, withRaw: isReplaced || (conversion !== undefined && attributes.filter === null) };
}

/** Returns the mode as git would add the file: by its settings, a repository may ignore permissions and links. */
function modeOf({ record, stat, isUnmerged }: Change): string {
  const mode = record.split(' ')[isUnmerged ? 6 : 5] ?? '';
  if (stat?.kind === 'link') return '120000';
  return /^(?:100644|100755|120000)$/.test(mode) ? mode : (stat?.mode ?? 0) & 0o100 ? '100755' : '100644';
}

async function storeLinks(
  scratch: Scratch,
  directory: string,
  links: readonly Change[],
): Promise<(string | undefined)[]> {
  const targets = await Promise.all(links.map(({ path }) => targetOf(toFile(directory, path))));
  const contents = targets.flatMap((bytes) => (bytes === undefined ? [] : [{ bytes }]));
  const objects = await storeContents(scratch, contents);
  let next = 0;
  return targets.map((target) => (target === undefined ? undefined : objects[next++]));
}

/** Returns the target of a link, as bytes. */
async function targetOf(file: Buffer): Promise<string | undefined> {
  try {
    return (await readlink(file, { encoding: 'buffer' })).toString('latin1');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL', 'EACCES')) return undefined;
    throw error;
  }
}
