import type { Git } from '../git-clone/git.ts';
import { remoteFailure, SaveFailure } from './failure.ts';
import { GitFailure, output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** The repository on the git server. */
export interface Remote {
  /** http(s), without credentials. */
  readonly url: string;
  /** Variables that give git access: `GIT_CONFIG_SYSTEM` of the git proxy. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The time (`performance.now()`) until which the git server is used; undefined: the limits of single commands only. */
  readonly until?: number | undefined;
}

/** Milliseconds for a request without content. */
const requestMs = 60_000;
/** Milliseconds for the transfer of commits and files. Git and Git LFS end a transfer without any progress earlier. */
const transferMs = 3_600_000;

/** Returns the time limit of a command. */
const limitOf = ({ until }: Remote, longestMs: number): { readonly limitMs: number } => ({
  limitMs: until === undefined ? longestMs : Math.max(1, Math.min(until - performance.now(), longestMs)),
});

const hostOf = ({ url }: Remote): string => URL.parse(url)?.host ?? url;

/** Returns the ids of the commits of all branches, by the full names of the branches. Throws SaveFailure. */
export const listRemote = (git: Git, remote: Remote, ...patterns: string[]): Promise<Map<string, string>> =>
  listRefs(git, remote, ['--heads', '--', remote.url, ...patterns]);

/** Returns the ids of the objects of all tags, by the full names of the tags. Throws SaveFailure. */
export const listTags = (git: Git, remote: Remote): Promise<Map<string, string>> =>
  listRefs(git, remote, ['--tags', '--refs', '--', remote.url]);

function listRefs(git: Git, remote: Remote, rest: readonly string[]): Promise<Map<string, string>> {
  return withRemote(remote, async () => {
    const args = ['ls-remote', ...rest];
    const text = await output(git, args, { environment: remote.environment, ...limitOf(remote, requestMs) });
    return new Map(
      text.split('\n').flatMap((line) => {
        const [commit, name] = line.split('\t');
        return commit && name ? [[name, commit] as const] : [];
      }),
    );
  });
}

/** Fetches commits into the scratch repository, and removes other references that match `refs`. Throws SaveFailure. */
export function fetchRefs({ git }: Pick<Scratch, 'git'>, remote: Remote, refs: readonly string[]): Promise<void> {
  return withRemote(remote, async () => {
    const options = ['--quiet', '--prune', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
    await output(git, ['fetch', ...options, '--', remote.url, ...refs], {
      environment: remote.environment,
      ...limitOf(remote, transferMs),
    });
  });
}

/**
 * Pushes the commit to the branch if the branch still is at `expected` (undefined: does not exist). Returns false if it is not.
 * Throws SaveFailure.
 * @param negotiates asks the server which commits it has, besides those of its branches
 */
export function pushSave(
  { git }: Scratch,
  remote: Remote,
  save: { readonly branch: string; readonly commit: string; readonly expected: string | undefined },
  negotiates: boolean,
): Promise<boolean> {
  const ref = `refs/heads/${save.branch}`;
  const args = [
    ...(negotiates ? ['-c', 'push.negotiate=true'] : []),
    'push',
    '--quiet',
    '--no-verify',
    '--no-follow-tags',
    '--no-recurse-submodules',
    `--force-with-lease=${ref}:${save.expected ?? ''}`,
    '--',
    remote.url,
    `${save.commit}:${ref}`,
  ];
  return withRemote(remote, async () => {
    const result = await git(args, { environment: remote.environment, ...limitOf(remote, transferMs) });
    if (result.exitCode === 0) return true;
    if (/\[rejected\].*\(stale info\)|cannot lock ref|reference already exists/.test(result.stderr)) return false;
    throw new GitFailure(args, result);
  });
}

/** Pushes the commit to a branch of the user, without force. Throws SaveFailure. */
export function pushBranch({ git }: Scratch, remote: Remote, commit: string, branch: string): Promise<void> {
  return withRemote(remote, async () => {
    const args = ['push', '--quiet', '--no-verify', '--', remote.url, `${commit}:refs/heads/${branch}`];
    await output(git, args, { environment: remote.environment, ...limitOf(remote, transferMs) });
  });
}

/** Deletes a branch if it still is at this commit. Throws SaveFailure. */
export function deleteBranch(
  { git }: Scratch,
  remote: Remote,
  { branch, commit }: { readonly branch: string; readonly commit: string },
): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const args = ['push', '--quiet', '--no-verify', `--force-with-lease=${ref}:${commit}`, '--', remote.url, `:${ref}`];
  return withRemote(remote, async () => {
    await output(git, args, { environment: remote.environment, ...limitOf(remote, requestMs) });
  });
}

/** Uploads the LFS objects of the commits of a branch that the server does not have. Throws SaveFailure. */
export function pushLfs({ git }: Scratch, remote: Remote, branch: string): Promise<void> {
  return withRemote(remote, async () => {
    await output(git, ['lfs', 'push', 'origin', `refs/heads/${branch}`], {
      environment: remote.environment,
      ...limitOf(remote, transferMs),
    });
  });
}

async function withRemote<T>(remote: Remote, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const host = hostOf(remote);
    if (remote.until !== undefined && performance.now() >= remote.until && !(error instanceof SaveFailure))
      throw new SaveFailure('unreachable', `The push to ${host} did not end in time.`, { cause: error });
    throw remoteFailure(error, host);
  }
}
