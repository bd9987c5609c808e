import type { Logger } from 'pino';
import { Deadline } from '../lib/deadline.ts';
import {
  type GitLabBranches,
  type GitLabComparisons,
  GitLabRefused,
  GitLabUnavailable,
} from '../platform/gitlab/types.ts';
import { type OwnAutosave, ownAutosaves } from './own-autosaves.ts';
import { byRootCommit, hasNothing, isAncestor } from './superseded.ts';
import type { AutosaveCleanUp, NewSession } from './types.ts';

export interface CleanUpParts {
  readonly gitlab: GitLabBranches & GitLabComparisons;
  readonly log: Logger;
  readonly limits?: Partial<CleanUpLimits>;
}

/** Background work: it makes few requests to GitLab at a time, and leaves the rest to a later launch. */
export interface CleanUpLimits {
  /** Maximum number of sessions that are processed concurrently. */
  readonly concurrency: number;
  /** Maximum number of sessions that wait. */
  readonly waiting: number;
  /** Maximum number of commits to compare with the commit of a session. */
  readonly commits: number;
  /** Maximum number of autosaves to compare with the commit of a session: those that are kept are compared at each launch. */
  readonly autosaves: number;
  /** Milliseconds per session. */
  readonly timeMs: number;
}

const defaultLimits: CleanUpLimits = { concurrency: 2, waiting: 200, commits: 50, autosaves: 20, timeMs: 60_000 };

/** Returns the background clean-up, which deletes the autosaves that new sessions supersede. */
export function createAutosaveCleanUp({ gitlab, log, limits = {} }: CleanUpParts): AutosaveCleanUp {
  const { concurrency, waiting: maxWaiting, commits, autosaves: maxCompared, timeMs } = { ...defaultLimits, ...limits };
  const stopping = new AbortController();
  const waiting: NewSession[] = [];
  const running = new Set<Promise<void>>();

  function startNext(): void {
    while (running.size < concurrency) {
      const session = waiting.shift();
      if (!session) return;
      const run = cleanUpAfter(session).finally(() => {
        running.delete(run);
        startNext();
      });
      running.add(run);
    }
  }

  /** Never rejects: errors are logged. */
  async function cleanUpAfter(session: NewSession): Promise<void> {
    const about = { session: session.name, project: session.projectId };
    try {
      await deleteSuperseded(session, Deadline.after(timeMs, stopping.signal));
    } catch (err) {
      if (stopping.signal.aborted) return;
      // The waiting sessions would fail in the same way, and their requests would add to GitLab's load.
      const dropped = err instanceof GitLabUnavailable ? waiting.splice(0).length : 0;
      log.warn({ ...about, err, dropped }, 'not all superseded autosaves were deleted');
    }
  }

  async function deleteSuperseded(session: NewSession, deadline: Deadline): Promise<void> {
    const autosaves = await ownAutosaves(gitlab, session.user, session.projectId, deadline);
    const candidates = [...byRootCommit(autosaves ?? [], session)];
    let left = maxCompared;
    for (const [commit, rooted] of candidates.slice(0, commits)) {
      if (left <= 0) return;
      const refs = [commit, session.commitSha] as const;
      const base = await gitlab.mergeBase(session.user.git, session.projectId, refs, deadline);
      if (!isAncestor(commit, base)) continue;
      for (const autosave of rooted.slice(0, left))
        if (await isInCommit(session, autosave, deadline)) await deleteOne(session, autosave, deadline);
      left -= rooted.length;
    }
  }

  /** Returns whether the commit of the session has everything of the autosave. The autosave may never have been restored. */
  async function isInCommit({ user, projectId, commitSha }: NewSession, { branch }: OwnAutosave, deadline: Deadline) {
    const range = { from: commitSha, to: branch.commitSha };
    const comparison = await gitlab.compare(user.git, projectId, range, deadline);
    return comparison !== undefined && hasNothing(comparison);
  }

  async function deleteOne({ name, user, projectId }: NewSession, { branch }: OwnAutosave, deadline: Deadline) {
    // With the commit in the log, an administrator can restore the branch until GitLab removes unreachable commits.
    const about = { session: name, project: projectId, autosave: branch.name, commit: branch.commitSha };
    try {
      // GitLab deletes a branch whatever its commit is, and another session may have saved to it since the comparison.
      const page = await gitlab.branches(user.git, projectId, { prefix: branch.name, page: 1 }, deadline);
      const current = page?.branches.find(({ name: each }) => each === branch.name);
      if (current?.commitSha !== branch.commitSha) return;
      const isDeleted = await gitlab.deleteBranch(user.git, projectId, branch.name, deadline);
      if (isDeleted) log.info(about, 'superseded autosave deleted');
    } catch (err) {
      if (!(err instanceof GitLabRefused)) throw err;
      log.info({ ...about, err, reason: err.reason }, 'GitLab did not allow the deletion of a superseded autosave');
    }
  }

  return {
    afterLaunch(session) {
      if (stopping.signal.aborted) return;
      if (waiting.length >= maxWaiting) {
        log.debug({ session: session.name }, 'too many launches are waiting: no search for superseded autosaves');
        return;
      }
      waiting.push(session);
      startNext();
    },
    async stop() {
      stopping.abort();
      waiting.length = 0;
      await Promise.all(running);
    },
  };
}
