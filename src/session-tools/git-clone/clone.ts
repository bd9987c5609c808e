import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure, failureOf } from './failure.ts';
import type { Git } from './git.ts';
import { prepareLfs, pullLfs } from './lfs.ts';
import { type Log, seconds } from './log.ts';
import { fetchCommit, findBranch, withServer } from './remote.ts';
import type { CloneSettings } from './settings.ts';
import { createStaging, hasRepository } from './staging.ts';
import { updateSubmodules } from './submodules.ts';

export interface CloneTools {
  readonly git: Git;
  readonly log: Log;
  /** Ends the clone. */
  readonly stop: AbortSignal;
}

/**
 * Makes `settings.directory` a clone of the repository, on the requested branch, which is set to the requested commit. A
 * tree that is there already is left alone. Throws CloneFailure, and then nothing of the clone is left.
 */
export async function cloneRepository(settings: CloneSettings, tools: CloneTools): Promise<void> {
  const { log } = tools;
  if (await hasRepository(settings.directory)) {
    log(`${settings.directory} is a git repository already. The session goes on with it as it is.`);
    return;
  }
  const started = performance.now();
  log(`Cloning ${settings.repositoryUrl}, branch ${settings.branch}, commit ${settings.commit}.`);
  const staging = await createStaging(settings.directory, log);
  try {
    await makeClone(settings, tools, staging.repository);
    await staging.publish();
  } finally {
    await staging.remove();
  }
  log(`The repository is in ${settings.directory} (${seconds(started)}).`);
}

async function makeClone(settings: CloneSettings, tools: CloneTools, repository: string): Promise<void> {
  const inside: Git = (args, options) => tools.git(['-C', repository, ...args], options);
  const checked = { ...tools, git: inside };
  await fetchRepository(settings, tools, repository);
  const commit = await findCommit(settings, checked);
  const lfs = await prepareLfs(settings, checked, commit);
  await checkOut(settings, checked, commit);
  if (lfs) await pullLfs(checked, repository);
  await updateSubmodules(settings, checked, repository);
}

/** All branches and tags, so that the session can switch between them without the network. */
async function fetchRepository(
  settings: CloneSettings,
  { git, log, stop }: CloneTools,
  repository: string,
): Promise<void> {
  const started = performance.now();
  const deadline = started + settings.waitMs;
  await findBranch(git, settings, deadline, log, stop);
  const { name, email } = settings.identity;
  const args = [
    'clone',
    '--no-checkout',
    '--progress',
    '--origin=origin',
    '--template=',
    `--branch=${settings.branch}`,
    ...(name === null ? [] : ['--config', `user.name=${name}`]),
    ...(email === null ? [] : ['--config', `user.email=${email}`]),
    '--',
    settings.repositoryUrl,
    repository,
  ];
  let progress = '';
  // git removes the directory of a clone that failed, so each attempt begins afresh.
  await withServer(settings, deadline, log, stop, false, async (limits) => {
    const result = await git(args, limits);
    progress = result.stderr;
    return result;
  });
  log(`Fetched all branches${transferred(progress)} (${seconds(started)}).`);
}

/** How much it was, by git's last line of progress: ": 1200 objects, 3.40 MiB". Small transfers show no size. */
function transferred(progress: string): string {
  const match = /Receiving objects: 100% \((\d+)\/\d+\)(, [\d.]+ \w+)?/.exec(progress);
  return match ? `: ${match[1]} objects${match[2] ?? ''}` : '';
}

/**
 * The full id of the requested commit, wherever in the repository it is. A commit on no branch (of a merge request, or
 * pushed over) is fetched by its id. Throws CloneFailure where there is none.
 */
async function findCommit(settings: CloneSettings, tools: CloneTools): Promise<string> {
  const { commit } = settings;
  const names = [
    ...(/^[0-9a-f]{4,64}$/i.test(commit) ? [commit] : []),
    `refs/tags/${commit}`,
    `refs/remotes/origin/${commit}`,
  ];
  for (const name of names) {
    const id = await resolve(tools.git, name);
    if (id !== undefined) return id;
  }
  const isFullId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(commit);
  if (isFullId && (await fetchCommit(tools.git, settings, commit, tools.log, tools.stop))) {
    const id = await resolve(tools.git, commit);
    if (id !== undefined) {
      tools.log(`The commit ${commit} is on no branch; fetched it by its id.`);
      return id;
    }
  }
  throw new CloneFailure(
    cloneExitCode.branchMissing,
    `The commit ${commit} is not (or no longer) in the repository. Push it, or launch another commit.`,
  );
}

/** The full id of the commit that git knows by a name; undefined: there is none. */
async function resolve(git: Git, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { exitCode, stdout } = await git(args);
  return exitCode === 0 ? stdout.trim() : undefined;
}

/**
 * `git clone --branch` has made the local branch with its upstream; this moves it to the commit, wherever that is, and
 * fills the tree. Without `--quiet` git would read .gitmodules to tell of changes, and end where that is malformed.
 */
async function checkOut(settings: CloneSettings, { git, log }: CloneTools, commit: string): Promise<void> {
  const started = performance.now();
  const { exitCode, stderr } = await git(['checkout', '--quiet', '--progress', '-B', settings.branch, commit, '--']);
  if (exitCode !== 0) throw failureOf(stderr, new URL(settings.serverUrl).host, settings.token !== null);
  log(`Checked out ${commit.slice(0, 10)} on branch ${settings.branch} (${seconds(started)}).`);
}
