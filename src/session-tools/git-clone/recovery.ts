import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentFolder, type RecoveryReport, recoveryFile } from '../../session-contract/agent.ts';
import { type Autosave, parseAutosave } from '../../session-contract/autosave.ts';
import { restoreSave } from '../saves/restore.ts';
import { GitFailure } from '../saves/run.ts';
import { diskFull, failureKindOf, reasonOf } from './failure.ts';
import { prepareLfs } from './lfs.ts';
import type { CloneSettings } from './settings.ts';
import { updateSubmodules } from './submodules.ts';
import type { CloneTools } from './tools.ts';

export interface Candidate {
  readonly branch: string;
  /** Full id. */
  readonly commit: string;
  /** Seconds since the epoch. */
  readonly committedAt: number;
}

/**
 * Returns the autosaves of the user for this branch and commit, the newest first, by the time of their last commit. `listing` has
 * a line with time, id and name for each branch of the remote repository.
 */
export function findCandidates(
  listing: string,
  wanted: Pick<Autosave, 'username' | 'rootBranch'> & { readonly commit: string },
): Candidate[] {
  const found: Candidate[] = [];
  for (const line of listing.split('\n')) {
    const [, time, commit, branch] = /^(\d+) ([0-9a-f]{40,64}) (.+)$/.exec(line) ?? [];
    const autosave = branch === undefined ? undefined : parseAutosave(branch);
    if (!autosave || branch === undefined || commit === undefined) continue;
    const { username, rootBranch, rootCommit } = autosave;
    if (username === wanted.username && rootBranch === wanted.rootBranch && wanted.commit.startsWith(rootCommit))
      found.push({ branch, commit, committedAt: Number(time) });
  }
  return found.toSorted((a, b) => b.committedAt - a.committedAt);
}

/**
 * Restores the newest autosave of the user for this branch and commit in a new clone. Returns the report; undefined if there is no
 * autosave. An autosave that cannot be restored stays in the remote repository, and the session starts with the commit of the launch.
 */
export async function recoverAutosave(
  settings: CloneSettings,
  tools: CloneTools,
  repository: string,
  commit: string,
): Promise<RecoveryReport | undefined> {
  const { username, branch, recovers } = settings;
  if (!recovers || username === null) return undefined;
  const { git, log } = tools;
  const listed = await git([
    'for-each-ref',
    '--format=%(committerdate:unix) %(objectname) %(refname:strip=3)',
    'refs/remotes/origin/renku/autosave',
  ]);
  const [newest, ...others] = findCandidates(listed.stdout, { username, rootBranch: branch, commit });
  if (!newest) return undefined;
  log(`Restoring the autosave ${newest.branch}.`);
  for (const other of others)
    log(`WARNING: an older autosave of the same commit stays in the repository: ${other.branch}`);
  const report = { others: others.map((each) => ({ branch: each.branch, commit: each.commit })) };
  const recovered = { branch: newest.branch, commit: newest.commit, isDeleted: false };
  try {
    const { isComplete, savedAt } = await restoreSave(
      {
        git,
        repository,
        log,
        prepareLfs: async (of) => void (await prepareLfs(settings, tools, of)),
        updateSubmodules: () => updateSubmodules(settings, tools, repository),
      },
      newest,
    );
    log(
      isComplete
        ? 'The autosave was restored.'
        : 'WARNING: parts of the autosave were not restored; it stays in the repository.',
    );
    return { ...report, recovered: { ...recovered, savedAt, isComplete, error: null } };
  } catch (error) {
    tools.stop.throwIfAborted();
    if (error instanceof GitFailure && failureKindOf(error.stderr) === 'disk-full') throw diskFull();
    const reason = error instanceof Error ? error.message : String(error);
    log(
      `WARNING: the autosave could not be restored (${reason}). It stays in the repository, in the branch ${newest.branch}.`,
    );
    await startAnew(settings, tools, commit);
    return { ...report, recovered: { ...recovered, savedAt: null, isComplete: false, error: reason } };
  }
}

/** Removes what an interrupted recovery has left in the clone. */
async function startAnew({ branch }: CloneSettings, { git }: CloneTools, commit: string): Promise<void> {
  for (const args of [
    ['symbolic-ref', 'HEAD', `refs/heads/${branch}`],
    ['reset', '--quiet', '--hard', commit],
    ['clean', '--quiet', '-ffdx'],
  ]) {
    const result = await git(args);
    if (result.exitCode !== 0) throw new GitFailure(args, result);
  }
}

/**
 * Deletes the restored autosave in the remote repository, if it still is the commit that was restored. The work is on a volume that
 * outlives the pod. Returns the new report.
 */
export async function deleteRecovered(
  { git, log }: Pick<CloneTools, 'git' | 'log'>,
  directory: string,
  report: RecoveryReport,
): Promise<RecoveryReport> {
  const { branch, commit } = report.recovered;
  const ref = `refs/heads/${branch}`;
  const limitMs = 60_000;
  const lease = `--force-with-lease=${ref}:${commit}`;
  const { exitCode, stderr } = await git(['-C', directory, 'push', '--quiet', lease, 'origin', `:${ref}`], { limitMs });
  if (exitCode === 0) {
    log('The autosave was deleted in the repository, because its content is on the volume of the session.');
    return { ...report, recovered: { ...report.recovered, isDeleted: true } };
  }
  log(`WARNING: the autosave ${branch} could not be deleted in the repository: ${reasonOf(stderr)}`);
  return report;
}

/** Writes the report for the agent, beside the repository. */
export async function writeReport(directory: string, report: RecoveryReport): Promise<void> {
  const folder = join(dirname(directory), agentFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, recoveryFile);
  await writeFile(`${file}.new`, `${JSON.stringify(report)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
