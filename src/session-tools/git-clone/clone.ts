import type { RecoveryReport } from '../../session-contract/agent.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure, failureOf } from './failure.ts';
import type { Git } from './git.ts';
import { prepareLfs, pullLfs } from './lfs.ts';
import { seconds } from './log.ts';
import { deleteRecovered, recoverAutosave, writeReport } from './recovery.ts';
import { fetchCommit, findBranch, withServer } from './remote.ts';
import type { CloneSettings } from './settings.ts';
import { createStaging, hasRepository } from './staging.ts';
import { linkStorage } from './storage-link.ts';
import { updateSubmodules } from './submodules.ts';
import type { CloneTools } from './tools.ts';

/**
 * Clones the repository to `settings.directory` and sets the requested branch to the requested commit. An existing repository
 * in that directory is not changed. Throws CloneFailure, after the files of the clone were removed.
 */
export async function cloneRepository(settings: CloneSettings, tools: CloneTools): Promise<void> {
  const { log } = tools;
  if (await hasRepository(settings.directory)) {
    log(`${settings.directory} already is a git repository. The session continues with it, unchanged.`);
    return;
  }
  const started = performance.now();
  log(`Cloning ${settings.repositoryUrl}, branch ${settings.branch}, commit ${settings.commit}.`);
  const staging = await createStaging(settings.directory, log);
  let report: RecoveryReport | undefined;
  try {
    report = await cloneInto(settings, tools, staging.repository);
    if (report) await writeReport(settings.directory, report);
    await staging.publish();
  } finally {
    await staging.remove();
  }
  if (report?.recovered.isComplete && settings.keepsVolume)
    await writeReport(settings.directory, await deleteRecovered(tools, settings.directory, report));
  log(`The repository is in ${settings.directory} (${seconds(started)}).`);
}

async function cloneInto(
  settings: CloneSettings,
  tools: CloneTools,
  repository: string,
): Promise<RecoveryReport | undefined> {
  const inside: Git = (args, options) => tools.git(['-C', repository, ...args], options);
  const inRepository = { ...tools, git: inside };
  await fetchRepository(settings, tools, repository);
  const commit = await findCommit(settings, inRepository);
  const lfs = await prepareLfs(settings, inRepository, commit);
  await checkOut(settings, inRepository, commit);
  const report = await recoverAutosave(settings, inRepository, repository, commit);
  if (lfs) await pullLfs(inRepository, repository);
  // A save of this project has restored the submodules already.
  if (report === undefined || report.recovered.savedAt === null)
    await updateSubmodules(settings, inRepository, repository);
  if (settings.storageMount !== null) await linkStorage(repository, settings.storageMount, tools.log);
  return report;
}

/** Fetches all branches and tags, so that the user can switch between them without the network. */
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
  // git removes the directory of a failed clone, so each attempt starts from the beginning.
  await withServer(settings, deadline, log, stop, false, async (limits) => {
    const result = await git(args, limits);
    progress = result.stderr;
    return result;
  });
  log(`Fetched all branches${transferred(progress)} (${seconds(started)}).`);
}

/** Returns the amount in git's last progress line: ": 1200 objects, 3.40 MiB". Small transfers have no size. */
function transferred(progress: string): string {
  const match = /Receiving objects: 100% \((\d+)\/\d+\)(, [\d.]+ \w+)?/.exec(progress);
  return match ? `: ${match[1]} objects${match[2] ?? ''}` : '';
}

/**
 * Returns the full id of the requested commit. A commit that is not on a branch (of a merge request, or replaced by a force
 * push) is fetched by its id. Throws CloneFailure if there is no such commit.
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
      tools.log(`The commit ${commit} is not on a branch; it was fetched by its id.`);
      return id;
    }
  }
  throw new CloneFailure(
    cloneExitCode.branchMissing,
    `The commit ${commit} does not exist in the repository. Push it, or launch another commit.`,
  );
}

/** Returns the full id of the commit with this name; undefined if there is none. */
async function resolve(git: Git, name: string): Promise<string | undefined> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { exitCode, stdout } = await git(args);
  return exitCode === 0 ? stdout.trim() : undefined;
}

/**
 * Sets the local branch, which `git clone --branch` has created with its upstream, to the commit, and checks it out. Without
 * `--quiet` git would read .gitmodules to list changes, and fail if that file is malformed.
 */
async function checkOut(settings: CloneSettings, { git, log }: CloneTools, commit: string): Promise<void> {
  const started = performance.now();
  const { exitCode, stderr } = await git(['checkout', '--quiet', '--progress', '-B', settings.branch, commit, '--']);
  if (exitCode !== 0) throw failureOf(stderr, new URL(settings.serverUrl).host, settings.token !== null);
  log(`Checked out ${commit.slice(0, 10)} on branch ${settings.branch} (${seconds(started)}).`);
}
