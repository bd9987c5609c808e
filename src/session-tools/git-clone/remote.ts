import { setTimeout as delay } from 'node:timers/promises';
import { createBackOff } from '../../lib/back-off.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure, failureKindOf, failureOf, reasonOf } from './failure.ts';
import type { Git, GitResult } from './git.ts';
import type { Log } from './log.ts';
import type { CloneSettings } from './settings.ts';

/** After this many interrupted transfers, another attempt is not likely to succeed. */
const maxBrokenTransfers = 3;

/**
 * Runs a git command that needs the git server, and returns its output. Repeats the command while the server is not available,
 * until `deadline` (of performance.now()). `limited`: the command itself also ends at the deadline, because a connection to a
 * host that does not respond has no other limit. Throws CloneFailure.
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
  const backOff = createBackOff({ firstMs: 500, maxMs: 5_000 });
  let broken = 0;
  for (;;) {
    const left = Math.max(1, deadline - performance.now());
    const result = await run(limited ? { limitMs: left } : {});
    if (result.exitCode === 0) return result.stdout;
    const silent = result.exitCode === null && limited;
    const kind = silent ? 'unavailable' : failureKindOf(result.stderr);
    if (kind === 'broken-transfer') broken++;
    if ((kind !== 'unavailable' && kind !== 'broken-transfer') || broken >= maxBrokenTransfers) {
      throw failureOf(result.stderr, host, settings.token !== null);
    }
    const reason = silent ? 'it does not respond' : reasonOf(result.stderr);
    const pauseMs = backOff.next();
    if (performance.now() + pauseMs >= deadline) {
      throw new CloneFailure(
        cloneExitCode.gitServerUnavailable,
        `The git server ${host} was not available for ${Math.round(settings.waitMs / 1000)} s (${reason}). Launch the session again when it is back.`,
      );
    }
    log(
      kind === 'unavailable'
        ? `The git server ${host} is not available (${reason}); trying again.`
        : `The git server ${host} interrupted the transfer (${reason}); trying again.`,
    );
    await delay(pauseMs, undefined, { signal: stop });
  }
}

/** Waits for the server, and checks that it has the branch. Throws CloneFailure. */
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
  // The pattern also matches other refs that end with it.
  if (!output.split('\n').some((line) => line.split('\t')[1] === ref)) {
    throw new CloneFailure(
      cloneExitCode.branchMissing,
      `The branch "${settings.branch}" does not exist in the repository. Push it, or launch another branch.`,
    );
  }
}

/**
 * Fetches one commit by its full id. Returns false if the server has no such commit, or does not permit fetching by id.
 * Throws CloneFailure.
 */
export async function fetchCommit(
  git: Git,
  settings: CloneSettings,
  id: string,
  log: Log,
  stop: AbortSignal,
): Promise<boolean> {
  let isFetched = true;
  await withServer(settings, performance.now() + settings.waitMs, log, stop, false, async (limits) => {
    const result = await git(['fetch', '--no-tags', '--progress', 'origin', id], limits);
    isFetched = result.exitCode === 0;
    const absent = !isFetched && failureKindOf(result.stderr) === 'no-such-object';
    return absent ? { ...result, exitCode: 0 } : result;
  });
  return isFetched;
}
