import type { Logger } from 'pino';
import { Deadline } from '../lib/deadline.ts';
import { type GitLabBranches, GitLabRefused, GitLabUnavailable } from '../platform/gitlab/types.ts';
import { type OwnAutosave, ownAutosaves } from './own-autosaves.ts';
import { byRootCommit, isAncestor } from './superseded.ts';
import type { AutosaveCleanUp, NewSession } from './types.ts';

export interface CleanUpParts {
  readonly gitlab: GitLabBranches;
  readonly log: Logger;
  readonly limits?: Partial<CleanUpLimits>;
}

/** Nobody waits for this work, so it takes little of GitLab at a time, and what is too much is left for a later launch. */
export interface CleanUpLimits {
  /** Sessions that are cleaned up after at the same time. */
  readonly atOnce: number;
  /** Sessions that wait for that. */
  readonly waiting: number;
  /** Commits whose ancestry is asked for, per session. */
  readonly commits: number;
  /** Milliseconds per session. */
  readonly timeMs: number;
}

const defaultLimits: CleanUpLimits = { atOnce: 2, waiting: 200, commits: 50, timeMs: 60_000 };

export function createAutosaveCleanUp({ gitlab, log, limits = {} }: CleanUpParts): AutosaveCleanUp {
  const { atOnce, waiting: maxWaiting, commits, timeMs } = { ...defaultLimits, ...limits };
  const stopping = new AbortController();
  const waiting: NewSession[] = [];
  const running = new Set<Promise<void>>();

  function startNext(): void {
    while (running.size < atOnce) {
      const session = waiting.shift();
      if (!session) return;
      const run = cleanUpAfter(session).finally(() => {
        running.delete(run);
        startNext();
      });
      running.add(run);
    }
  }

  /** Never rejects: its trouble is the log's. */
  async function cleanUpAfter(session: NewSession): Promise<void> {
    const about = { session: session.name, project: session.projectId };
    try {
      await deleteSuperseded(session, Deadline.after(timeMs, stopping.signal));
    } catch (err) {
      if (stopping.signal.aborted) return;
      // The next ones would meet the same trouble, and GitLab is better left alone.
      const dropped = err instanceof GitLabUnavailable ? waiting.splice(0).length : 0;
      log.warn({ ...about, err, dropped }, 'superseded autosaves were not all deleted');
    }
  }

  async function deleteSuperseded(session: NewSession, deadline: Deadline): Promise<void> {
    const autosaves = await ownAutosaves(gitlab, session.user, session.projectId, deadline);
    const candidates = [...byRootCommit(autosaves ?? [], session)];
    for (const [commit, rooted] of candidates.slice(0, commits)) {
      const refs = [commit, session.commitSha] as const;
      const base = await gitlab.mergeBase(session.user.git, session.projectId, refs, deadline);
      if (!isAncestor(commit, base)) continue;
      for (const autosave of rooted) await deleteOne(session, autosave, deadline);
    }
  }

  async function deleteOne({ name, user, projectId }: NewSession, { branch }: OwnAutosave, deadline: Deadline) {
    // With its commit in the log, a branch can be made again for as long as GitLab keeps what no branch leads to.
    const about = { session: name, project: projectId, autosave: branch.name, commit: branch.commitSha };
    try {
      const isDeleted = await gitlab.deleteBranch(user.git, projectId, branch.name, deadline);
      if (isDeleted) log.info(about, 'superseded autosave deleted');
    } catch (err) {
      if (!(err instanceof GitLabRefused)) throw err;
      log.info({ ...about, err, reason: err.reason }, 'GitLab refuses to delete a superseded autosave');
    }
  }

  return {
    afterLaunch(session) {
      if (stopping.signal.aborted) return;
      if (waiting.length >= maxWaiting) {
        log.debug({ session: session.name }, 'too many launches at once to look for superseded autosaves');
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
