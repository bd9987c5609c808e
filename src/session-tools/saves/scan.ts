import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { components } from '../../generated/agent-api.ts';
import { hasCode } from '../../lib/error-code.ts';
import type { Git } from '../git-clone/git.ts';
import { type Change, readStatus, statOf } from './changes.ts';
import { fromText, type RepositoryPath, toFile, toText } from './paths.ts';
import { exists, type Repository, readRepository } from './repository.ts';
import { output, readObjects, records } from './run.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { inProgress } from './state-files.ts';

type Schemas = components['schemas'];
export type NotSaved = Schemas['NotSaved'];

/** What would be lost, of a repository or a submodule. */
export interface Scan {
  readonly repository: Repository;
  readonly changes: readonly Change[];
  /** Branches with commits that no remote branch has; the name of a detached HEAD is null. */
  readonly branches: readonly { readonly name: string | null; readonly commits: number }[];
  /** Commits that no remote branch has. */
  readonly commits: number;
  readonly submodules: readonly SubmoduleScan[];
  readonly lfs: { readonly objects: number; readonly bytes: number };
  readonly notSavable: readonly NotSaved[];
  /** Two scans with the same text have found the same state. */
  readonly fingerprint: string;
}

export interface SubmoduleScan {
  readonly path: RepositoryPath;
  readonly scan: Scan;
}

/** Bytes from which an ignored file or folder is named. */
const ignoredBytes = 1_000_000;
const maxNames = 100;
const maxDepth = 10;

/** Returns whether nothing would be lost. */
export const isEmpty = (scan: Scan): boolean =>
  scan.changes.length === 0 &&
  scan.commits === 0 &&
  scan.repository.stashes.length === 0 &&
  inProgress(scan.repository.state) === null &&
  scan.submodules.every((submodule) => isEmpty(submodule.scan));

/**
 * Scans the repository. Nothing in it is changed, and nothing of its configuration is executed. Throws NoRepository and GitFailure.
 * @param folder where temporary files are created, on the volume of the repository
 */
export async function scanRepository(git: Git, folder: string, directory: string): Promise<Scan> {
  const repository = await readRepository(git, directory);
  const scratch = await createScratch(git, folder, repository);
  try {
    return await scanWith(git, folder, repository, scratch);
  } finally {
    await scratch.remove();
  }
}

/** Scans a repository that has been read, with a scratch repository that the caller removes. */
export async function scanWith(
  git: Git,
  folder: string,
  repository: Repository,
  scratch: Scratch,
  depth = 0,
): Promise<Scan> {
  const [status, unpushed, links] = await Promise.all([
    readStatus(scratch.git, repository.directory),
    findUnpushed(scratch.git, repository),
    listSubmodules(scratch),
  ]);
  const submodules: SubmoduleScan[] = [];
  for (const path of links) {
    const directory = join(repository.directory, toText(path));
    if (depth === maxDepth || fromText(toText(path)) !== path || !(await exists(join(directory, '.git')))) continue;
    const inner = await readRepository(git, directory);
    const own = await createScratch(git, folder, inner);
    try {
      submodules.push({ path, scan: await scanWith(git, folder, inner, own, depth + 1) });
    } finally {
      await own.remove();
    }
  }
  const named = await nameNotSavable(repository, status);
  return {
    repository,
    changes: status.changes,
    ...unpushed,
    submodules,
    lfs: await findLfs(scratch.git, repository, status.changes, unpushed.commits),
    notSavable: named,
    fingerprint: fingerprintOf(repository, status.changes, submodules),
  };
}

