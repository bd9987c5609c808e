// @ts-check
import { listCommits, Trouble, targetOf } from './api.js';
import { poll } from './poll.js';
import { pathOf } from './session-words.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {{ text: string, commit: string } | null} Newer */

/** How soon a branch is looked at again; between two looks the page asks GitLab nothing. */
const againMs = 120_000;
/** How soon to see whether there are sessions on branches that were never looked at. */
const turnMs = 5_000;

/**
 * Whether the branch of a session has moved on since its launch.
 * @param {readonly import('./api.js').Commit[]} commits The branch's, newest first.
 * @param {import('./api.js').LaunchTarget} target
 * @returns {Newer}
 */
function newerThan(commits, { branch, commit_sha: launched }) {
  const [newest] = commits;
  if (!newest || !launched || newest.commit_sha.startsWith(launched)) return null;
  const at = commits.findIndex(({ commit_sha: sha }) => sha.startsWith(launched));
  const moved =
    at < 0
      ? `${branch} is at another commit now`
      : at === 1
        ? `${branch} has a newer commit`
        : `${branch} has ${at} newer commits`;
  return { text: `${moved}: “${newest.title}”.`, commit: newest.commit_sha };
}

/**
 * Looks at the branches of running sessions, one after the other.
 * @param {() => Session[]} sessions
 * @param {(name: string, newer: Newer) => void} tell
 */
export function watchNewerCommits(sessions, tell) {
  /** @type {Map<string, { at: number, commits: import('./api.js').Commit[] }>} */
  const branches = new Map();

  poll(
    async () => {
      for (const session of sessions()) {
        const target = targetOf(session);
        if (session.status.state !== 'running' || !target.branch) continue;
        const path = pathOf(session);
        const key = `${path}\n${target.branch}`;
        const known = branches.get(key);
        if (!known || Date.now() - known.at > againMs) {
          branches.set(key, { at: Date.now(), commits: await commitsOf(path, target.branch) });
        }
        tell(session.name, newerThan(branches.get(key)?.commits ?? [], target));
      }
      return turnMs;
    },
    // What cannot be known now is not said; the sessions themselves are well, and their list tells what is not.
    () => undefined,
  );
}

/** None for a branch that is gone. @param {string} path @param {string} branch */
async function commitsOf(path, branch) {
  try {
    return (await listCommits(path, branch)).commits;
  } catch (error) {
    if (error instanceof Trouble && error.status === 404) return [];
    throw error;
  }
}
