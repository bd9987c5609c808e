import type { Deadline } from '../../deadline.ts';
import { isRefName } from '../../session-contract/ref-name.ts';
import { type Commit, parseCommit, withOffset } from './commit.ts';
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

function run(
  project: ForgeProject,
  args: readonly string[],
  deadline: Deadline,
  input?: string,
  accept: number[] = [],
) {
  return git([`--git-dir=${project.gitDir}`, ...args], {
    environment: environmentOf(project),
    deadline,
    accept,
    ...(input === undefined ? {} : { input }),
  });
}

export async function readFacts(project: ForgeProject, deadline: Deadline): Promise<Facts> {
  const format = '%(HEAD)%00%(refname)%00%(committerdate:raw)';
  const { stdout } = await run(
    project,
    ['for-each-ref', '--sort=-committerdate', `--format=${format}`, 'refs/heads/'],
    deadline,
  );
  const branches = lines(stdout).map((line) => {
    const [head = '', ref = '', date = ''] = line.split('\0');
    return { current: head === '*', name: ref.slice('refs/heads/'.length), date };
  });
  const named = (name: string) => branches.find((branch) => branch.name === name);
  const usual = branches.find(({ current }) => current) ?? named('main') ?? named('master') ?? branches[0];
  return { defaultBranch: usual?.name ?? null, newestCommitAt: branches[0] ? withOffset(branches[0].date) : null };
}

const branchFormat = [
  'refname',
  'objectname',
  'parent',
  'authorname',
  'authoremail:trim',
  'authordate:raw',
  'committername',
  'committeremail:trim',
  'committerdate:raw',
  'contents:subject',
]
  .map((field) => `%(${field})`)
  .join('%00');

/** All branches by name, or only the one called `only`. */
export async function listBranches(project: ForgeProject, deadline: Deadline, only?: string): Promise<Branch[]> {
  if (only !== undefined && !isRefName(only)) return [];
  const pattern = only === undefined ? 'refs/heads/' : `refs/heads/${only}`;
  const { stdout } = await run(project, ['for-each-ref', `--format=${branchFormat}`, pattern], deadline);
  const branches = lines(stdout).map((line): Branch => {
    const [ref = '', sha = '', parents = '', author = '', authorEmail = '', authored = '', committer = '', ...rest] =
      line.split('\0');
    const [committerEmail = '', committed = '', subject = ''] = rest;
    return {
      name: ref.slice('refs/heads/'.length),
      commit: {
        sha,
        parents: parents === '' ? [] : parents.split(' '),
        author: { name: author, email: authorEmail, date: withOffset(authored) },
        committer: { name: committer, email: committerEmail, date: withOffset(committed) },
        title: subject,
        message: subject,
      },
    };
  });
  // A pattern also matches everything below it: refs/heads/feature is a folder of feature/one.
  return only === undefined ? branches : branches.filter(({ name }) => name === only);
}

/** Finds what a person may call a commit: a full or short id, a tag or a branch. undefined: there is none. */
export async function findCommit(project: ForgeProject, ref: string, deadline: Deadline): Promise<Commit | undefined> {
  const [found] = await findCommits(project, [ref], deadline);
  return found;
}

/** The same for several, with one git process. Names reach git on its standard input, never as arguments. */
export async function findCommits(
  project: ForgeProject,
  refs: readonly string[],
  deadline: Deadline,
): Promise<(Commit | undefined)[]> {
  const candidates = refs.map(expressionsFor);
  const expressions = candidates.flat();
  if (expressions.length === 0) return refs.map(() => undefined);
  const { stdout } = await run(project, ['cat-file', '--batch'], deadline, `${expressions.join('\n')}\n`);
  const commits = parseBatch(stdout, expressions.length);
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

/** `<id> commit <size>\n<content>\n` for what is there, one line for what is missing or ambiguous. */
function parseBatch(output: Buffer, expected: number): (Commit | undefined)[] {
  const commits: (Commit | undefined)[] = [];
  let position = 0;
  while (commits.length < expected && position < output.length) {
    const end = output.indexOf(10, position);
    const header = output.toString('utf8', position, end === -1 ? output.length : end);
    position = end === -1 ? output.length : end + 1;
    const match = /^([0-9a-f]{40,64}) commit (\d+)$/.exec(header);
    if (!match?.[1]) {
      commits.push(undefined);
      continue;
    }
    const size = Number(match[2]);
    commits.push(parseCommit(match[1], output.toString('utf8', position, position + size)));
    position += size + 1;
  }
  return commits;
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
  const { exitCode, stdout } = await run(project, ['merge-base', ...shas], deadline, undefined, [1]);
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
