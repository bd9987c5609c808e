import type { Git } from '../git-clone/git.ts';
import { remoteFailure } from './failure.ts';
import { GitFailure, output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** The repository on the git server. */
export interface Remote {
  /** http(s), without credentials. */
  readonly url: string;
  /** Variables that give git access: `GIT_CONFIG_SYSTEM` of the git proxy. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Milliseconds for a request without content. */
const requestMs = 60_000;

const hostOf = ({ url }: Remote): string => URL.parse(url)?.host ?? url;

/** Returns the ids of the commits of all branches, by the full names of the branches. Throws SaveFailure. */
export function listRemote(git: Git, remote: Remote, ...patterns: string[]): Promise<Map<string, string>> {
  return withRemote(remote, async () => {
    const args = ['ls-remote', '--heads', '--', remote.url, ...patterns];
    const text = await output(git, args, { limitMs: requestMs, environment: remote.environment });
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
    await output(git, ['fetch', ...options, '--', remote.url, ...refs], { environment: remote.environment });
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
    const result = await git(args, { environment: remote.environment });
    if (result.exitCode === 0) return true;
    if (/\[rejected\].*\(stale info\)|cannot lock ref|reference already exists/.test(result.stderr)) return false;
    throw new GitFailure(args, result);
  });
}

/** Pushes the commit to a branch of the user, without force. Throws SaveFailure. */
export function pushBranch({ git }: Scratch, remote: Remote, commit: string, branch: string): Promise<void> {
  return withRemote(remote, async () => {
    const args = ['push', '--quiet', '--no-verify', '--', remote.url, `${commit}:refs/heads/${branch}`];
    await output(git, args, { environment: remote.environment });
  });
}

/** Deletes branches that still are at these commits. Returns those that were deleted, or did not exist. */
export async function deleteBranches(
  { git }: Scratch,
  remote: Remote,
  branches: readonly { readonly branch: string; readonly commit: string }[],
): Promise<void> {
  if (branches.length === 0) return;
  const leases = branches.map(({ branch, commit }) => `--force-with-lease=refs/heads/${branch}:${commit}`);
  const args = ['push', '--quiet', '--no-verify', ...leases, '--', remote.url];
  await withRemote(remote, () =>
    output(git, [...args, ...branches.map(({ branch }) => `:refs/heads/${branch}`)], {
      environment: remote.environment,
      limitMs: requestMs,
    }),
  );
}

/** Uploads the LFS objects of the commits of a branch that the server does not have. Throws SaveFailure. */
export function pushLfs({ git }: Scratch, remote: Remote, branch: string): Promise<void> {
  return withRemote(remote, async () => {
    await output(git, ['lfs', 'push', 'origin', `refs/heads/${branch}`], { environment: remote.environment });
  });
}

async function withRemote<T>(remote: Remote, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw remoteFailure(error, hostOf(remote));
  }
}
