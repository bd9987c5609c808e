import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git-clone/git.ts';
import { type Change, type ChangeRecord, readStatus, readStatusRecords } from './changes.ts';
import { type Hidden, openIndex } from './hidden-files.ts';
import { findLfs, type LfsObjects } from './lfs-objects.ts';
import { type NotSaved, nameNotSavable } from './not-savable.ts';
import { fromText, type RepositoryPath, toText } from './paths.ts';
import { exists, type Repository, type RepositoryContext, readAgain, readRepository, tipsOf } from './repository.ts';
import { output } from './run.ts';
import { createScratch, type Scratch } from './scratch.ts';
import { inProgress } from './state-files.ts';
import { readSubmodule } from './tags.ts';

/** What would be lost, of a repository or a submodule. */
export interface Scan {
  readonly repository: Repository;
  readonly changes: readonly Change[];
  /** Branches with commits that no remote branch has; the name of a detached HEAD is null. */
  readonly branches: readonly { readonly name: string | null; readonly commits: number }[];
  /** Commits that no remote branch has. */
  readonly commits: number;
  readonly submodules: readonly SubmoduleScan[];
  readonly lfs: LfsObjects;
  /** Files that `git status` does not look at in the user's repository. */
  readonly hidden: Hidden;
  readonly notSavable: readonly NotSaved[];
  /** Two scans with the same text have found the same state. */
  readonly fingerprint: string;
}

export interface SubmoduleScan {
  readonly path: RepositoryPath;
  readonly scan: Scan;
}

const maxDepth = 10;

/** Returns whether nothing would be lost. */
export const isEmpty = (scan: Scan): boolean =>
  scan.changes.length === 0 &&
  scan.commits === 0 &&
  scan.repository.stashes.length === 0 &&
  scan.repository.tags.size === 0 &&
  inProgress(scan.repository.state) === null &&
  scan.submodules.every((submodule) => isEmpty(submodule.scan));

/**
 * Scans the repository. Nothing in it is changed, and nothing of its configuration is executed. Throws NoRepository and GitFailure.
 * @param folder where temporary files are created, on the volume of the repository
 */
export async function scanRepository(
  git: Git,
  folder: string,
  directory: string,
  context?: RepositoryContext,
): Promise<Scan> {
  const repository = await readRepository(git, directory, context);
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
  const { submodules: links, hidden } = await openIndex(scratch, repository.directory);
  const [status, unpushed] = await Promise.all([
    readStatus(scratch.git, repository.directory, repository.isSynced),
    findUnpushed(scratch.git, repository),
  ]);
  const scanInner: Visit<Scan> = (inner, own) => scanWith(git, folder, inner, own, depth + 1);
  const submodules = await visitSubmodules(git, folder, repository, depth === maxDepth ? [] : links, scanInner);
  return {
    repository,
    changes: status.changes,
    ...unpushed,
    submodules,
    lfs: await findLfs(scratch.git, repository, status.changes, unpushed.commits),
    hidden,
    notSavable: await nameNotSavable(repository.directory, status, repository.isSynced),
    fingerprint: fingerprintOf(repository, status.changes, submodules),
  };
}

/** What tells whether a repository has changed since a scan. */
export interface State {
  readonly changes: readonly ChangeRecord[];
  /** As that of a scan. */
  readonly fingerprint: string;
}

/** Returns the present state of a repository that was scanned before, with fewer processes of git. Throws as `scanRepository`. */
export async function readState(
  git: Git,
  folder: string,
  scanned: Repository,
  context: RepositoryContext,
): Promise<State> {
  const repository = await readAgain(git, scanned, context);
  const scratch = await createScratch(git, folder, repository);
  try {
    return await readStateWith(git, folder, repository, scratch, 0);
  } finally {
    await scratch.remove();
  }
}

async function readStateWith(
  git: Git,
  folder: string,
  repository: Repository,
  scratch: Scratch,
  depth: number,
): Promise<State> {
  const { submodules: links } = await openIndex(scratch, repository.directory);
  const { changes } = await readStatusRecords(scratch.git, repository.directory, repository.isSynced);
  const readInner: Visit<State> = (inner, own) => readStateWith(git, folder, inner, own, depth + 1);
  const submodules = await visitSubmodules(git, folder, repository, depth === maxDepth ? [] : links, readInner);
  return { changes, fingerprint: fingerprintOf(repository, changes, submodules) };
}

type Visit<T> = (repository: Repository, scratch: Scratch) => Promise<T>;

/** Visits the submodules that are repositories, one after the other. */
async function visitSubmodules<T>(
  git: Git,
  folder: string,
  { directory, home }: Repository,
  paths: readonly RepositoryPath[],
  visit: Visit<T>,
): Promise<{ path: RepositoryPath; scan: T }[]> {
  const visited: { path: RepositoryPath; scan: T }[] = [];
  for (const path of paths) {
    if (!(await isSubmodule(directory, path))) continue;
    const inner = await readSubmodule(git, folder, join(directory, toText(path)), home);
    const scratch = await createScratch(git, folder, inner);
    try {
      visited.push({ path, scan: await visit(inner, scratch) });
    } finally {
      await scratch.remove();
    }
  }
  return visited;
}

/** Returns whether the path is a repository in the work tree. A link could lead out of the work tree. */
async function isSubmodule(root: string, path: RepositoryPath): Promise<boolean> {
  const directory = join(root, toText(path));
  if (fromText(toText(path)) !== path || !(await exists(join(directory, '.git')))) return false;
  return (await realpath(directory)) === join(await realpath(root), toText(path));
}

/** Returns the branches with commits that no remote-tracking branch of the scratch repository has. */
export async function findUnpushed(git: Git, repository: Repository): Promise<Pick<Scan, 'branches' | 'commits'>> {
  const { head, refs } = repository;
  const tips: { name: string | null; commit: string }[] = [...refs].flatMap(([ref, commit]) => {
    const name = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
    return name === undefined ? [] : [{ name, commit }];
  });
  if (head.branch === null && head.commit !== null) tips.push({ name: null, commit: head.commit });
  const pushed = new Set([...refs].flatMap(([ref, commit]) => (ref.startsWith('refs/remotes/') ? [commit] : [])));
  const open = tips.filter(({ commit }) => !pushed.has(commit));
  const wanted = tipsOf(repository).filter((commit) => !pushed.has(commit));
  if (wanted.length === 0) return { branches: [], commits: 0 };
  const parents = new Map<string, readonly string[]>();
  const listed = await output(git, ['rev-list', '--parents', '--stdin', '--not', '--remotes'], {
    input: `${wanted.join('\n')}\n`,
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

function fingerprintOf(
  { head, refs, tags, stashes, state }: Repository,
  changes: readonly ChangeRecord[],
  submodules: readonly { readonly path: RepositoryPath; readonly scan: Pick<Scan, 'fingerprint'> }[],
): string {
  const hash = createHash('sha256');
  const local = [...refs].filter(([name]) => name.startsWith('refs/heads/') || name === 'refs/stash');
  hash.update(JSON.stringify([head, local, [...tags], stashes, state]));
  for (const { record, path, stat } of changes) hash.update(`${record}\0${path}\0${stat?.signature ?? ''}\0`);
  for (const { path, scan } of submodules) hash.update(`${path}\0${scan.fingerprint}\0`);
  return hash.digest('hex');
}
