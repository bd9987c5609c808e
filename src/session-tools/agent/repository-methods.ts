import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from '../git-clone/git.ts';
import { writeBranch } from '../saves/bundle.ts';
import { createTree } from '../saves/collect.ts';
import { writeCommit } from '../saves/commit.ts';
import { SaveFailure } from '../saves/failure.ts';
import { linkFiles } from '../saves/link-files.ts';
import { isProtected } from '../saves/not-savable.ts';
import { toText } from '../saves/paths.ts';
import { fetchRefs, pushBranch, pushLfs } from '../saves/remote.ts';
import { objectFolders, type Repository, readRepository } from '../saves/repository.ts';
import { GitFailure, output, records } from '../saves/run.ts';
import type { SaveSettings } from '../saves/save.ts';
import { scanWith } from '../saves/scan.ts';
import { createScratch, type Scratch } from '../saves/scratch.ts';
import { stateFiles } from '../saves/state-files.ts';

/**
 * The methods of the JSON-RPC that change the user's repository. Git works with our configuration and the user's index, objects and
 * references, so that nothing that the user's configuration names runs.
 */

export interface GitStatus {
  readonly clean: boolean;
  readonly ahead: number;
  readonly behind: number;
  readonly branch: string;
  readonly commit: string;
  /** The output of `git status --porcelain=v2 --branch`. */
  readonly status: string;
}

interface Opened {
  readonly repository: Repository;
  readonly scratch: Scratch;
  /** Git with the index and the objects of the user. */
  readonly git: Git;
}

/** Fetches the branches of the repository, and runs the action. */
async function withFetched<T>(git: Git, settings: SaveSettings, action: (opened: Opened) => Promise<T>): Promise<T> {
  const repository = await readRepository(git, settings.directory, { url: settings.remote.url, home: settings.home });
  const scratch = await createScratch(git, settings.folder, repository, settings.remote.url);
  try {
    const [objects = ''] = await objectFolders(repository);
    const environment = { GIT_OBJECT_DIRECTORY: objects, GIT_INDEX_FILE: join(repository.gitDirectory, 'index') };
    const own: Git = (args, options) =>
      scratch.git(args, { ...options, environment: { ...environment, ...options?.environment } });
    await fetchRefs({ git: own }, settings.remote, ['+refs/heads/*:refs/remotes/origin/*']);
    await copyRemoteRefs(own, git, repository);
    return await action({ repository, scratch, git: own });
  } finally {
    await scratch.remove();
  }
}

