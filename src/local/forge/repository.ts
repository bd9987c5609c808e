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
  /** The branch that HEAD names, or the most usual one where HEAD is detached; null for a repository without branches. */
  readonly defaultBranch: string | null;
  /** ISO date of the newest commit on any branch. */
  readonly newestCommitAt: string | null;
}

/** The environment for any git that works on this project. */
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
  const usual = tips.find(({ current }) => current) ?? named('main') ?? named('master') ?? newest ?? tips[0];
  return {
    defaultBranch: usual?.name ?? null,
    newestCommitAt: newest ? new Date(instant(newest)).toISOString() : null,
  };
}

const instant = ({ date }: DatedTip) => Date.parse(date ?? '');

interface DatedTip extends Tip {
  /** ISO date; undefined where the commit is missing. */
  readonly date: string | undefined;
}

/**
 * One git process for all, but where a commit is missing: that ends the first one. Raw, and not sorted by git: git ends
 * at a date that it cannot format, and to sort by dates it formats them.
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

/** A branch and the id of its commit, which may be missing in a damaged repository. */
export interface Tip {
  readonly name: string;
  readonly sha: string;
  /** HEAD names it. */
  readonly current: boolean;
}

/** All branches by name, or only the one called `only`. */
export async function listTips(project: ForgeProject, deadline: Deadline, only?: string): Promise<Tip[]> {
  if (only !== undefined && !isRefName(only)) return [];
  const pattern = only === undefined ? 'refs/heads/' : `refs/heads/${only}`;
  const { stdout } = await run(project, ['for-each-ref', `--format=${tipFormat}`, pattern], deadline);
  const tips = lines(stdout).map(tipIn);
  // A pattern also matches everything below it: refs/heads/feature is a folder of feature/one.
  return only === undefined ? tips : tips.filter(({ name }) => name === only);
}

/** Nothing that git would have to read from a commit: one that it cannot read would end the list. */
const tipFormat = '%(HEAD)%00%(refname)%00%(objectname)';

function tipIn(line: string): Tip {
  const [head = '', ref = '', sha = ''] = line.split('\0');
  return { name: ref.slice('refs/heads/'.length), sha, current: head === '*' };
}

/** undefined: there is none, or its commit cannot be read. Both questions are asked at the same time. */
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

/** With their commits. A branch whose commit cannot be read is left out. */
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

/** How much of a commit is read: header lines come first, and messages have no limit. */
const keptBytes = { header: 4 * 1024, listed: 8 * 1024, one: 256 * 1024 } as const;

/** Names reach git on its standard input, never as arguments. */
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

/** Finds what a person may call a commit: a full or short id, a tag or a branch. undefined: there is none. */
export async function findCommit(project: ForgeProject, ref: string, deadline: Deadline): Promise<Commit | undefined> {
  const [found] = await findCommits(project, [ref], deadline);
  return found;
}

/** The same for several, with one git process. */
export async function findCommits(
  project: ForgeProject,
  refs: readonly string[],
  deadline: Deadline,
): Promise<(Commit | undefined)[]> {
  const candidates = refs.map(expressionsFor);
  const commits = await readCommits(project, candidates.flat(), deadline, keptBytes.one);
  let next = 0;
  return candidates.map((own) => {
    const answers = commits.slice(next, next + own.length);
    next += own.length;
    return answers.find((commit) => commit !== undefined);
  });
}

/** In the order in which GitLab resolves a name. Only ids, tags and branches: a stash is nobody else's business. */
function expressionsFor(ref: string): string[] {
  if (!isRefName(ref)) return [];
  const id = /^[0-9a-f]{4,64}$/i.test(ref) ? [`${ref}^{commit}`] : [];
  const head = ref === 'HEAD' ? ['HEAD^{commit}'] : [];
  return [...id, ...head, `refs/tags/${ref}^{commit}`, `refs/heads/${ref}^{commit}`];
}

/** A page of the history of a commit that is given by full id, newest first, and whether there is more. */
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

/** The best common ancestor of commits that are given by full id; undefined: their histories have none. */
export async function mergeBase(
  project: ForgeProject,
  shas: readonly string[],
  deadline: Deadline,
): Promise<string | undefined> {
  const { exitCode, stdout } = await run(project, ['merge-base', ...shas], deadline, [1]);
  return exitCode === 0 ? stdout.toString('utf8').trim() : undefined;
}

/** false: git refuses, because the branch is checked out in some working tree. The branch must exist. */
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
