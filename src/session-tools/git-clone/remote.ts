import { setTimeout as delay } from 'node:timers/promises';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure, failureKindOf, failureOf, reasonOf } from './failure.ts';
import type { Git, GitResult } from './git.ts';
import type { Log } from './log.ts';
import type { CloneSettings } from './settings.ts';

const firstPauseMs = 500;
const longestPauseMs = 5000;
/** A server that breaks off the same transfer so often will do it again. */
const maxBrokenTransfers = 3;

/**
 * Runs a git command that needs the git server, again and again while the server is not available, until `deadline`
 * (of performance.now()). `limited`: the command is also ended at the deadline, because connecting to a silent host
 * has no other limit. Throws CloneFailure.
 */
export async function withServer(
  settings: CloneSettings,
  deadline: number,
  log: Log,
  stop: AbortSignal,
  limited: boolean,
  run: (limits: { limitMs?: number }) => Promise<GitResult>,
): Promise<string> {
  const { host } = new URL(settings.serverUrl);
  let broken = 0;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const left = Math.max(1, deadline - performance.now());
    const result = await run(limited ? { limitMs: left } : {});
    if (result.exitCode === 0) return result.stdout;
    const silent = result.exitCode === null && limited;
    const kind = silent ? 'unavailable' : failureKindOf(result.stderr);
    if (kind === 'broken-transfer') broken++;
    if ((kind !== 'unavailable' && kind !== 'broken-transfer') || broken >= maxBrokenTransfers) {
      throw failureOf(result.stderr, host, settings.token !== null);
    }
    const reason = silent ? 'it does not answer' : reasonOf(result.stderr);
    if (performance.now() + pauseMs >= deadline) {
      throw new CloneFailure(
        cloneExitCode.gitServerUnavailable,
        `The git server ${host} was not available for ${Math.round(settings.waitMs / 1000)} s (${reason}). Launch the session again when it is back.`,
      );
    }
    log(
      kind === 'unavailable'
        ? `The git server ${host} is not available (${reason}); trying again.`
        : `The git server ${host} broke off the transfer (${reason}); trying again.`,
    );
    await delay(pauseMs, undefined, { signal: stop });
  }
}

/** Waits for the server and makes sure that it has the branch. Throws CloneFailure. */
export async function findBranch(
  git: Git,
  settings: CloneSettings,
  deadline: number,
  log: Log,
  stop: AbortSignal,
): Promise<void> {
  const ref = `refs/heads/${settings.branch}`;
  const output = await withServer(settings, deadline, log, stop, true, (limits) =>
    git(['ls-remote', '--', settings.repositoryUrl, ref], limits),
  );
  // The pattern also matches refs that merely end like this.
  if (!output.split('\n').some((line) => line.split('\t')[1] === ref)) {
    throw new CloneFailure(
      cloneExitCode.branchMissing,
      `The branch "${settings.branch}" is not (or no longer) in the repository. Push it, or launch another branch.`,
    );
  }
}

/**
 * Fetches one commit by its full id into the repository that `git` works in. true: it is there now; false: the server
 * has no such commit, or gives none by its id. Throws CloneFailure.
 */
export async function fetchCommit(
  git: Git,
  settings: CloneSettings,
  id: string,
  log: Log,
  stop: AbortSignal,
): Promise<boolean> {
  let has = true;
  await withServer(settings, performance.now() + settings.waitMs, log, stop, false, async (limits) => {
    const result = await git(['fetch', '--no-tags', '--progress', 'origin', id], limits);
    has = result.exitCode === 0;
    const absent = !has && failureKindOf(result.stderr) === 'no-such-object';
    return absent ? { ...result, exitCode: 0 } : result;
  });
  return has;
}