/** Returns the branches with commits that no remote-tracking branch of the scratch repository has. */
export async function findUnpushed(git: Git, { head, refs }: Repository): Promise<Pick<Scan, 'branches' | 'commits'>> {
  const tips: { name: string | null; commit: string }[] = [...refs].flatMap(([ref, commit]) => {
    const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    return name === undefined ? [] : [{ name, commit }];
  });
  if (head.branch === null && head.commit !== null) tips.push({ name: null, commit: head.commit });
  const pushed = new Set([...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/remotes/') ? [commit] : [])));
  const open = tips.filter(({ commit }) => !pushed.has(commit));
  if (open.length === 0) return { branches: [], commits: 0 };
  const parents = new Map<string, readonly string[]>();
  const listed = await output(git, ['rev-list', '--parents', '--stdin', '--not', '--remotes'], {
    input: `${[...new Set(open.map(({ commit }) => commit))].join('\n')}\n`,
  });
  for (const line of listed.split('\n')) {
    const [commit, ...others] = line.split(' ');
    if (commit) parents.set(commit, others);
  }
  const branches = open.map(({ name, commit }) => ({ name, commits: countFrom(commit, parents) }));
  return { branches: branches.filter(({ commits }) => commits > 0), commits: parents.size };
}

/** Returns the number of commits in `parents` that are reachable from `tip`. */
function countFrom(tip: string, parents: ReadonlyMap<string, readonly string[]>): number {
  const seen = new Set<string>();
  const open = [tip];
  for (let commit = open.pop(); commit !== undefined; commit = open.pop()) {
    const next = seen.has(commit) ? undefined : parents.get(commit);
    if (!next) continue;
    seen.add(commit);
    open.push(...next);
  }
  return seen.size;
}

/** The bytes of the mode of a submodule in the index. */
const linkMode = Buffer.from([0, 0, 0xe0, 0]);

/** Returns the paths of the submodules in the index. The list of all files is read only if there may be one. */
async function listSubmodules({ directory, git }: Scratch): Promise<RepositoryPath[]> {
  const names = (await readdir(directory)).filter((name) => name === 'index' || name.startsWith('sharedindex.'));
  const indexes = await Promise.all(names.map((name) => readFile(join(directory, name))));
  if (!indexes.some((index) => index.includes(linkMode))) return [];
  return (await records(git, ['ls-files', '--stage', '-z'])).flatMap(
    (record) => /^160000 [0-9a-f]+ \d\t(.*)$/s.exec(record)?.[1] ?? [],
  );
}

/** Pointers are text of less than 1 KB. */
const pointer = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n/;
const maxPointerBytes = 1024;

/** Returns the LFS objects of changed files and of commits that no remote branch has. */
async function findLfs(
  git: Git,
  { commonDirectory, refs, head }: Repository,
  changes: readonly Change[],
  commits: number,
): Promise<Scan['lfs']> {
  let objects = 0;
  let bytes = 0;
  for (const { attributes, stat } of changes) {
    if (attributes.filter !== 'lfs' || stat?.kind !== 'file') continue;
    objects++;
    bytes += stat.size;
  }
  if (commits === 0 || !(await exists(join(commonDirectory, 'lfs')))) return { objects, bytes };
  const tips = [...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/heads/') ? [commit] : []));
  const listed = await output(git, ['rev-list', '--objects', '--no-object-names', '--stdin', '--not', '--remotes'], {
    input: `${[...tips, ...(head.commit === null ? [] : [head.commit])].join('\n')}\n`,
  });
  const described = await output(git, ['cat-file', '--batch-check'], { input: listed });
  const small = described.split('\n').flatMap((line) => {
    const [object, kind, size] = line.split(' ');
    return object && kind === 'blob' && Number(size) < maxPointerBytes ? [object] : [];
  });
  for (const content of await readObjects(git, small)) {
    const [, , size] = pointer.exec(content ?? '') ?? [];
    if (size === undefined) continue;
    objects++;
    bytes += Number(size);
  }
  return { objects, bytes };
}

async function nameNotSavable(
  { directory }: Repository,
  { changes, nested, ignored, unreadable }: Awaited<ReturnType<typeof readStatus>>,
): Promise<NotSaved[]> {
  const named: NotSaved[] = [];
  const walk = { left: 20_000 };
  for (const path of nested)
    named.push({ path: toText(path), bytes: await sizeOf(directory, path, walk), reason: 'nested-repository' });
  for (const path of unreadable) named.push({ path, bytes: 0, reason: 'unreadable' });
  for (const { path, stat, attributes } of changes) {
    if (stat?.kind === 'special') named.push({ path: toText(path), bytes: 0, reason: 'special-file' });
    else if (stat?.kind === 'file' && isProtected(attributes.filter))
      named.push({ path: toText(path), bytes: stat.size, reason: 'filtered' });
  }
  const large: NotSaved[] = [];
  for (const path of ignored) {
    const bytes = await sizeOf(directory, path, walk);
    if (bytes >= ignoredBytes) large.push({ path: toText(path), bytes, reason: 'ignored' });
  }
  large.sort((a, b) => b.bytes - a.bytes);
  return [...named, ...large].slice(0, maxNames);
}

/** Returns whether a filter protects the content of a file: the file is never pushed without the filter, which we do not run. */
export const isProtected = (filter: string | null): boolean => filter !== null && filter !== 'lfs';

/** Returns the bytes in a file or folder. The walk ends after a number of files, so that the result may be too small. */
async function sizeOf(directory: string, path: RepositoryPath, walk: { left: number }): Promise<number> {
  let bytes = 0;
  const open = [path.replace(/\/$/, '')];
  for (let next = open.pop(); next !== undefined && walk.left > 0; next = open.pop()) {
    walk.left--;
    const stat = statOf(directory, next);
    if (stat?.kind === 'file') bytes += stat.size;
    if (stat?.kind !== 'folder') continue;
    const folder = next;
    open.push(...(await namesIn(toFile(directory, folder))).map((name) => `${folder}/${name.toString('latin1')}`));
  }
  return bytes;
}

async function namesIn(folder: Buffer): Promise<Buffer[]> {
  try {
    return await readdir(folder, { encoding: 'buffer' });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

function fingerprintOf(
  { head, refs, stashes, state }: Repository,
  changes: readonly Change[],
  submodules: readonly SubmoduleScan[],
): string {
  const hash = createHash('sha256');
  const local = [...refs].filter(([name]) => name.startsWith('refs/heads/') || name === 'refs/stash');
  hash.update(JSON.stringify([head, local, stashes, state]));
  for (const { record, path, stat } of changes) hash.update(`${record}\0${path}\0${stat?.signature ?? ''}\0`);
  for (const { path, scan } of submodules) hash.update(`${path}\0${scan.fingerprint}\0`);
  return hash.digest('hex');
}

/** Returns files with changes for the API. */
export function describeFiles(changes: readonly Change[]): Schemas['Files'] {
  const bytes = changes.reduce((sum, { stat }) => sum + (stat?.kind === 'file' ? stat.size : 0), 0);
  return { count: changes.length, bytes, names: changes.slice(0, maxNames).map(({ path }) => toText(path)) };
}