/** Gives the user's repository the remote-tracking branches that were fetched. */
async function copyRemoteRefs(scratch: Git, git: Git, { commonDirectory, refs }: Repository): Promise<void> {
  const listed = await output(scratch, ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/remotes/origin']);
  const fetched = new Map(
    listed.split('\n').flatMap((line) => {
      const [commit, name] = line.split(' ');
      return commit && name && name !== 'refs/remotes/origin/HEAD' ? [[name, commit] as const] : [];
    }),
  );
  const gone = [...refs.keys()].filter(
    (name) => name.startsWith('refs/remotes/origin/') && name !== 'refs/remotes/origin/HEAD' && !fetched.has(name),
  );
  const lines = [
    ...[...fetched]
      .filter(([name, commit]) => refs.get(name) !== commit)
      .map(([name, commit]) => `update ${name} ${commit}\n`),
    ...gone.map((name) => `delete ${name}\n`),
  ];
  if (lines.length > 0)
    await output(git, [`--git-dir=${commonDirectory}`, 'update-ref', '--stdin'], { input: lines.join('') });
}

export const getStatus = (git: Git, settings: SaveSettings): Promise<GitStatus> =>
  withFetched(git, settings, async ({ git: own }) => {
    const args = ['status', '--porcelain=v2', '--branch', '--ignore-submodules=dirty'];
    const status = await output(own, args);
    const header = (name: string) => new RegExp(`^# branch\\.${name} (.*)$`, 'm').exec(status)?.[1];
    const [, ahead = '0', behind = '0'] = /^\+(\d+) -(\d+)$/.exec(header('ab') ?? '') ?? [];
    return {
      // renku-notebooks does not count unmerged files (u).
      clean: !/^[12?u] /m.test(status),
      ahead: Number(ahead),
      behind: Number(behind),
      branch: header('head') ?? '',
      commit: header('oid') ?? '',
      status,
    };
  });

/** Throws a failure with git's words, on which clients of renku-notebooks depend. */
export const pull = (git: Git, settings: SaveSettings): Promise<null> =>
  withFetched(git, settings, async (opened) => {
    const { repository, git: own } = opened;
    const target = await upstreamOf(opened);
    const { commit } = repository.head;
    if (target === commit) return null;
    const isAncestor = commit !== null && (await own(['merge-base', '--is-ancestor', commit, target])).exitCode === 0;
    if (!isAncestor) throw new SaveFailure('git', 'fatal: Not possible to fast-forward, aborting.');
    await rejectProtected(own, [commit, target]);
    await output(own, ['read-tree', '-m', '-u', commit, target]);
    await moveHead(git, repository, target, 'pull: Fast-forward');
    return null;
  });

export const discard = (git: Git, settings: SaveSettings): Promise<null> =>
  withFetched(git, settings, async (opened) => {
    const { repository, git: own } = opened;
    const target = await upstreamOf(opened);
    await rejectProtected(own, [target]);
    await output(own, ['read-tree', '--reset', '-u', target]);
    await moveHead(git, repository, target, `reset: moving to ${target}`);
    for (const name of stateFiles.names)
      if (name !== 'ORIG_HEAD' && !name.startsWith('BISECT'))
        await rm(join(repository.gitDirectory, name), { force: true });
    await output(own, ['clean', '--quiet', '--force', '-d']);
    return null;
  });

/** Name in the scratch repository, which is removed with the LFS objects of the new commit. */
const pushedBranch = 'notebook-sessions/pushed';

/** Commits all changes, pushes the branch, and returns what was done. */
export async function saveToBranch(git: Git, settings: SaveSettings, message: string | undefined): Promise<string> {
  return withFetched(git, settings, async ({ repository, scratch, git: own }) => {
    const { branch } = repository.head;
    if (branch === null) throw new SaveFailure('git', 'HEAD is detached. Check out a branch, then save again.');
    const scan = await scanWith(git, settings.folder, repository, scratch);
    const [conflict] = scan.changes.filter(({ isUnmerged }) => isUnmerged);
    if (conflict)
      throw new SaveFailure('git', `The file ${toText(conflict.path)} has a conflict. Resolve the conflict first.`);
    const tree = await createTree({ ...scratch, git: withObjects(scratch, own) }, scan);
    if (tree.notSaved.length > 0)
      throw new SaveFailure('git', `The file ${tree.notSaved[0]?.path} cannot be saved (${tree.notSaved[0]?.reason}).`);
    const names = scan.changes.map(({ path }) => toText(path));
    const text = message ?? `Saved changes to: ${names.slice(0, 10).join(', ')}\n`;
    const author = {
      name: repository.config.get('user.name') || settings.username,
      email: repository.config.get('user.email') || `${settings.username}@localhost`,
    };
    const parents = repository.head.commit === null ? [] : [repository.head.commit];
    const isChanged = scan.changes.length > 0;
    const commit = isChanged
      ? await writeCommit(own, tree.id, parents, { author, message: text, savedAt: new Date() })
      : repository.head.commit;
    if (commit === null) return 'There were no changes to save.';
    if (scan.lfs.objects > 0) {
      await linkFiles(join(repository.commonDirectory, 'lfs/objects'), join(scratch.directory, 'lfs/objects'));
      await writeBranch(scratch, pushedBranch, commit);
      await pushLfs({ ...scratch, git: own }, settings.remote, pushedBranch);
    }
    await pushBranch({ ...scratch, git: own }, settings.remote, commit, branch);
    if (isChanged) {
      await moveHead(git, repository, commit, 'commit: renku save');
      await output(own, ['read-tree', '--reset', commit]);
      await own(['update-index', '-q', '--refresh']);
    }
    return `Successfully saved to remote branch ${branch}: \n\t${names.join('\n\t')}`;
  });
}

/** Git with the index of the scratch repository, and the objects of the user. */
const withObjects = (scratch: Scratch, own: Git): Git => {
  const environment = { GIT_INDEX_FILE: join(scratch.directory, 'index') };
  return (args, options) => own(args, { ...options, environment: { ...environment, ...options?.environment } });
};

async function upstreamOf({ repository, git }: Opened): Promise<string> {
  const { branch } = repository.head;
  const merge = branch === null ? undefined : repository.config.get(`branch.${branch}.merge`);
  const name = merge?.startsWith('refs/heads/') ? merge.slice('refs/heads/'.length) : undefined;
  if (name === undefined)
    throw new SaveFailure('git', `fatal: no upstream configured for branch '${branch ?? 'HEAD'}'`);
  const args = ['rev-parse', '--verify', '--quiet', `refs/remotes/origin/${name}^{commit}`];
  const result = await git(args);
  if (result.exitCode !== 0) throw new SaveFailure('git', `The remote repository has no branch "${name}".`);
  return result.stdout.trimEnd();
}

/** Rejects a change of files with a filter that we do not run: the files would be checked out without the filter. */
async function rejectProtected(git: Git, commits: readonly string[]): Promise<void> {
  const args = commits.length === 1 ? ['diff-index'] : ['diff-tree', '-r'];
  const changed = await records(git, [...args, '--name-only', '-z', '--ignore-submodules=dirty', ...commits]);
  if (changed.length === 0) return;
  const input = changed.map((path) => `${path}\0`).join('');
  const filters = await records(git, ['check-attr', '-z', '--stdin', 'filter'], { input, encoding: 'latin1' });
  const index = changed.findIndex((_, each) => {
    const value = filters[3 * each + 2] ?? 'unspecified';
    return isProtected(value === 'unspecified' || value === 'unset' ? null : value);
  });
  if (index < 0) return;
  const path = toText(changed[index] ?? '');
  throw new SaveFailure('git', `The file ${path} has a filter, which runs only in a terminal. Use git in a terminal.`);
}

/** Fails if the branch has got another commit since the repository was read. */
async function moveHead(git: Git, { gitDirectory, head }: Repository, commit: string, message: string): Promise<void> {
  const before = head.commit ?? '0'.repeat(commit.length);
  const args = [`--git-dir=${gitDirectory}`, 'update-ref', '-m', message, 'HEAD', commit, before];
  const result = await git(args, {
    environment: { GIT_COMMITTER_NAME: 'agent', GIT_COMMITTER_EMAIL: 'agent@localhost' },
  });
  if (result.exitCode !== 0) throw new GitFailure(args, result);
}
