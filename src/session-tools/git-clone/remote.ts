import { setTimeout as delay } from 'node:timers/promises';
import { createBackOff } from '../../lib/back-off.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { CloneFailure, failureKindOf, failureOf, reasonOf } from './failure.ts';
import type { Git, GitResult } from './git.ts';
import type { CloneSettings } from './settings.ts';
import type { CloneTools } from './tools.ts';

/** After this many interrupted transfers, another attempt is not likely to succeed. */
const maxBrokenTransfers = 3;

/** The last result of a repeated command. `reason`: why the server was not available for all of the time. */
interface Repeated {
  readonly result: GitResult;
  readonly reason: string | undefined;
}

type Waits = Pick<CloneTools, 'log' | 'stop' | 'waiting'>;

/** Runs a git command again while the git server is not available, as long as `waiting` has time. */
async function repeat(
  host: string,
  { log, stop, waiting }: Waits,
  run: () => Promise<GitResult & { readonly isSilent?: boolean }>,
): Promise<Repeated> {
  const backOff = createBackOff({ firstMs: 500, maxMs: 5_000 });
  let broken = 0;
  for (;;) {
    const started = performance.now();
    const result = await run();
    if (result.exitCode === 0) return { result, reason: undefined };
    const kind = result.isSilent ? 'unavailable' : failureKindOf(result.stderr);
    if (kind === 'broken-transfer') broken++;
    if ((kind !== 'unavailable' && kind !== 'broken-transfer') || broken >= maxBrokenTransfers)
      return { result, reason: undefined };
    const reason = result.isSilent ? 'it does not respond' : reasonOf(result.stderr);
    // A transfer that was interrupted took its time for another reason.
    if (kind === 'unavailable') waiting.spend(performance.now() - started);
    const pauseMs = backOff.next();
    if (pauseMs >= waiting.left()) return { result, reason };
    waiting.spend(pauseMs);
    log(
      kind === 'unavailable'
        ? `The git server ${host} is not available (${reason}); trying again.`
        : `The git server ${host} interrupted the transfer (${reason}); trying again.`,
    );
    await delay(pauseMs, undefined, { signal: stop });
  }
}

/**
 * Runs a git command that needs the git server, and returns its output. Repeats the command while the server is not available.
 * `limited`: the command itself also ends with the time for waiting, because a connection to a host that does not respond has no other
 * limit. Throws CloneFailure.
 */
export async function withServer(
  settings: CloneSettings,
  waits: Waits,
  limited: boolean,
  run: (limits: { limitMs?: number }) => Promise<GitResult>,
): Promise<string> {
  const { host } = new URL(settings.serverUrl);
  const { result, reason } = await repeat(host, waits, async () => {
    const ended = await run(limited ? { limitMs: Math.max(1, waits.waiting.left()) } : {});
    return { ...ended, isSilent: ended.exitCode === null && limited };
  });
  if (result.exitCode === 0) return result.stdout;
  if (reason === undefined) throw failureOf(result.stderr, host, settings.token !== null);
  throw new CloneFailure(
    cloneExitCode.gitServerUnavailable,
    `The git server ${host} was not available for ${Math.round(settings.waitMs / 1000)} s (${reason}). Launch the session again when it is back.`,
  );
}

/** Returns git that runs commands again while the git server is not available. */
export function retrying(settings: CloneSettings, tools: CloneTools): Git {
  const { host } = new URL(settings.serverUrl);
  return async (args, options) => (await repeat(host, tools, () => tools.git(args, options))).result;
}

/** Waits for the server, and checks that it has the branch. Throws CloneFailure. */
export async function findBranch(settings: CloneSettings, tools: CloneTools): Promise<void> {
  const ref = `refs/heads/${settings.branch}`;
  const output = await withServer(settings, tools, true, (limits) =>
    tools.git(['ls-remote', '--', settings.repositoryUrl, ref], limits),
  );
  // The pattern also matches other refs with the same end.
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
export async function fetchCommit(settings: CloneSettings, tools: CloneTools, id: string): Promise<boolean> {
  let isFetched = true;
  await withServer(settings, tools, false, async (limits) => {
    const result = await tools.git(['fetch', '--no-tags', '--progress', 'origin', id], limits);
    isFetched = result.exitCode === 0;
    const absent = !isFetched && failureKindOf(result.stderr) === 'no-such-object';
    return absent ? { ...result, exitCode: 0 } : result;
  });
  return isFetched;
}
