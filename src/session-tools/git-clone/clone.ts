import type { RecoveryReport } from '../../session-contract/agent.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { rememberRejected } from './environment.ts';
import { CloneFailure } from './failure.ts';
import type { Git } from './git.ts';
import { prepareLfs, pullLfs } from './lfs.ts';
import { seconds } from './log.ts';
import { deleteRecovered, recoverAutosave } from './recovery.ts';
import { fetchCommit, findBranch, withServer } from './remote.ts';
import { folderOfAgent, writeReport } from './report.ts';
import type { CloneSettings } from './settings.ts';
import { createStaging, hasRepository, removeInterrupted } from './staging.ts';
import { linkStorage } from './storage-link.ts';
import { markUnreadSaves } from './stored.ts';
import { updateSubmodules } from './submodules.ts';
import type { CloneTools } from './tools.ts';
import { createWaiting } from './waiting.ts';

/**
 * Clones the repository to `settings.directory` and sets the requested branch to the requested commit. An existing repository
 * in that directory is not changed. Throws CloneFailure, after the files of the clone were removed.
 */
export async function cloneRepository(
  settings: CloneSettings,
  { git, log, stop }: Omit<CloneTools, 'waiting'>,
): Promise<void> {
  if (await hasRepository(settings.directory)) {
    await removeInterrupted(settings.directory, log);
    log(`${settings.directory} already is a git repository. The session continues with it, unchanged.`);
    return;
  }
  const started = performance.now();
  log(`Cloning ${settings.repositoryUrl}, branch ${settings.branch}, commit ${settings.commit}.`);
  const staging = await createStaging(settings.directory, log);
  const waiting = createWaiting(settings.waitMs);
  const tools = { git: rememberRejected(git, staging.temporary), log, stop, waiting };
  try {
    const report = await cloneInto(settings, tools, staging.repository);
    await writeReport(settings.directory, report);
    await markUnreadSaves(folderOfAgent(settings.directory), report);
    await staging.publish();
    if (report?.recovered.isComplete && report.recovered.location === 'remote' && settings.keepsVolume)
      await writeReport(settings.directory, await deleteRecovered(tools, settings.directory, report));
  } finally {
    await staging.remove();
  }
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
async function fetchRepository(settings: CloneSettings, tools: CloneTools, repository: string): Promise<void> {
  const started = performance.now();
  await findBranch(settings, tools);
  const { name, email } = settings.identity;
  const args = [
    'clone',
    '--no-checkout',
    '--progress',
    '--origin=origin',
    '--template=',
    `--branch=${settings.branch}`,
    // A server that does not support filters sends everything.
    ...(settings.isPartial ? ['--filter=blob:none'] : []),
    ...(name === null ? [] : ['--config', `user.name=${name}`]),
    ...(email === null ? [] : ['--config', `user.email=${email}`]),
    '--',
    settings.repositoryUrl,
    repository,
  ];
  let progress = '';
  // git removes the directory of a failed clone, so each attempt starts from the beginning.
  await withServer(settings, tools, false, async (limits) => {
    const result = await tools.git(args, limits);
    progress = result.stderr;
    return result;
  });
  tools.log(
    `Fetched all branches${settings.isPartial ? ', without the contents of files' : ''}${transferred(progress)} (${seconds(started)}).`,
  );
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
  if (isFullId && (await fetchCommit(settings, tools, commit))) {
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
async function checkOut(settings: CloneSettings, tools: CloneTools, commit: string): Promise<void> {
  const started = performance.now();
  // A partial clone fetches the files.
  await withServer(settings, tools, false, (limits) =>
    tools.git(['checkout', '--quiet', '--progress', '--force', '-B', settings.branch, commit, '--'], limits),
  );
  tools.log(`Checked out ${commit.slice(0, 10)} on branch ${settings.branch} (${seconds(started)}).`);
}
