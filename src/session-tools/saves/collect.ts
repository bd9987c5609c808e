import { access, appendFile, constants, copyFile, link, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import type { Git, GitRunOptions } from '../git-clone/git.ts';
import type { Change } from './changes.ts';
import { descriptionFile, folder, type SaveDescription, type UnmergedEntry, writeDescription } from './format.ts';
import { addLargeFiles, type LargeFiles } from './large-files.ts';
import { fromText, type RepositoryPath, toFile, toText } from './paths.ts';
import { exists, textOf } from './repository.ts';
import { output, records } from './run.ts';
import { isProtected, type NotSaved, type Scan } from './scan.ts';
import type { Scratch } from './scratch.ts';
import { isStateFile, objectsIn } from './state-files.ts';

export interface Author {
  readonly name: string;
  readonly email: string;
}

export interface CollectSettings {
  readonly author: Author;
  /** The message of the commit. */
  readonly message: string;
  readonly savedAt: Date;
  /** New files of at least this size are stored in Git LFS; undefined: none. */
  readonly lfsMinimumBytes: number | undefined;
  /** Saves with the same name, which the new one replaces and keeps. */
  readonly former: readonly string[];
  /** Stores files as they are also if their attributes say Git LFS: the LFS server of a submodule may be another one. */
  readonly isSubmodule?: boolean;
  /** Bundles of the submodules. */
  readonly submodules: readonly SavedSubmodule[];
}

export interface SavedSubmodule {
  readonly path: RepositoryPath;
  readonly commit: string;
  /** The file of the bundle. */
  readonly bundle: string;
  /** With paths in the submodule. */
  readonly notSaved: readonly NotSaved[];
}

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

/**
 * Creates the commit of a save in the scratch repository, from the files and the index as they are. Throws GitFailure, also if a
 * file disappears at the same time.
 */
export async function collect(scratch: Scratch, scan: Scan, settings: CollectSettings): Promise<Collected> {
  const { directory } = scratch;
  const { repository } = scan;
  const index = await writeIndex(scratch, scan);
  const git = await withOwnIndex(scratch);
  const { included, notSaved, protectedFiles } = await select(repository.directory, scan.changes);
  const large = await addLargeFiles(scratch, repository, included, settings.lfsMinimumBytes);
  if (settings.isSubmodule) await appendFile(join(directory, 'info', 'attributes'), '\n* -filter\n');
  await addChanges(git, included, protectedFiles, scan.changes);
  if (large) await addBlob(git, '.gitattributes', large.attributes, directory);
  const tree = (await output(git, ['write-tree', '--missing-ok'])).trimEnd();
  const details = await writeDetails(scratch, scan, { index, included, large, settings });
  const parents = [...(repository.head.commit === null ? [] : [repository.head.commit]), details];
  const commit = await writeCommit(git, tree, parents, settings);
  const inSubmodules = settings.submodules.flatMap(({ path, notSaved: inner }) =>
    inner.map((each) => ({ ...each, path: `${toText(path)}/${each.path}` })),
  );
  const hasAttribute = included.some(({ attributes }) => attributes.filter === 'lfs');
  const usesLfs = large !== undefined || hasAttribute;
  return { commit, notSaved: [...notSaved, ...inSubmodules], usesLfs, onlyLargeFiles: !hasAttribute, protectedFiles };
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
  const { included, notSaved, protectedFiles } = await select(scan.repository.directory, scan.changes);
  await addChanges(scratch.git, included, protectedFiles, scan.changes);
  return { id: (await output(scratch.git, ['write-tree', '--missing-ok'])).trimEnd(), notSaved };
}

/** Returns the tree of the index, without unmerged entries, and these entries. */
async function writeIndex(
  { git, directory }: Scratch,
  { changes }: Scan,
): Promise<{ tree: string; unmerged: UnmergedEntry[] }> {
  const conflicts = changes.filter(({ isUnmerged }) => isUnmerged);
  if (conflicts.length === 0)
    return { tree: (await output(git, ['write-tree', '--missing-ok'])).trimEnd(), unmerged: [] };
  const file = join(directory, 'index-without-conflicts');
  await copyFile(join(directory, 'index'), file);
  const own: GitRunOptions = { environment: { GIT_INDEX_FILE: file }, encoding: 'latin1' };
  const unmerged = (await records(git, ['ls-files', '--unmerged', '-z'])).flatMap((record) => {
    const [, mode, object, stage, path] = /^(\d+) ([0-9a-f]+) (\d)\t(.*)$/s.exec(record) ?? [];
    return mode && object && path ? [{ mode, object, stage: Number(stage), path }] : [];
  });
  const input = conflicts.map(({ path }) => removal(path, unmerged[0]?.object ?? '')).join('');
  await output(git, ['update-index', '-z', '--index-info'], { ...own, input });
  return { tree: (await output(git, ['write-tree', '--missing-ok'], own)).trimEnd(), unmerged };
}

/** Returns the line of `update-index --index-info` that removes a path. The id has the length of the ids of the repository. */
const removal = (path: RepositoryPath, object: string): string => `0 ${'0'.repeat(object.length || 40)}\t${path}\0`;

async function select(
  directory: string,
  changes: readonly Change[],
): Promise<{ included: Change[]; notSaved: NotSaved[]; protectedFiles: RepositoryPath[] }> {
  const included: Change[] = [];
  const notSaved: NotSaved[] = [];
  const protectedFiles: RepositoryPath[] = [];
  for (const change of changes) {
    const { path, stat, attributes } = change;
    if (stat?.kind === 'special') notSaved.push({ path: toText(path), bytes: 0, reason: 'special-file' });
    else if (stat?.kind === 'file' && isProtected(attributes.filter)) {
      protectedFiles.push(path);
      notSaved.push({ path: toText(path), bytes: stat.size, reason: 'filtered' });
    } else if (stat?.kind === 'file' && !(await isReadable(toFile(directory, path))))
      notSaved.push({ path: toText(path), bytes: stat.size, reason: 'unreadable' });
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

/** Adds the changes to the index of the scratch repository: files as they are, without those that a filter protects. */
async function addChanges(
  git: Git,
  included: readonly Change[],
  protectedFiles: readonly RepositoryPath[],
  all: readonly Change[],
): Promise<void> {
  const gone = included.filter(({ stat }) => stat === undefined);
  // An unmerged file that a filter protects has no version that could be pushed.
  const conflicts = all.filter(({ path, isUnmerged }) => isUnmerged && protectedFiles.includes(path));
  const removed = [...gone, ...conflicts];
  const idLength = /[0-9a-f]{64}/.test(all[0]?.record ?? '') ? 64 : 40;
  if (removed.length > 0) {
    const input = removed.map(({ path }) => removal(path, '0'.repeat(idLength))).join('');
    await output(git, ['update-index', '-z', '--index-info'], { input, encoding: 'latin1' });
  }
  const added = included.filter(({ stat }) => stat !== undefined);
  if (added.length === 0) return;
  const input = added.map(({ path }) => `${path}\0`).join('');
  const args = ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'];
  await output(git, args, { input, encoding: 'latin1' });
}

async function addBlob(git: Git, path: string, content: string, directory: string): Promise<void> {
  const file = join(directory, 'blob');
  await writeFile(file, content, 'latin1');
  const [object] = await hashFiles(git, [Buffer.from(file).toString('latin1')]);
  const input = `100644 ${object}\t${path}\0`;
  await output(git, ['update-index', '-z', '--index-info'], { input, encoding: 'latin1' });
}

/** Adds files of the work tree to an index, without any filter. */
export async function addAsIs(
  { git }: Scratch,
  paths: readonly RepositoryPath[],
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  // Relative to the work tree, in which git runs.
  const objects = await hashFiles(git, paths);
  const input = paths.map((path, index) => `100644 ${objects[index]}\t${path}\0`).join('');
  await output(git, ['update-index', '-z', '--add', '--index-info'], { input, encoding: 'latin1', environment });
}

/** Stores the files as they are, and returns the ids of their objects. */
async function hashFiles(git: Git, files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  const input = files.map((file) => `${quotedLine(file)}\n`).join('');
  const args = ['hash-object', '-w', '--no-filters', '--stdin-paths'];
  return (await output(git, args, { input, encoding: 'latin1' })).trimEnd().split('\n');
}

/** Returns the name as git reads names from lines. */
const quotedLine = (file: string): string =>
  /[\r\n"\\]/.test(file)
    ? `"${file.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`
    : file;

interface Details {
  readonly index: { readonly tree: string; readonly unmerged: readonly UnmergedEntry[] };
  readonly included: readonly Change[];
  readonly large: LargeFiles | undefined;
  readonly settings: CollectSettings;
}

/** Creates the commit of the description, and returns its id. */
async function writeDetails({ git, directory }: Scratch, scan: Scan, details: Details): Promise<string> {
  const { repository } = scan;
  const { index, included, large, settings } = details;
  const inTree = (path: RepositoryPath) => toFile(repository.directory, path).toString('latin1');
  const state = await readState(repository.gitDirectory, repository.state);
  const converts = /^(?:true|input)$/.test(repository.config.get('core.autocrlf') ?? '');
  const raw = included.flatMap(({ path, stat, attributes }) =>
    stat?.kind === 'file' &&
    attributes.filter === null &&
    (converts || attributes.isConverted) &&
    !large?.paths.includes(path)
      ? [path]
      : [],
  );
  if (large?.isReplaced && !raw.includes('.gitattributes')) raw.push('.gitattributes');
  const description: SaveDescription = {
    savedAt: settings.savedAt.toISOString(),
    head: repository.head,
    unmerged: index.unmerged,
    intentToAdd: included.filter(({ state: xy }) => xy === '.A').map(({ path }) => path),
    branches: branchesOf(repository),
    stashes: repository.stashes,
    submodules: settings.submodules.map(({ path, commit }) => ({ path, commit })),
    modes: included.flatMap(({ path, stat }) =>
      stat?.kind === 'file' && stat.mode !== 0o644 && stat.mode !== 0o755 ? [{ path, mode: stat.mode }] : [],
    ),
    raw,
    added: large && !large.isReplaced ? ['.gitattributes'] : [],
    lfs: settings.isSubmodule
      ? []
      : included.flatMap(({ path, stat, attributes }) =>
          stat?.kind === 'file' && (attributes.filter === 'lfs' || large?.paths.includes(path)) ? [path] : [],
        ),
    state: state.map(({ name }) => name),
    former: settings.former,
  };
  const files = [
    { name: descriptionFile, content: fromText(writeDescription(description)) },
    ...state.map(({ name, content }) => ({ name: `${folder.state}/${name}`, content })),
  ];
  const written = await Promise.all(
    files.map(async ({ content }, number) => {
      const file = join(directory, `detail-${number}`);
      await writeFile(file, content, 'latin1');
      return file;
    }),
  );
  const sources = [
    ...files.map(({ name }, number) => ({ name, file: Buffer.from(written[number] ?? '').toString('latin1') })),
    ...raw.map((path, number) => ({ name: `${folder.raw}/${number}`, file: inTree(path) })),
    ...settings.submodules.map(({ bundle }, number) => ({
      name: `${folder.submodules}/${number}`,
      file: Buffer.from(bundle).toString('latin1'),
    })),
  ];
  const objects = await hashFiles(
    git,
    sources.map(({ file }) => file),
  );
  const entries = [
    ...sources.map(({ name }, number) => `100644 ${objects[number]}\t${name}\0`),
    ...index.unmerged
      .filter(({ mode }) => mode !== '160000')
      .map(({ object }, number) => `100644 ${object}\t${folder.unmerged}/${number}\0`),
  ];
  const own: GitRunOptions = { environment: { GIT_INDEX_FILE: join(directory, 'details') }, encoding: 'latin1' };
  await output(git, ['update-index', '-z', '--add', '--index-info'], { ...own, input: entries.join('') });
  const partial = (await output(git, ['write-tree', '--missing-ok'], own)).trimEnd();
  const listed = await output(git, ['ls-tree', '-z', partial]);
  const input = `${listed}040000 tree ${index.tree}\t${folder.index}\0`;
  const tree = (await output(git, ['mktree', '-z', '--missing'], { input })).trimEnd();
  const parents = await findParents(git, scan, settings, state);
  return writeCommit(git, tree, parents, { ...settings, message: `Details of the save: ${settings.message}` });
}

/** Returns the contents as bytes (`latin1`): a patch can have any encoding. */
async function readState(gitDirectory: string, names: readonly string[]): Promise<{ name: string; content: string }[]> {
  const read = names.map(async (name) => ({ name, content: await textOf(join(gitDirectory, name), 'latin1') }));
  return (await Promise.all(read)).flatMap(({ name, content }) =>
    content !== undefined && isStateFile(name, content) ? [{ name, content }] : [],
  );
}

function branchesOf({ refs, config }: Scan['repository']): SaveDescription['branches'] {
  return [...refs].flatMap(([ref, commit]) => {
    const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    if (name === undefined) return [];
    const of = (key: string) => config.get(`branch.${name}.${key}`) ?? null;
    return [{ name, commit, remote: of('remote'), merge: of('merge') }];
  });
}

/** Returns the commits that the save must keep, besides HEAD. */
async function findParents(
  git: Git,
  { repository }: Scan,
  { former }: CollectSettings,
  state: readonly { readonly content: string }[],
): Promise<string[]> {
  const { refs, stashes, head } = repository;
  const named = state.flatMap(({ content }) => objectsIn(content));
  const tips = [...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/heads/') ? [commit] : []));
  const wanted = [...new Set([...tips, ...stashes.map(({ commit }) => commit), ...former, ...named])];
  if (wanted.length === 0) return [];
  const described = await output(git, ['cat-file', '--batch-check'], { input: `${wanted.join('\n')}\n` });
  const commits = described.split('\n').flatMap((line) => /^([0-9a-f]+) commit \d+$/.exec(line)?.[1] ?? []);
  const missing = [...tips, ...former].filter((commit) => !commits.includes(commit));
  if (missing.length > 0) throw new Error(`the repository does not have the commit ${missing[0]} of a branch`);
  return commits.filter((commit) => commit !== head.commit);
}

export async function writeCommit(
  git: Git,
  tree: string,
  parents: readonly string[],
  { author, message, savedAt }: Pick<CollectSettings, 'author' | 'message' | 'savedAt'>,
): Promise<string> {
  const date = `${Math.floor(savedAt.getTime() / 1000)} +0000`;
  const environment = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((role) => [
      [`GIT_${role}_NAME`, author.name],
      [`GIT_${role}_EMAIL`, author.email],
      [`GIT_${role}_DATE`, date],
    ]),
  );
  const args = ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent])];
  return (await output(git, args, { environment, input: message })).trimEnd();
}
