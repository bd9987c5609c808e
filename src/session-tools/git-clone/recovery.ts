import type { RecoveryReport } from '../../session-contract/agent.ts';
import { flushToDisk } from '../saves/flush.ts';
import { restoreSave } from '../saves/restore.ts';
import { GitFailure, output } from '../saves/run.ts';
import { type Candidate, findCandidates, readListing } from './candidates.ts';
import { diskFull, failureKindOf, reasonOf } from './failure.ts';
import { prepareLfs } from './lfs.ts';
import { retrying } from './remote.ts';
import { folderOfAgent } from './report.ts';
import type { CloneSettings } from './settings.ts';
import { unpackStored } from './stored.ts';
import { updateSubmodules } from './submodules.ts';
import type { CloneTools } from './tools.ts';

/**
 * Restores the newest autosave of the user for this branch and commit in a new clone: a branch of the remote repository, or a save on
 * the volume that could not be pushed. Returns the report; undefined if there is no autosave. An autosave that cannot be restored stays
 * where it is, and the session starts with the commit of the launch.
 */
export async function recoverAutosave(
  settings: CloneSettings,
  tools: CloneTools,
  repository: string,
  commit: string,
): Promise<RecoveryReport | undefined> {
  const { username, branch } = settings;
  if (username === null) return undefined;
  const { log } = tools;
  const stored = await unpackStored(tools, folderOfAgent(settings.directory), repository);
  const pushed = settings.recovers ? await listPushed(tools) : [];
  const branches = [...pushed, ...stored.filter((save) => !pushed.some((each) => each.commit === save.commit))];
  const [newest, ...others] = findCandidates(branches, { username, rootBranch: branch, commit });
  if (!newest) return undefined;
  log(`Restoring the autosave ${newest.branch}${newest.isStored ? ', which is on the volume' : ''}.`);
  for (const { branch: name, isStored } of others) {
    log(
      `WARNING: an older autosave of the same commit stays ${isStored ? 'on the volume' : 'in the repository'}: ${name}`,
    );
  }
  const report = { others: others.map((each) => ({ branch: each.branch, commit: each.commit })) };
  const location = newest.isStored ? 'volume' : 'remote';
  const recovered = { branch: newest.branch, commit: newest.commit, location, isDeleted: false } as const;
  // A save may need files in Git LFS, submodules and, in a partial clone, contents of files.
  const git = retrying(settings, tools);
  try {
    const { failures, savedAt } = await restoreSave(
      {
        git,
        repository,
        log,
        prepareLfs: async (of) => void (await prepareLfs(settings, tools, of)),
        updateSubmodules: () => updateSubmodules(settings, tools, repository),
      },
      newest,
    );
    const isComplete = failures.length === 0;
    log(
      isComplete
        ? 'The autosave was restored.'
        : `WARNING: parts of the autosave were not restored; it stays ${newest.isStored ? 'on the volume' : 'in the repository'}.`,
    );
    return { ...report, recovered: { ...recovered, savedAt, isComplete, error: errorOf(failures) } };
  } catch (error) {
    tools.stop.throwIfAborted();
    if (error instanceof GitFailure && failureKindOf(error.stderr) === 'disk-full') throw diskFull();
    const reason = error instanceof Error ? error.message : String(error);
    log(
      `WARNING: the autosave could not be restored (${reason}). It stays ${newest.isStored ? 'on the volume' : `in the repository, in the branch ${newest.branch}`}.`,
    );
    await startAnew(settings, tools, commit);
    return {
      ...report,
      recovered: {
        ...recovered,
        savedAt: null,
        isComplete: false,
        error: errorOf([`Nothing was restored: ${reason}.`]),
      },
    };
  }
}

/** Characters of the reason in the report. */
const maxError = 1_000;

/** Returns the failures as one text for the owner of the session. */
const errorOf = (failures: readonly string[]): string | null =>
  failures.length === 0 ? null : failures.map(sentence).join(' ').slice(0, maxError).toWellFormed();

const sentence = (text: string): string => text[0]?.toUpperCase() + text.slice(1).replace(/\.+$/, '.');

async function listPushed({ git }: CloneTools): Promise<Candidate[]> {
  const format = '--format=%(committerdate:unix) %(objectname) %(refname:strip=3)';
  return readListing(await output(git, ['for-each-ref', format, 'refs/remotes/origin/renku/autosave']));
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
 * outlives the pod. Returns the new report. An autosave that stays is deleted by the agent, after its next save.
 */
export async function deleteRecovered(
  { git, log }: Pick<CloneTools, 'git' | 'log'>,
  directory: string,
  report: RecoveryReport,
): Promise<RecoveryReport> {
  const { branch, commit } = report.recovered;
  try {
    await flushToDisk(directory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log(`WARNING: the autosave ${branch} stays in the repository, because the disk was not written: ${reason}`);
    return report;
  }
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
