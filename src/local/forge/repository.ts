import type { Deadline } from '../../lib/deadline.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import { type Commit, withOffset } from './commit.ts';
import { CommitBatch } from './commit-batch.ts';
import { forgeEnvironment, GitFailed, git, ownEnvironment } from './git.ts';
import type { ForgeProject } from './records.ts';

export interface Branch {
  readonly name: string;
  readonly commit: Commit;
}

export interface Facts {
  /** The branch of HEAD; `main`, `master` or the newest one if HEAD is detached; null for a repository without branches. */
  readonly defaultBranch: string | null;
  /** ISO date of the newest commit on any branch. */
  readonly newestCommitAt: string | null;
}

/** Returns the environment of git for this project. */
export function environmentOf(
  project: ForgeProject,
  extra: readonly (readonly [string, string])[] = [],
): Record<string, string> {
  return project.ownPath === null ? forgeEnvironment(extra) : ownEnvironment(extra);
}

function run(project: ForgeProject, args: readonly string[], deadline: Deadline, accept: number[] = []) {
  return git([`--git-dir=${project.gitDir}`, ...args], { environment: environmentOf(project), deadline, accept });
}

export async function readFacts(project: ForgeProject, deadline: Deadline): Promise<Facts> {
  const tips = await datedTips(project, deadline);
  const [newest] = tips.filter(({ date }) => date !== undefined).sort((one, other) => instant(other) - instant(one));
  const named = (wanted: string) => tips.find(({ name }) => name === wanted);
  const chosen = tips.find(({ current }) => current) ?? named('main') ?? named('master') ?? newest ?? tips[0];
  return {
    defaultBranch: chosen?.name ?? null,
    newestCommitAt: newest ? new Date(instant(newest)).toISOString() : null,
  };
}

const instant = ({ date }: DatedTip) => Date.parse(date ?? '');

interface DatedTip extends Tip {
  /** ISO date; undefined if the commit is missing. */
  readonly date: string | undefined;
}

/**
 * Reads all branches with one git process, and with more if a commit is missing, because then the first one fails. Dates are
 * requested in raw form and without sorting, because git fails at a date that it cannot format.
 */
async function datedTips(project: ForgeProject, deadline: Deadline): Promise<DatedTip[]> {
  try {
    const format = `${tipFormat}%00%(committerdate:raw)`;
    const { stdout } = await run(project, ['for-each-ref', `--format=${format}`, 'refs/heads/'], deadline);
    return lines(stdout).map((line) => ({ ...tipIn(line), date: withOffset(line.split('\0')[3] ?? '') }));
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    const tips = await listTips(project, deadline);
    const ids = tips.map(({ sha }) => sha);
    const commits = await readCommits(project, ids, deadline, keptBytes.header);
    return tips.map((tip, index) => ({ ...tip, date: commits[index]?.committer.date }));
  }
}

/** A branch and the id of its commit. In a damaged repository the commit may be missing. */
export interface Tip {
  readonly name: string;
  readonly sha: string;
  /** True for the branch of HEAD. */
  readonly current: boolean;
}

/** Returns all branches, sorted by name, or only the branch `only`. */
export async function listTips(project: ForgeProject, deadline: Deadline, only?: string): Promise<Tip[]> {
  if (only !== undefined && !isRefName(only)) return [];
  const pattern = only === undefined ? 'refs/heads/' : `refs/heads/${only}`;
  const { stdout } = await run(project, ['for-each-ref', `--format=${tipFormat}`, pattern], deadline);
  const tips = lines(stdout).map(tipIn);
  // The pattern refs/heads/feature also matches refs/heads/feature/one.
  return only === undefined ? tips : tips.filter(({ name }) => name === only);
}

/** Only fields that git prints without reading the commit: git would stop at a commit that it cannot read. */
const tipFormat = '%(HEAD)%00%(refname)%00%(objectname)';

function tipIn(line: string): Tip {
  const [head = '', ref = '', sha = ''] = line.split('\0');
  return { name: ref.slice('refs/heads/'.length), sha, current: head === '*' };
}

/** Returns undefined if there is no such branch or its commit cannot be read. */
export async function readBranch(project: ForgeProject, name: string, deadline: Deadline): Promise<Branch | undefined> {
  if (!isRefName(name)) return undefined;
  const [[tip], [commit]] = await Promise.all([
    listTips(project, deadline, name),
    readCommits(project, [`refs/heads/${name}`], deadline, keptBytes.one),
  ]);
  if (!tip) return undefined;
  if (commit?.sha === tip.sha) return { name, commit };
  const [branch] = await readBranches(project, [tip], deadline);
  return branch;
}

/** Returns the branches with their commits. A branch with a commit that cannot be read is omitted. */
export async function readBranches(project: ForgeProject, tips: readonly Tip[], deadline: Deadline): Promise<Branch[]> {
  const commits = await readCommits(
    project,
    tips.map(({ sha }) => sha),
    deadline,
    keptBytes.listed,
  );
  return tips.flatMap(({ name }, index) => {
    const commit = commits[index];
    return commit ? [{ name, commit }] : [];
  });
}

