// @ts-check
import { ApiError, listCommits, targetOf } from './api.js';
import { poll } from './poll.js';
import { pathOf } from './session-words.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {{ text: string, commit: string } | null} Newer */

/** Time between two requests to GitLab for the same branch. */
const branchMs = 120_000;
/** Time between two checks for sessions on other branches. */
const checkMs = 5_000;

/**
 * Returns the newest commit of a session's branch; null if that commit was launched.
 * @param {readonly import('./api.js').Commit[]} commits Commits of the branch, newest first.
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
 * Checks the branches of running sessions for newer commits, one after the other.
 * @param {() => Session[]} sessions
 * @param {(name: string, newer: Newer) => void} onChecked
 */
export function watchNewerCommits(sessions, onChecked) {
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
        if (!known || Date.now() - known.at > branchMs) {
          branches.set(key, { at: Date.now(), commits: await commitsOf(path, target.branch) });
        }
        onChecked(session.name, newerThan(branches.get(key)?.commits ?? [], target));
      }
      return checkMs;
    },
    // Errors are not shown here: the sessions work without this check, and the list of sessions shows errors of the service.
    () => undefined,
  );
}

/** Returns the newest commits; an empty list if the branch does not exist. @param {string} path @param {string} branch */
async function commitsOf(path, branch) {
  try {
    return (await listCommits(path, branch)).commits;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return [];
    throw error;
  }
}
