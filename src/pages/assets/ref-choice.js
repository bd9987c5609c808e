// @ts-check
import { ApiError, listBranches, listCommits } from './api.js';
import { announce, setText, show } from './dom.js';
import { age } from './format.js';

/** Delay after the last key press before the search begins. */
const typingMs = 250;

/**
 * Shows the lists of branches and commits, in which the user chooses the commit to launch.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With branch, branchSearch, branchSearchPlace, commit, olderCommits,
 *   refError.
 * @param {import('./api.js').LaunchTarget} target The initial choice.
 */
export function refChoice(ref, target) {
  const path = `${target.namespace}/${target.project}`;
  const branches = /** @type {HTMLSelectElement} */ (ref('branch'));
  const commits = /** @type {HTMLSelectElement} */ (ref('commit'));
  const search = /** @type {HTMLInputElement} */ (ref('branchSearch'));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  /** Id of the newest commit of the chosen branch; undefined until it is loaded. @type {string | undefined} */
  let newest;
  /** @type {number | null} */
  let nextPage = null;

  branches.replaceChildren(new Option(target.branch, target.branch, true, true));
  commits.replaceChildren(new Option(target.commit_sha.slice(0, 8), target.commit_sha, true, true));

  async function showBranches() {
    const wanted = search.value.trim();
    const found = await listBranches(path, wanted);
    if (wanted !== search.value.trim()) return;
    const chosen = branches.value;
    // A session is launched from the branch of an autosave on the page of autosaves.
    const offered = found.branches.map(({ name }) => name).filter((name) => !name.startsWith('renku/autosave/'));
    const names = new Set([chosen, ...offered]);
    branches.replaceChildren(...[...names].map((name) => new Option(name, name, name === chosen, name === chosen)));
    show(ref('branchSearchPlace'), found.next_page !== null || wanted !== '');
    if (wanted) announce(`${offered.length} branches match`);
  }

  /** @param {number} page */
  async function showCommits(page) {
    const branch = branches.value;
    const found = await listCommits(path, branch, page);
    if (branch !== branches.value) return;
    const chosen = page === 1 && branch === target.branch ? target.commit_sha : commits.value;
    const options = found.commits.map(
      (commit, index) => new Option(describe(commit, page === 1 && index === 0), commit.commit_sha),
    );
    if (page > 1) commits.append(...options);
    else {
      newest = found.commits[0]?.commit_sha;
      commits.replaceChildren(...options);
      const isListed = found.commits.some(({ commit_sha: sha }) => sha === chosen);
      if (branch === target.branch && !isListed) commits.add(new Option(chosen.slice(0, 8), chosen), 0);
      commits.value = branch === target.branch ? chosen : (newest ?? '');
    }
    nextPage = found.next_page;
    show(ref('olderCommits'), nextPage !== null);
  }

  /** Calls `action` and shows its error. @param {() => Promise<void>} action @returns {Promise<boolean>} */
  async function attempt(action) {
    try {
      await action();
      setText(ref('refError'), '');
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(ref('refError'), error.message);
      return false;
    }
  }

  branches.addEventListener('change', () => {
    const branch = branches.value;
    // Until the commits are loaded, the name of the branch is the value, and means its newest commit.
    newest = undefined;
    commits.replaceChildren(new Option('newest commit', branch, true, true));
    void attempt(() => showCommits(1));
  });
  ref('olderCommits').addEventListener('click', () => void attempt(() => showCommits(nextPage ?? 1)));
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => void attempt(showBranches), typingMs);
  });

  return {
    load: async () => void (await Promise.all([showBranches(), showCommits(1)])),
    chosen: () => ({ branch: branches.value, commit_sha: commits.value || target.commit_sha }),
    /** Returns the parameters of a launch link: the branch if its newest commit is chosen, else the commit and the branch. */
    query: () => {
      const { branch, commit_sha: commit } = { branch: branches.value, commit_sha: commits.value };
      return /** @type {Record<string, string>} */ (
        commit === newest || commit === branch ? { ref: branch } : { ref: commit, branch }
      );
    },
  };
}

/** @param {import('./api.js').Commit} commit @param {boolean} isNewest */
function describe({ commit_sha: sha, title, committed_at: at }, isNewest) {
  const short = title.length > 60 ? `${title.slice(0, 59)}…` : title;
  return [isNewest ? `${sha.slice(0, 8)} (newest)` : sha.slice(0, 8), short, ...(at ? [age(at)] : [])]
    .filter(Boolean)
    .join(' · ');
}