/** Maximum number of bytes of a commit that are kept. The header lines come first, and a message may have any length. */
const keptBytes = { header: 4 * 1024, listed: 8 * 1024, one: 256 * 1024 } as const;

/** Passes names to git on its standard input, never as arguments. */
async function readCommits(
  project: ForgeProject,
  expressions: readonly string[],
  deadline: Deadline,
  keepBytes: number,
): Promise<readonly (Commit | undefined)[]> {
  if (expressions.length === 0) return [];
  const batch = new CommitBatch(keepBytes);
  await git([`--git-dir=${project.gitDir}`, 'cat-file', '--batch'], {
    environment: environmentOf(project),
    deadline,
    input: `${expressions.join('\n')}\n`,
    consume: batch.take,
  });
  return batch.commits;
}

/** Returns a commit by its full or short id, a tag or a branch; undefined if there is none. */
export async function findCommit(project: ForgeProject, ref: string, deadline: Deadline): Promise<Commit | undefined> {
  const [found] = await findCommits(project, [ref], deadline);
  return found;
}

/** Returns several commits as `findCommit` does, with one git process. */
export async function findCommits(
  project: ForgeProject,
  refs: readonly string[],
  deadline: Deadline,
): Promise<(Commit | undefined)[]> {
  const candidates = refs.map(expressionsFor);
  const commits = await readCommits(project, candidates.flat(), deadline, keptBytes.one);
  let next = 0;
  return candidates.map((own) => {
    const found = commits.slice(next, next + own.length);
    next += own.length;
    return found.find((commit) => commit !== undefined);
  });
}

/** Returns git's expressions for a name, in GitLab's order: ids, tags and branches only, so that stashes stay private. */
function expressionsFor(ref: string): string[] {
  if (!isRefName(ref)) return [];
  const id = /^[0-9a-f]{4,64}$/i.test(ref) ? [`${ref}^{commit}`] : [];
  const head = ref === 'HEAD' ? ['HEAD^{commit}'] : [];
  return [...id, ...head, `refs/tags/${ref}^{commit}`, `refs/heads/${ref}^{commit}`];
}

/** Returns one page of the history of a commit (full id), newest first, and whether there are more commits. */
export async function listCommits(
  project: ForgeProject,
  sha: string,
  { perPage, page }: { perPage: number; page: number },
  deadline: Deadline,
): Promise<{ commits: Commit[]; hasMore: boolean }> {
  const range = [`--max-count=${perPage + 1}`, `--skip=${(page - 1) * perPage}`];
  const { stdout } = await run(project, ['rev-list', ...range, sha, '--'], deadline);
  const shas = lines(stdout);
  const commits = await findCommits(project, shas.slice(0, perPage), deadline);
  return { commits: commits.filter((commit) => commit !== undefined), hasMore: shas.length > perPage };
}

/** Returns the best common ancestor of commits (full ids); undefined if there is none. */
export async function mergeBase(
  project: ForgeProject,
  shas: readonly string[],
  deadline: Deadline,
): Promise<string | undefined> {
  const { exitCode, stdout } = await run(project, ['merge-base', ...shas], deadline, [1]);
  return exitCode === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** GitLab lists at most this number of files, too. */
const maxComparedFiles = 1_000;
const maxComparedCommits = 1_000;

export interface ComparedFile {
  readonly path: string;
  /** git's letter: A (added), D (deleted), M (modified), T (another type). */
  readonly change: string;
}

/** Returns the commits and files that `to` has and `from` has not (full ids), the oldest commit first; files by their common ancestor. */
export async function compareCommits(
  project: ForgeProject,
  { from, to }: { readonly from: string; readonly to: string },
  deadline: Deadline,
): Promise<{ commits: Commit[]; files: ComparedFile[]; hasAllFiles: boolean }> {
  const range = ['rev-list', '--reverse', `--max-count=${maxComparedCommits}`, `${from}..${to}`, '--'];
  const [listed, base] = await Promise.all([run(project, range, deadline), mergeBase(project, [from, to], deadline)]);
  const diff = ['diff-tree', '-r', '-z', '--no-renames', '--name-status', base ?? from, to, '--'];
  const [commits, changed] = await Promise.all([
    findCommits(project, lines(listed.stdout), deadline),
    run(project, diff, deadline),
  ]);
  const fields = changed.stdout.toString('utf8').split('\0').slice(0, -1);
  const files: ComparedFile[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2)
    files.push({ change: fields[index] ?? '', path: fields[index + 1] ?? '' });
  return {
    commits: commits.filter((commit) => commit !== undefined),
    files: files.slice(0, maxComparedFiles),
    hasAllFiles: files.length <= maxComparedFiles,
  };
}

/** Deletes a branch, which must exist. Returns false if it is checked out in a working tree. */
export async function deleteBranch(project: ForgeProject, name: string, deadline: Deadline): Promise<boolean> {
  try {
    await run(project, ['branch', '--delete', '--force', '--', name], deadline);
    return true;
  } catch (error) {
    if (error instanceof GitFailed && /checked out|used by worktree/.test(error.stderr)) return false;
    throw error;
  }
}

function lines(output: Buffer): string[] {
  return output
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}
